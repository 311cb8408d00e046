"""The rotational unit of memory."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, recur, zero_carry
from rnnjax.fused_cell import FusedCell
from rnnjax.gated_cell import GatedParams
from rnnjax.hyperparameters import Flag, Positive
from rnnjax.noise import SILENCE, Noise
from rnnjax.orthogonal import like, wide

LEAST = 1e-12
"""The least square of a length that a vector is divided by."""


class RUMCarry(NamedTuple):
    """Carry: the state ``h [..., H]``, and M - 1 ``[..., H, H]`` of an associative memory M."""

    h: jax.Array
    m: jax.Array | None = None


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class RUM(FusedCell):
    r"""Rotational unit of memory: the input and the state choose how the state is rotated.

    .. math::
        \tau_t &= x_t W_{x\tau} + h_{t-1} W_{h\tau} + b_\tau \\
        u_t &= \sigma(x_t W_{xu} + h_{t-1} W_{hu} + b_u), \qquad
        e_t = x_t W_{xe} + b_e \\
        c_t &= \mathrm{relu}(e_t + R(e_t, \tau_t)\, h_{t-1}) \\
        h_t &= u_t \odot h_{t-1} + (1 - u_t) \odot c_t, \qquad y_t = h_t

    R(e, τ) rotates the plane of e and τ by the angle between them, so that e becomes a multiple of
    τ. With an associative memory the rotations add up: c reads M_t h instead, where M_t is
    M_{t-1} R(e, τ) and M_0 = 1. At first each matrix is orthogonal, b_τ and b_u are 1 and b_e is 0.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        is_associative: whether there is an associative memory; λ = 1 in the paper.
        norm: η, the length that every state is brought to; None for its own.
        use_bias: whether there are biases.

    Parameters: `rnnjax.gated_cell.GatedParams`, in the order τ, u, e, the first two of which read
    the state. Carry: `RUMCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or η is not positive.

    Equals an orthogonal matrix times the state, plus e, where u is 0 and relu lets all through. R
    is written here as 1 - 2 (a + b)(a + b)ᵀ / ‖a + b‖² + 2 b aᵀ of the directions a of e and b of
    τ, which is the same but has a slope where they agree; the official code's √(1 - cos²) has
    none. Where one of e and τ is 0 nothing is rotated here; there the state is projected.

    >>> cell = RUM(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: R. Dangovski et al., "Rotational unit of memory: a novel representation unit for RNNs
    with scalable applications", TACL 7 (2019), arXiv:1710.09537; details as in ``RUM.py`` of
    rdangovs/rotational-unit-of-memory.
    """

    is_associative: Flag = False
    norm: Positive | None = None
    use_bias: Flag = True

    carry_type: ClassVar[type] = RUMCarry

    def init(self, key: jax.Array) -> GatedParams:
        d, h = self.input_size, self.hidden_size
        orthogonal = jax.nn.initializers.orthogonal()
        # The official code draws the blocks of x and of h of one gate as one matrix.
        keys = jax.random.split(key, 3)
        both = [orthogonal(own, (d + h, h)) for own in keys[:2]]
        w_x = jnp.concatenate([*(own[:d] for own in both), orthogonal(keys[2], (d, h))], axis=1)
        w_h = jnp.concatenate([own[d:] for own in both], axis=1)
        b = jnp.repeat(jnp.asarray([1.0, 1.0, 0.0]), h) if self.use_bias else None
        return GatedParams(w_x, w_h, b)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> RUMCarry:
        h = self.hidden_size
        sizes = {"h": h, "m": (h, h)} if self.is_associative else {"h": h}
        return zero_carry(RUMCarry, batch_shape, dtype, **sizes)

    def project(self, params: GatedParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x, params.b)

    def step(
        self, params: GatedParams, carry: RUMCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[RUMCarry, jax.Array]:
        h = self.hidden_size
        read = noise.on_state(carry.h)
        tau, u = jnp.split(z[..., : 2 * h] + recur(read, params.w_h), 2, axis=-1)
        e, (u,) = z[..., 2 * h :], gates(u, ("sigmoid",))
        m = None
        if carry.m is None:
            turned = rotate(read, e, tau)
        else:
            eye = like(jnp.eye(h, dtype=carry.m.dtype), carry.m)
            # A row of M times R(e, τ) is R(τ, e) times the row.
            rows = [like(v[..., None, :], eye) for v in (tau, e, read)]
            whole = rotate(carry.m + eye, *rows[:2])
            m = (whole - eye).astype(carry.m.dtype)
            turned = jnp.sum(whole * rows[2], axis=-1)
        c = noise.on_update(jax.nn.relu(e + turned))
        h_t = u * carry.h + (1 - u) * c
        if self.norm is not None:
            h_t = self.norm * direction(h_t)[0]
        return RUMCarry(h_t.astype(carry.h.dtype), m), h_t.astype(z.dtype)


def direction(v: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Vectors ``[..., H]`` divided by their lengths, and whether each one has any ``[..., H]``.

    One without is left as it is.
    """
    v = wide(v)
    square = jnp.sum(v**2, axis=-1, keepdims=True)
    is_long = square >= LEAST
    length = jnp.sqrt(jnp.where(is_long, square, 1.0))
    return v / like(length, v), like(is_long, v)


def rotate(v: jax.Array, e: jax.Array, tau: jax.Array) -> jax.Array:
    """R(e, τ) v, all ``[..., H]``, in at least float32."""
    v = wide(v)
    (a, a_is_long), (b, b_is_long) = direction(e), direction(tau)
    both = a + b
    # Where they are opposite, a vector along them turns round, and nothing else does.
    square = jnp.maximum(_dot(both, both), LEAST)
    turned = v - 2 * both * _dot(both, v) / square + 2 * b * _dot(a, v)
    return jnp.where(a_is_long & b_is_long, turned, v)


def _dot(a: jax.Array, b: jax.Array) -> jax.Array:
    return like(jnp.sum(a * b, axis=-1, keepdims=True), a)
