"""The gated orthogonal recurrent unit."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.fused_cell import FusedCell
from rnnjax.gated_cell import HiddenCarry
from rnnjax.hyperparameters import Flag, Size, one_of
from rnnjax.noise import SILENCE, Noise
from rnnjax.orthogonal import STYLES, check_planes, mod_relu, num_angles, planes, rotate


class GORUParams(NamedTuple):
    """Parameters.

    ``w_x [D, 3H]`` in the order r, g, c; ``w_h [H, 2H]`` and ``b [2H]`` of r and g; ``theta [K]``,
    the angles of Q; ``b_c [H]`` of modReLU. The biases are None where absent.
    """

    w_x: jax.Array
    w_h: jax.Array
    theta: jax.Array
    b: jax.Array | None = None
    b_c: jax.Array | None = None


class Projected(NamedTuple):
    """What depends on the input alone: of gates ``[..., 2H]``, of the candidate ``[..., H]``."""

    gates: jax.Array
    candidate: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class GORU(FusedCell):
    r"""Gated orthogonal recurrent unit: a gated cell whose candidate reads a rotated state.

    .. math::
        r_t &= \sigma(x_t W_{xr} + h_{t-1} W_{hr} + b_r) \\
        g_t &= \sigma(x_t W_{xg} + h_{t-1} W_{hg} + b_g) \\
        c_t &= \mathrm{modReLU}(r_t \odot Q h_{t-1} + x_t W_{xc};\ b_c) \\
        h_t &= g_t \odot h_{t-1} + (1 - g_t) \odot c_t, \qquad y_t = h_t

    Q is a product of layers of rotations, as of a real `rnnjax.EUNN`, and modReLU is
    sign(a) relu(\|a\| + b). At first all matrices are uniform between ±0.01 and the angles between
    ±π; b_r is 2, b_g is 0 (the official code leaves it to TensorFlow) and b_c is 0.01.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units, an even number; a power of 2 for "fft".
        style: which pairs of units are rotated, "fft" or "tunable", as of `rnnjax.EUNN`; None for
            "fft", the official code's, where H is a power of 2, else "tunable".
        capacity: the layers of "tunable", an even number.
        use_bias: whether there are biases; without them modReLU is the identity.

    Parameters: `GORUParams`. Carry: `rnnjax.gated_cell.HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, the style is unknown, or has no pairs of so
            many units or no such capacity.

    Equals a real `rnnjax.EUNN` where r is 1 and g is 0. The official code adds 0.001 to \|a\| in
    modReLU, which is b_c larger by that much.

    >>> cell = GORU(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: L. Jing et al., "Gated orthogonal recurrent units: on learning to forget" (2017),
    arXiv:1706.02761; details as in ``goru.py`` of jingli9111/GORU-tensorflow.
    """

    style: Annotated[str, one_of(STYLES)] | None = None
    capacity: Size = 2
    use_bias: Flag = True

    carry_type = HiddenCarry

    def __post_init__(self) -> None:
        super().__post_init__()
        check_planes("GORU", self._style, self.hidden_size, self.capacity)

    @property
    def _style(self) -> str:
        return self.style or ("tunable" if self.hidden_size & (self.hidden_size - 1) else "fft")

    def init(self, key: jax.Array) -> GORUParams:
        d, h = self.input_size, self.hidden_size
        keys = jax.random.split(key, 3)
        count = num_angles(planes(self._style, h, self.capacity))
        first = jnp.repeat(jnp.asarray([2.0, 0.0]), h)
        return GORUParams(
            w_x=jax.random.uniform(keys[0], (d, 3 * h), minval=-0.01, maxval=0.01),
            w_h=jax.random.uniform(keys[1], (h, 2 * h), minval=-0.01, maxval=0.01),
            theta=jax.random.uniform(keys[2], (count,), minval=-jnp.pi, maxval=jnp.pi),
            b=first if self.use_bias else None,
            b_c=jnp.full(h, 0.01) if self.use_bias else None,
        )

    def project(self, params: GORUParams, x: jax.Array) -> Any:
        check_input(self, x)
        z = affine(x, params.w_x)
        h = self.hidden_size
        both = z[..., : 2 * h]
        if params.b is not None:
            both = both + jnp.broadcast_to(params.b, both.shape)
        return Projected(both, z[..., 2 * h :])

    def step(
        self, params: GORUParams, carry: HiddenCarry, z: Projected, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        read = noise.on_state(carry.h)
        r, g = gates(z.gates + recur(read, params.w_h), ("sigmoid", "sigmoid"))
        layers = planes(self._style, self.hidden_size, self.capacity)
        turned = rotate(read, layers, params.theta)
        c = mod_relu(r * turned + z.candidate, params.b_c)
        h = g * carry.h + (1 - g) * noise.on_update(c)
        return settled(carry, HiddenCarry(h), h, z.candidate)
