"""The loss of sequences of symbols of unequal lengths."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax.devices.layout import Layout
from rnnjax.training.evaluation import Predictor


def symbol_losses(logits: jax.Array, targets: jax.Array, smoothing: float = 0.0) -> jax.Array:
    r"""The cross-entropy of each symbol, in nats, of float32 if not of a wider type.

    .. math:: -(1 - \epsilon) \log p_y - \frac{\epsilon}{V} \sum_v \log p_v

    Args:
        logits: ``[..., V]``.
        targets: integers ``[...]``.
        smoothing: ε, the share of the target that all symbols have together; 0 for none.

    Source: C. Szegedy et al., "Rethinking the Inception architecture", arXiv:1512.00567, section 7.

    >>> logits = jnp.log(jnp.array([0.5, 0.25, 0.25]))
    >>> [f"{float(symbol_losses(logits, jnp.array(0), e)):.4f}" for e in (0.0, 0.3)]
    ['0.6931', '0.8318']
    """
    logits = logits.astype(jnp.promote_types(logits.dtype, jnp.float32))
    total = jax.nn.logsumexp(logits, axis=-1)
    own = jnp.take_along_axis(logits, targets[..., None], axis=-1)[..., 0]
    if not smoothing:
        return total - own
    return total - (1 - smoothing) * own - smoothing * logits.mean(axis=-1)


def mean_by_symbol(losses: jax.Array, counts: jax.Array) -> jax.Array:
    """Losses of rows whose mean over the batch is that over all of its symbols.

    Args:
        losses: of each symbol ``[B, T]``.
        counts: booleans ``[B, T]``, which symbols there are.

    Returns:
        ``[B]``.

    >>> rows = mean_by_symbol(jnp.array([[3.0, 9.0], [1.0, 2.0]]), jnp.array([[1, 0], [1, 1]]) > 0)
    >>> rows.tolist(), rows.mean().tolist()
    ([2.0, 2.0], 2.0)
    """
    of_rows = jnp.where(counts, losses, 0).sum(axis=1)
    return of_rows * len(of_rows) / jnp.maximum(counts.sum(), 1).astype(of_rows.dtype)


def sums_by_row(losses: jax.Array, counts: jax.Array) -> jax.Array:
    """The sum of each row's losses and the number of its symbols, ``[B, 2]``.

    Args:
        losses: of each symbol ``[B, T]``.
        counts: booleans ``[B, T]``, which symbols there are.
    """
    return jnp.stack((jnp.where(counts, losses, 0).sum(axis=1), counts.sum(axis=1)), axis=1)


def scoring_symbols(
    sums: Callable[[Any, Any], jax.Array], data: Any, layout: Layout, part: str
) -> Callable[[Any], dict[str, np.ndarray]]:
    """Loss and perplexity per symbol of a whole data set: a function of parameters.

    Args:
        sums: ``sums(params, batch)``: `sums_by_row` of a batch.
        data: a pytree of arrays ``[N, ...]``.
        layout: of seeds and rows over devices.
        part: "validation" or "test".
    """
    predict = Predictor(sums, data, 64, layout)

    def score(params: Any) -> dict[str, np.ndarray]:
        totals = np.asarray(predict(params), np.float64).sum(axis=-2)
        loss = totals[..., 0] / totals[..., 1]
        return {f"{part}_loss": loss, f"{part}_perplexity": np.exp(loss)}

    return score
