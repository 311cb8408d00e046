"""The closed-form continuous-time network."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import ACTIVATIONS
from rnnjax.cell import affine, recur, settled
from rnnjax.fused_cell import FusedCell
from rnnjax.gated_cell import HiddenCarry
from rnnjax.hyperparameters import Flag, Size, one_of
from rnnjax.initializers import symmetric_uniform
from rnnjax.noise import SILENCE, Noise
from rnnjax.timed_cell import TimedInput, check_features, features, gap_like, parted


class CfCParams(NamedTuple):
    """Parameters.

    Of the backbone of U units: ``w_x [D, U]`` (without the time), ``w_h [H, U]``, ``b [U]``, and of
    its further layers ``w_deep [L - 1, U, U]``, ``b_deep [L - 1, U]``. Of what reads it, fused in
    the order f1, f2, a, b: ``w_o [U, 4H]``, ``b_o [4H]``; f alone, ``[U, H]``, in the mode "pure",
    which also has ``a``, ``w_tau [H]``.
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None
    w_o: jax.Array
    b_o: jax.Array | None
    w_deep: jax.Array | None = None
    b_deep: jax.Array | None = None
    a: jax.Array | None = None
    w_tau: jax.Array | None = None


def lecun_tanh(x: jax.Array) -> jax.Array:
    """1.7159 tanh(0.666 x), with the authors' 0.666 and not ⅔."""
    return 1.7159 * jnp.tanh(0.666 * x)


BACKBONES = {**ACTIVATIONS, "lecun_tanh": lecun_tanh}
"""Activations of the backbone by name."""


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class CfC(FusedCell):
    r"""What a liquid time-constant network is after a while, without its differential equation.

    .. math::
        b_t &= \phi([x_t, h_{t-1}] W_b + b_b), \qquad
        f_i = \tanh(b_t W_i + b_i) \\
        s_t &= \sigma((b_t W_a + b_a) \Delta t + b_t W_s + b_s) \\
        h_t &= (1 - s_t) \odot f_1 + s_t \odot f_2, \qquad y_t = h_t

    In the mode "no_gate", :math:`h_t = f_1 + s_t \odot f_2`. In the mode "pure", with
    :math:`f = b_t W_f + b_f`, :math:`h_t = A - A \odot f \odot e^{-\Delta t (|w_\tau| + |f|)}`.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        backbone_size: U, units of the backbone.
        backbone_layers: how many layers it has.
        activation: φ, "lecun_tanh" or a name in `rnnjax.activations.ACTIVATIONS`.
        mode: "default", "no_gate" or "pure".
        timed: whether the last feature is Δt, the time since the step before; else that is 1.
        use_bias: whether there are biases.

    Parameters: `CfCParams`; at first matrices are Glorot uniform, each by itself, biases are those
    of PyTorch's linear layers, A is 1 and w_τ is 0. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, the time is the only feature, or a name is
            unknown.

    Equals ``ncps.torch.CfCCell``, whose backbone may also be absent, or have dropout. Where W_a and
    b_a are 0, Δt changes nothing. The mixed memory of ``ncps.torch.CfC`` is an LSTM in front of
    each step.

    >>> cell = CfC(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: R. Hasani et al., "Closed-form continuous-time neural networks", Nature Machine
    Intelligence 4 (2022), arXiv:2106.13898; ``torch_cfc.py`` of raminmh/CfC and
    ``ncps/torch/cfc_cell.py`` of mlech26l/ncps.
    """

    backbone_size: Size = 128
    backbone_layers: Size = 1
    activation: Annotated[str, one_of(BACKBONES)] = "lecun_tanh"
    mode: Annotated[str, one_of(("default", "no_gate", "pure"))] = "default"
    timed: Flag = dataclasses.field(default=False, kw_only=True)
    use_bias: Flag = dataclasses.field(default=True, kw_only=True)

    noise_places = ("state",)

    carry_type = HiddenCarry

    def __post_init__(self) -> None:
        super().__post_init__()
        check_features(self)

    def init(self, key: jax.Array) -> CfCParams:
        d, h, u, deep = features(self), self.hidden_size, self.backbone_size, self.backbone_layers
        pure = self.mode == "pure"
        first, *heads = jax.random.split(key, 2 if pure else 5)
        first, *layers = jax.random.split(first, deep)
        w, b = _linear(first, d + h, u)
        read = [_linear(own, u, h) for own in heads]
        w_o, b_o = (jnp.concatenate([head[i] for head in read], axis=-1) for i in range(2))
        more = [_linear(own, u, u) for own in layers]
        deeper = [jnp.stack([layer[i] for layer in more]) if more else None for i in range(2)]
        return CfCParams(
            w[:d], w[d:], b if self.use_bias else None, w_o, b_o if self.use_bias else None,
            deeper[0], deeper[1] if self.use_bias else None,
            *((jnp.ones((h,)), jnp.zeros((h,))) if pure else ()),
        )  # fmt: skip

    def project(self, params: CfCParams, x: jax.Array) -> TimedInput:
        x, gap = parted(self, x)
        return TimedInput(affine(x, params.w_x, params.b), gap)

    def step(
        self, params: CfCParams, carry: HiddenCarry, z: TimedInput, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        phi = BACKBONES[self.activation]
        b = phi(z.z + recur(noise.on_state(carry.h), params.w_h))
        for i in range(self.backbone_layers - 1):
            deep: Any = params.w_deep, params.b_deep
            own: list[Any] = [None if part is None else part[i] for part in deep]
            b = phi(affine(b, *own))
        heads = affine(b, params.w_o, params.b_o)
        h = self._pure(params, heads, z) if self.mode == "pure" else self._mixed(heads, z)
        return settled(carry, HiddenCarry(h), h, z.z)

    def _mixed(self, heads: jax.Array, z: TimedInput) -> jax.Array:
        f1, f2, a, b = jnp.split(heads, 4, axis=-1)
        f1, f2, s = jnp.tanh(f1), jnp.tanh(f2), jax.nn.sigmoid(a * gap_like(z.gap, a) + b)
        return f1 + s * f2 if self.mode == "no_gate" else (1 - s) * f1 + s * f2

    def _pure(self, params: Any, f: jax.Array, z: TimedInput) -> jax.Array:
        a, w_tau = (jnp.broadcast_to(own, f.shape) for own in (params.a, params.w_tau))
        return a - a * f * jnp.exp(-gap_like(z.gap, f) * (jnp.abs(w_tau) + jnp.abs(f)))


def _linear(key: jax.Array, inputs: int, width: int) -> tuple[jax.Array, jax.Array]:
    """A Glorot uniform matrix, and a bias as PyTorch draws it."""
    keys = jax.random.split(key)
    w = jax.nn.initializers.glorot_uniform()(keys[0], (inputs, width))
    return w, symmetric_uniform(inputs)(keys[1], (width,))
