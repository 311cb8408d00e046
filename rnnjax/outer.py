r"""Matrix memories: recurrences whose state is a sum of outer products that fade."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.recurrences import State


class Outer(NamedTuple):
    r"""One step of a memory of matrices, one for each head.

    .. math::
        S_t = \mathrm{diag}(e^{\log a_t})\, S_{t-1} + k_t u_t^\top, \qquad u_t = v_t

    and with β, by the delta rule, which takes out what the key finds before it writes:

    .. math::
        u_t = \beta_t (v_t - (\mathrm{diag}(e^{\log a_t})\, S_{t-1})^\top k_t)

    With log_i, the logarithm of an input gate that may be large, what is kept is
    :math:`S_t e^{-m_t}` and m:

    .. math::
        m_t &= \max(\log a_t + m_{t-1},\, \log i_t) \\
        S_t &= e^{\log a_t + m_{t-1} - m_t}\, S_{t-1} + e^{\log i_t - m_t}\, k_t v_t^\top

    With θ, the angles by which pairs of a query's and a key's features are turned further at every
    step, what is kept is the memory turned back, whose queries and keys are not turned:

    .. math:: S_t = e^{\log a_t}\, R(\theta_t)^\top S_{t-1} + k_t v_t^\top

    The state is ``(s [..., heads, K, V],)``, or that and ``m [..., heads]``.
    """

    log_a: jax.Array
    """``[..., heads]``, or of every key its own, ``[..., heads, K]``; at most 0."""
    k: jax.Array
    """``[..., heads, K]``."""
    v: jax.Array
    """``[..., heads, V]``."""
    beta: jax.Array | None = None
    """``[..., heads]``."""
    log_i: jax.Array | None = None
    """``[..., heads]``; not beside β, nor with a decay for every key."""
    turn: jax.Array | None = None
    """``[..., heads, K / 2]``; with one decay for each head, and neither β nor log_i."""

    def apply(self, state: State) -> State:
        """The state after the step."""
        if self.log_i is not None:
            s, m = state
            largest = jnp.maximum(self.log_a + m, self.log_i)
            kept, gained = jnp.exp(self.log_a + m - largest), jnp.exp(self.log_i - largest)
            return _scaled(s, kept) + _product(self.k * gained[..., None], self.v), largest
        s = _scaled(state[0], jnp.exp(self.log_a))
        if self.turn is not None:
            s = jnp.matrix_transpose(turned(jnp.matrix_transpose(s), -self.turn[..., None, :]))
        u = self.v
        if self.beta is not None:
            u = self.beta[..., None] * (self.v - read(s, self.k))
        return (s + _product(self.k, u),)

    def with_update(self, factor: jax.Array) -> Outer:
        """The same with what is written multiplied, by a factor ``[..., heads · V]``.

        By the delta rule, too, it is v that is dropped: the old value is still taken out. A last
        column that counts what was written goes on counting.
        """
        heads, columns = self.v.shape[-2:]
        factor = factor.reshape(*factor.shape[:-1], heads, factor.shape[-1] // heads)
        if factor.shape[-1] < columns:
            factor = jnp.concatenate((factor, jnp.ones_like(factor[..., :1])), axis=-1)
        return self._replace(v=self.v * factor.astype(self.v.dtype))


def read(s: jax.Array, q: jax.Array) -> jax.Array:
    """What queries ``[..., heads, K]`` find: Sᵀ q, ``[..., heads, V]``."""
    return jnp.einsum("...hkv,...hk->...hv", s, q)


def turned(x: jax.Array, angle: jax.Array) -> jax.Array:
    """Pairs of features beside each other, ``[..., K]``, turned by angles ``[..., K / 2]``."""
    pairs = x.reshape(*x.shape[:-1], x.shape[-1] // 2, 2)
    one, other = pairs[..., 0], pairs[..., 1]
    cos, sin = (jnp.broadcast_to(own, one.shape) for own in (jnp.cos(angle), jnp.sin(angle)))
    return jnp.stack((one * cos - other * sin, other * cos + one * sin), axis=-1).reshape(x.shape)


def _product(k: jax.Array, v: jax.Array) -> jax.Array:
    return k[..., :, None] * v[..., None, :]


def _scaled(s: jax.Array, factor: jax.Array) -> jax.Array:
    """Matrices by a factor for each, ``[..., heads]``, or for each of their rows."""
    if factor.ndim == s.ndim - 1:
        return s * factor[..., None]
    return s * factor[..., None, None]
