"""The recurrent weighted average."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.fused_cell import FusedCell
from rnnjax.hyperparameters import Flag
from rnnjax.noise import SILENCE, Noise


class RWAParams(NamedTuple):
    """Parameters, fused in the order a, g, u, of which the first two read the state.

    ``w_x [D, 3H]``, ``w_h [H, 2H]``, ``s [H]``, ``b [2H]`` of g and u (None where absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    s: jax.Array
    b: jax.Array | None = None


class RWACarry(NamedTuple):
    """Carry, each ``[..., H]``: the hidden state h, and the sums n and d of which it is made.

    Both are divided by the exponential of m, the largest a so far.
    """

    h: jax.Array
    n: jax.Array
    d: jax.Array
    m: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class RWA(FusedCell):
    r"""The recurrent weighted average: an average over all steps, weighted as each of them says.

    .. math::
        a_t &= x_t W_{xa} + h_{t-1} W_{ha} \\
        z_t &= (x_t W_{xu} + b_u) \odot \tanh(x_t W_{xg} + h_{t-1} W_{hg} + b_g) \\
        h_t &= \tanh\Bigl(\sum_{k \le t} e^{a_k} \odot z_k \Big/ \sum_{k \le t} e^{a_k}\Bigr),
            \qquad y_t = h_t, \qquad h_0 = \tanh(s)

    The sums go on from step to step, divided by the exponential of the largest a so far. At first
    W_a and W_g, of x and h together, and W_u are Glorot uniform, s is normal and biases are 0.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        use_bias: whether there are biases.

    Parameters: `RWAParams`. Carry: `RWACarry`, whose h does not begin with zeros but as tanh(s).
    Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a flag is none.

    Equals the tanh of the mean of all z with W_a = 0. A bias in a would cancel. Nothing is
    forgotten: only a larger a makes what was before it count less.

    >>> cell = RWA(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.first_carry(params), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: J. Ostmeyer, L. Cowell, "Machine learning on sequential data using a recurrent weighted
    average", arXiv:1703.01253; ``mnist/rwa_model/train.py`` of jostmey/rwa. Other tasks have other
    variances there.
    """

    use_bias: Flag = True

    carry_type = RWACarry

    def init(self, key: jax.Array) -> RWAParams:
        d, h = self.input_size, self.hidden_size
        keys = jax.random.split(key, 4)

        def uniform(key: jax.Array, fans: int, *shape: int) -> jax.Array:
            bound = (6 / fans) ** 0.5
            return jax.random.uniform(key, shape, minval=-bound, maxval=bound)

        w_x = uniform(keys[0], d + 2 * h, d, 2 * h), uniform(keys[1], d + h, d, h)
        return RWAParams(
            jnp.concatenate(w_x, axis=-1),
            uniform(keys[2], d + 2 * h, h, 2 * h),
            jax.random.normal(keys[3], (h,)),
            jnp.zeros(2 * h) if self.use_bias else None,
        )

    def first_carry(
        self, params: RWAParams, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> RWACarry:
        zeros = self.initial_carry(batch_shape, dtype)
        h = jnp.broadcast_to(jnp.tanh(params.s), zeros.h.shape).astype(zeros.h.dtype)
        return zeros._replace(h=h)

    def project(self, params: RWAParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        if params.b is None:
            return affine(x, params.w_x)
        return affine(x, params.w_x, jnp.pad(params.b, (self.hidden_size, 0)))

    def step(
        self, params: RWAParams, carry: RWACarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[RWACarry, jax.Array]:
        z_a, z_g, u = jnp.split(z, 3, axis=-1)
        read_a, read_g = jnp.split(recur(noise.on_state(carry.h), params.w_h), 2, axis=-1)
        a = z_a + read_a
        # Before the first step m is no maximum of anything, and d is 0 then alone.
        before = jnp.where(carry.d == 0, a, carry.m)
        m = jnp.maximum(before, a)
        kept, weight = jnp.exp(before - m), jnp.exp(a - m)
        n = carry.n * kept + noise.on_update(u * jnp.tanh(z_g + read_g)) * weight
        d = carry.d * kept + weight
        h = jnp.tanh(n / d)
        return settled(carry, RWACarry(h, n, d, m), h, z)
