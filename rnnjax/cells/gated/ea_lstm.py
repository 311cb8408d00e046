"""The entity-aware long short-term memory."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.fused_cell import FusedCell
from rnnjax.gated_cell import MemoryCarry
from rnnjax.hyperparameters import Flag, Real, Size
from rnnjax.noise import SILENCE, Noise


class EALSTMParams(NamedTuple):
    """Parameters, gates fused in the order f, o, g, and those of i, which reads S features alone.

    ``w_x [D - S, 3H]``, ``w_h [H, 3H]``, ``w_s [S, H]``, ``b [3H]``, ``b_s [H]`` (None where
    absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    w_s: jax.Array
    b: jax.Array | None = None
    b_s: jax.Array | None = None


class Projected(NamedTuple):
    """What depends on the input alone: the gates' ``[..., 3H]`` and the input gate ``[..., H]``."""

    gates: jax.Array
    i: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class EALSTM(FusedCell):
    r"""Entity-aware LSTM: what an entity is decides what is let in, what it meets all the rest.

    .. math::
        i &= \sigma(x^s W_s + b_s) \\
        f_t, o_t &= \sigma(x^d_t W_x + h_{t-1} W_h + b), \qquad
            g_t = \tanh(x^d_t W_{xg} + h_{t-1} W_{hg} + b_g) \\
        c_t &= f_t \odot c_{t-1} + i \odot g_t \\
        h_t &= o_t \odot \tanh(c_t), \qquad y_t = h_t

    x^s are the last S features of the input, meant to be the same at all steps of a row, and x^d
    the others. At first w_x and w_s are orthogonal, w_h is three identity matrices and biases are
    0.

    Args:
        input_size: D, features of one input, the S static ones included.
        hidden_size: H, units.
        static_size: S, fewer than D.
        forget_bias: the first bias of the forget gate.
        use_bias: whether there are biases.

    Parameters: `EALSTMParams`. Carry: `MemoryCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, S is not below D, or the bias is not finite.

    Equals `rnnjax.LSTM` whose input gate has weights for x^s alone, and whose other gates have none
    for it. The library neuralhydrology has PyTorch's first values for w_s and b_s.

    >>> cell = EALSTM(input_size=3, hidden_size=2, static_size=1)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: F. Kratzert et al., "Towards learning universal, regional, and local hydrological
    behaviors via machine learning applied to large-sample datasets", Hydrology and Earth System
    Sciences 23 (2019), 5089-5110; first values as in the authors' EALSTM with ``weight_sh``.
    """

    static_size: Size
    forget_bias: Real = 0.0
    use_bias: Flag = True

    carry_type = MemoryCarry

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.static_size >= self.input_size:
            raise ValueError(
                f"EALSTM: static_size must be below input_size, but {self.static_size} of "
                f"{self.input_size} features leave none for the other gates."
            )

    def init(self, key: jax.Array) -> EALSTMParams:
        h, keys = self.hidden_size, jax.random.split(key)
        draw = jax.nn.initializers.orthogonal()
        b = jnp.zeros(3 * h).at[:h].set(self.forget_bias) if self.use_bias else None
        return EALSTMParams(
            draw(keys[0], (self.input_size - self.static_size, 3 * h)),
            jnp.tile(jnp.eye(h), (1, 3)),
            draw(keys[1], (self.static_size, h)),
            b,
            jnp.zeros(h) if self.use_bias else None,
        )

    def project(self, params: EALSTMParams, x: jax.Array) -> Projected:
        check_input(self, x)
        dynamic, static = x[..., : -self.static_size], x[..., -self.static_size :]
        (i,) = gates(affine(static, params.w_s, params.b_s), ("sigmoid",))
        return Projected(affine(dynamic, params.w_x, params.b), i)

    def step(
        self, params: EALSTMParams, carry: MemoryCarry, z: Projected, noise: Noise = SILENCE
    ) -> tuple[MemoryCarry, jax.Array]:
        a = z.gates + recur(noise.on_state(carry.h), params.w_h)
        f, o, g = gates(a, ("sigmoid", "sigmoid", "tanh"))
        c = f * carry.c + z.i * noise.on_update(g)
        h = o * jnp.tanh(c)
        return settled(carry, MemoryCarry(h, c), h, z.gates)
