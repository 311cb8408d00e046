"""The real-gated linear recurrent unit of Griffin."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import check_input, zero_carry
from rnnjax.hyperparameters import Flag, Size, check_hyperparameters
from rnnjax.linear_cell import LinearCell
from rnnjax.recurrences import Diagonal, State

SHARPNESS = 8.0
"""c of the paper."""
RING = 0.9, 0.999
"""Where the base of the decay lies at first."""


class RGLRUParams(NamedTuple):
    """``lam [H]``; the gates' ``w_a``, ``w_x`` ``[heads, H / heads, H / heads]``, ``b_a``, ``b_x``
    ``[H]``."""

    lam: jax.Array
    w_a: jax.Array
    w_x: jax.Array
    b_a: jax.Array
    b_x: jax.Array


class RGLRUCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]``."""

    h: jax.Array


class Gated(NamedTuple):
    """What depends on the input alone: both gates before σ, and the input, ``[..., H]``."""

    recurrence: jax.Array
    input: jax.Array
    x: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class RGLRU(LinearCell):
    r"""The real-gated linear recurrent unit.

    .. math::
        r_t &= \sigma(x_t W_a + b_a), \qquad i_t = \sigma(x_t W_x + b_x) \\
        \log a_t &= -8\, r_t \odot \mathrm{softplus}(\Lambda) \\
        h_t &= a_t \odot h_{t-1} + \sqrt{1 - a_t^2} \odot (i_t \odot x_t), \qquad y_t = h_t

    with block-diagonal matrices. 1 - a² is computed by expm1: near a = 1 the difference has no
    digits left.

    Args:
        input_size: D, features of one input, which is H, too.
        heads: blocks of the gates' matrices; they divide D.
        power_in_ring: whether :math:`a^8` at r = 1 lies between .9 and .999 at first, as the paper
            says; if not, its base does, as in the authors' code.

    Parameters: `RGLRUParams`. Carry: `RGLRUCarry`. Output: ``[..., D]``.

    Raises:
        ValueError: a size is not a positive integer, or the heads do not divide it.

    The authors' code takes a = 0 and a factor of 1 at position 0, so that a given carry is lost
    there; this is the formula, whatever the position.

    Source: S. De et al., "Griffin: mixing gated linear recurrences with local attention for
    efficient language models", arXiv:2402.19427, section 2.4; google-deepmind/recurrentgemma.
    """

    input_size: Size
    heads: Size = 1
    power_in_ring: Flag = False

    carry_type = RGLRUCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        if self.input_size % self.heads:
            raise ValueError(
                f"RGLRU: heads={self.heads} must divide the input size, {self.input_size}."
            )

    @property
    def output_size(self) -> int:
        return self.input_size

    @property
    def update_size(self) -> int:
        return self.input_size

    def init(self, key: jax.Array) -> RGLRUParams:
        size = self.input_size // self.heads
        keys = jax.random.split(key, 3)
        low, high = (radius**2 for radius in RING)
        # softplus(Λ) is -½ log of a square that is uniform.
        decay = -0.5 * jnp.log(jax.random.uniform(keys[0], (self.input_size,)) * (high - low) + low)
        if self.power_in_ring:
            decay = decay / SHARPNESS
        lam = jnp.log(jnp.expm1(decay))
        draw = jax.nn.initializers.lecun_normal(in_axis=-2, out_axis=-1, batch_axis=0)
        shape = self.heads, size, size
        zeros = jnp.zeros(self.input_size)
        return RGLRUParams(lam, draw(keys[1], shape), draw(keys[2], shape), zeros, zeros)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> RGLRUCarry:
        return zero_carry(RGLRUCarry, batch_shape, dtype, h=self.input_size)

    def project(self, params: RGLRUParams, x: jax.Array) -> Gated:
        check_input(self, x)
        blocks = x.reshape(*x.shape[:-1], self.heads, -1)

        def gate(w: jax.Array, b: jax.Array) -> jax.Array:
            own = jnp.einsum("...hi,hij->...hj", blocks, w).reshape(x.shape)
            return own + jnp.broadcast_to(b, own.shape)

        return Gated(gate(params.w_a, params.b_a), gate(params.w_x, params.b_x), x)

    def coefficients(self, params: RGLRUParams, z: Gated) -> Diagonal:
        decay = jax.nn.softplus(params.lam.astype(z.x.dtype))
        gate = jax.nn.sigmoid(z.recurrence)
        log_a = -SHARPNESS * gate * jnp.broadcast_to(decay, z.x.shape)
        added = jax.nn.sigmoid(z.input) * z.x
        return Diagonal(jnp.exp(log_a), _root(-jnp.expm1(2 * log_a)) * added)

    def readout(self, params: RGLRUParams, state: State, z: Gated) -> jax.Array:
        return state[0]


@jax.custom_jvp
def _root(x: jax.Array) -> jax.Array:
    """√x, whose derivative is 1000 at most, as in the authors' code."""
    return jnp.sqrt(x)


@_root.defjvp
def _root_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> Any:
    (x,), (dx,) = primals, tangents
    root = jnp.sqrt(x)
    return root, dx / jnp.maximum(2 * root, 1e-3)
