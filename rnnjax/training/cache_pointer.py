"""What was read lately as a second opinion on what comes next: a cache beside a language model."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

LossesAndOutputs = Callable[[Any, Any, jax.Array, jax.Array], tuple[Any, jax.Array, jax.Array]]
"""``(params, carry, inputs, targets)``, of symbols ``[B, T]``: the carry, the losses ``[B, T]`` and
what the layer gives ``[B, T, H]``."""


class Cache(NamedTuple):
    """The last places of a text, from the oldest to the newest; at first there are none."""

    hs: jax.Array
    """What the layer gave there, ``[B, size, H]``."""
    targets: jax.Array
    """The symbols that came next, ``[B, size]``; -1 where there is no place yet."""


class CachePointer:
    r"""The probability that a cache of the last places gives to each symbol of a text.

    .. math::
        p_{\mathrm{cache}}(w \mid h_1 … h_t, x_1 … x_t) =
        \frac{\sum_{i=t-s}^{t-1} 1[w = x_{i+1}] \exp(θ h_t^⊤ h_i)}
             {\sum_{i=t-s}^{t-1} \exp(θ h_t^⊤ h_i)}

    with the layer's outputs h and the s places before this one. `losses` goes into a
    `rnnjax.training.streams.StreamReader`: the cache is carried along with the model's state, so
    that a text of any length is read as one program, in windows, and exactly.

    At the first place of a row, where the cache is empty, it says what the model says.

    Args:
        model: the losses of a piece of text, and the layer's outputs.
        size: s, the places that are remembered.

    Source: E. Grave, A. Joulin, N. Usunier, "Improving neural language models with a continuous
    cache", arXiv:1612.04426, section 3.
    """

    def __init__(self, model: LossesAndOutputs, size: int) -> None:
        self._model = model
        self._size = size

    def first_carry(self, carry: Any, num_features: int) -> tuple[Any, Cache]:
        """What a text begins with.

        Args:
            carry: the model's state then, of B rows.
            num_features: H.
        """
        rows = jax.tree.leaves(carry)[0].shape[0]
        hs = jnp.zeros((rows, self._size, num_features))
        return carry, Cache(hs, jnp.full((rows, self._size), -1, jnp.int32))

    def losses(
        self, params: tuple[Any, jax.Array], carry: Any, inputs: jax.Array, targets: jax.Array
    ) -> tuple[Any, jax.Array]:
        """Negative log-probabilities of a piece of text.

        Args:
            params: the model's, and each θ that is to be tried, ``[K]``, none below 0.
            carry: from `first_carry`, or of the piece before.
            inputs: symbols ``[B, T]``.
            targets: those after them.

        Returns:
            The carry; and ``[B, T, 1 + K]``: the model's, and the cache's by each θ, infinite where
            it has no such symbol.
        """
        (trained, thetas), (state, cache) = params, carry
        state, losses, hs = self._model(trained, state, inputs, targets)
        pairs = zip(cache, (hs, targets), strict=True)
        joined = Cache(*(jnp.concatenate((a, b.astype(a.dtype)), axis=1) for a, b in pairs))
        found = jax.vmap(functools.partial(self._of_row, thetas))(joined, losses)
        cache = jax.tree.map(lambda a: a[:, -self._size :], joined)
        return (state, cache), jnp.concatenate((losses[..., None], found), axis=-1)

    def _of_row(self, thetas: jax.Array, joined: Cache, losses: jax.Array) -> jax.Array:
        """Of one row, whose window ``[T]`` stands behind the places before it: ``[T, K]``."""
        steps, size = len(losses), self._size
        hs, targets = joined.hs[size:], joined.targets[size:]
        scores = jnp.matmul(hs, joined.hs.T, precision=lax.Precision.HIGHEST)
        # The place at t in the window is the one at size + t here, and sees those before it.
        back = np.arange(size, size + steps)[:, None] - np.arange(size + steps)
        seen = ((back >= 1) & (back <= size)) & (joined.targets >= 0)[None]
        same = seen & (joined.targets[None] == targets[:, None])
        top = jnp.max(scores, axis=1, keepdims=True, where=seen, initial=-jnp.inf)
        below = jnp.where(seen, scores - top, 0)

        def with_theta(theta: jax.Array) -> jax.Array:
            weights = jnp.exp(theta * below)
            total, hits = (weights.sum(axis=1, where=where) for where in (seen, same))
            return jnp.log(total) - jnp.log(hits)

        found = lax.map(with_theta, thetas.astype(scores.dtype)).T
        return jnp.where(seen.any(axis=1, keepdims=True), found, losses[:, None])


def mixed(losses: Any, weight: float) -> np.ndarray:
    r"""The losses ``[...]`` of a model and a cache together.

    .. math:: -\log((1 - λ) e^{-ℓ_0} + λ e^{-ℓ_1})

    Args:
        losses: of both, ``[..., 2]``; infinite where the cache has no such symbol.
        weight: λ, the cache's.

    >>> mixed(-np.log([[0.5, 0.25]]), 0.5).round(4), mixed([[1.5, np.inf]], 0.0)
    (array([0.9808]), array([1.5]))
    """
    model, cache = np.moveaxis(np.asarray(losses, np.float64), -1, 0)
    with np.errstate(divide="ignore"):
        return -np.logaddexp(np.log1p(-weight) - model, np.log(weight) - cache)
