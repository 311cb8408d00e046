"""How a token is drawn from logits: temperature, top-k, nucleus."""

from __future__ import annotations

import dataclasses
import math
import numbers

import jax
import jax.numpy as jnp
from jax import lax

from rnnjax.decoding.draws import largest, nucleus, pick


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Sampling:
    r"""A distribution made out of logits, in the order temperature, top-k, top-p.

    .. math:: p_i \propto \exp(l_i / \tau) \; [i \in K] \; [i \in N]

    K are the k tokens with the largest logits; N is the nucleus, the smallest set of the most
    probable tokens of K whose probability, among those of K, reaches top-p. Of equal logits those
    with the lower index come first.

    A value, static under `jax.jit`: each setting has a program of its own.

    Args:
        temperature: τ; 1 is the model's own distribution, 0 always takes the most probable token,
            the first of them if several are.
        top_k: the k above; None for all.
        top_p: more than 0, at most 1; None, like 1, for all. At least one token is left.

    Raises:
        ValueError: a field is not in its range.

    The order and the sets are those of ``transformers``' ``generate``, except that its top-k keeps
    all tokens that are equal to the k-th.

    >>> logits = jnp.log(jnp.array([0.1, 0.45, 0.3, 0.15]))
    >>> Sampling(top_k=3, top_p=0.6).probabilities(logits).round(3)
    Array([0. , 0.6, 0.4, 0. ], dtype=float32)
    >>> Sampling(temperature=0).draw(jax.random.key(0), logits)
    Array(1, dtype=int32)

    Source: top-k: A. Fan, M. Lewis, Y. Dauphin, "Hierarchical neural story generation", ACL 2018,
    arXiv:1805.04833; nucleus: A. Holtzman, J. Buys, L. Du, M. Forbes, Y. Choi, "The curious case of
    neural text degeneration", ICLR 2020, arXiv:1904.09751, section 3.1.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        if not _is_number(self.temperature) or not 0 <= self.temperature < math.inf:
            raise ValueError(
                "Sampling: temperature must be a number from 0 (the most probable token) on, not "
                f"{self.temperature!r}."
            )
        k = self.top_k
        if k is not None and (isinstance(k, bool) or not isinstance(k, int) or k < 1):
            raise ValueError(
                f"Sampling: top_k must be an integer from 1 on, or None for all tokens, not {k!r}."
            )
        if self.top_p is not None and not (_is_number(self.top_p) and 0 < self.top_p <= 1):
            raise ValueError(
                "Sampling: top_p must be more than 0 and at most 1, or None for all tokens, not "
                f"{self.top_p!r}."
            )

    def filter_logits(self, logits: jax.Array) -> jax.Array:
        """The logits, moved so that the largest is 0, divided by the temperature and filtered.

        Their softmax is the distribution: -inf stands where no token is ever drawn.

        Args:
            logits: ``[..., V]``.

        Returns:
            ``[..., V]``, at least float32.
        """
        logits = in_float(logits)
        if self.temperature == 0:
            index = lax.broadcasted_iota(jnp.int32, logits.shape, logits.ndim - 1)
            return jnp.where(index == largest(logits)[..., None], jnp.zeros_like(logits), -jnp.inf)
        scaled, tokens = self._scaled(logits)
        scaled = jnp.where(self._kept(_weights(scaled)), scaled, -jnp.inf)
        if tokens is None:
            return scaled
        nothing = jnp.full_like(logits, -jnp.inf)
        return jnp.put_along_axis(nothing, tokens, scaled, axis=-1, inplace=False)

    def probabilities(self, logits: jax.Array) -> jax.Array:
        """The distribution ``[..., V]`` that `draw` draws from."""
        return jax.nn.softmax(self.filter_logits(logits), axis=-1)

    def draw(self, key: jax.Array, logits: jax.Array) -> jax.Array:
        """Draws tokens, by one random number each, which decides in float32.

        Args:
            key: one random key.
            logits: ``[..., V]``.

        Returns:
            int32 ``[...]``. What is rarer than about 1e-7 is drawn with a chance that is only
            roughly its own.
        """
        shares = None if self.temperature == 0 else _share(key, logits.shape[:-1])
        return self.draw_by(shares, logits)

    def draw_rows(self, keys: jax.Array, logits: jax.Array) -> jax.Array:
        """Draws a token for each row by its own key, whatever the other rows are.

        Args:
            keys: typed random keys ``[B]``.
            logits: ``[B, V]``.

        Returns:
            int32 ``[B]``.
        """
        shares = None if self.temperature == 0 else jax.vmap(_share)(keys)
        return self.draw_by(shares, logits)

    def draw_by(self, shares: jax.Array | None, logits: jax.Array) -> jax.Array:
        """The tokens ``[...]`` that numbers ``[...]`` in [0, 1) stand for; see `draws.pick`.

        At temperature 0 there is no chance in it, and no numbers are wanted.
        """
        logits = in_float(logits)
        if shares is None:
            return largest(logits)
        scaled, tokens = self._scaled(logits)
        weights = _weights(scaled)
        drawn = pick(jnp.where(self._kept(weights), weights, 0), shares)
        if tokens is None:
            return drawn
        return jnp.take_along_axis(tokens, drawn[..., None], axis=-1)[..., 0]

    def _scaled(self, logits: jax.Array) -> tuple[jax.Array, jax.Array | None]:
        """The logits by temperature, the largest being 0; with a top k, only theirs and which."""
        tokens = None
        if self.top_k is not None and self.top_k < logits.shape[-1]:
            logits, tokens = lax.top_k(logits, self.top_k)
        # The largest is taken off first, so that the least temperature makes no infinity of it.
        below = logits - logits.max(-1, keepdims=True)
        if self.temperature != 1:
            below = below / max(self.temperature, float(jnp.finfo(jnp.float32).tiny))
        return below, tokens

    def _kept(self, weights: jax.Array) -> jax.Array:
        if self.top_p is None or self.top_p == 1:
            return jnp.ones(weights.shape, bool)
        return nucleus(weights, self.top_p)


def _share(key: jax.Array, shape: tuple[int, ...] = ()) -> jax.Array:
    """Numbers in [0, 1), the same ones under ``jax_enable_x64``."""
    return jax.random.uniform(key, shape, jnp.float32)


def _weights(scaled: jax.Array) -> jax.Array:
    """What the probabilities are proportional to, the largest being 1."""
    return jnp.exp(scaled).astype(jnp.float32)


def in_float(logits: jax.Array) -> jax.Array:
    """Logits in float32, or in float64 if that is what they are."""
    return logits.astype(jnp.promote_types(logits.dtype, jnp.float32))


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
