"""Scores of how alike sentences are: what is learnt, and how well they agree with people's."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax.data.sentence_pairs import HIGHEST, LOWEST

NUM_SCORES = 5


def target_distribution(scores: jax.Array) -> jax.Array:
    r"""Scores ``[B]`` from 1 to 5 as distributions ``[B, 5]`` over whole ones, whose mean they are.

    .. math:: p_{\lfloor y \rfloor} = \lfloor y \rfloor - y + 1, \qquad
              p_{\lfloor y \rfloor + 1} = y - \lfloor y \rfloor

    Source: K. Tai et al., arXiv:1503.00075, section 4.2.

    >>> target_distribution(jnp.array([3.25, 5.0])).tolist()
    [[0.0, 0.0, 0.75, 0.25, 0.0], [0.0, 0.0, 0.0, 0.0, 1.0]]
    """
    whole = jnp.arange(1, NUM_SCORES + 1, dtype=scores.dtype)[None]
    return jnp.maximum(0, 1 - jnp.abs(scores[:, None] - whole))


def similarity_losses(outputs: jax.Array, scores: jax.Array) -> jax.Array:
    """The loss of each pair ``[B]``.

    Args:
        outputs: how alike ``[B]``, from 0 to 1: its squared distance from (y - 1) / 4; or logits
            ``[B, 5]``: the Kullback-Leibler divergence of `target_distribution` from their softmax.
        scores: ``[B]``, from 1 to 5.
    """
    if outputs.ndim == 1:
        return jnp.square(outputs - (scores - LOWEST) / (HIGHEST - LOWEST))
    targets = target_distribution(scores)
    entropy = jnp.where(targets > 0, targets * jnp.log(jnp.where(targets > 0, targets, 1)), 0)
    return (entropy - targets * jax.nn.log_softmax(outputs)).sum(axis=-1)


def as_scores(outputs: jax.Array) -> jax.Array:
    """The score from 1 to 5 that such outputs ``[B]`` or ``[B, 5]`` expect, ``[B]``."""
    if outputs.ndim == 1:
        return LOWEST + (HIGHEST - LOWEST) * outputs
    whole = jnp.arange(1, NUM_SCORES + 1, dtype=outputs.dtype)[None]
    return (jax.nn.softmax(outputs) * whole).sum(axis=-1)


def similarity_metrics(
    found: np.ndarray | jax.Array, scores: np.ndarray, prefix: str = "test"
) -> dict[str, np.ndarray]:
    """Mean squared error on the scale from 1 to 5, and correlations, Pearson's and Spearman's.

    Args:
        found: scores ``[N]``, or ``[S, N]`` for several seeds, each of which has a number then.
        scores: those of people ``[N]``.
        prefix: of which data.

    Returns:
        ``<prefix>_loss``, ``<prefix>_pearson`` and ``<prefix>_spearman``; a correlation with what
        is constant is 0.
    """
    from scipy.stats import pearsonr, spearmanr  # now that they are needed: it takes a second

    rows = np.atleast_2d(np.asarray(found, np.float64))
    figures = {
        "loss": [np.square(own - scores).mean() for own in rows],
        "pearson": [_correlation(pearsonr, own, scores) for own in rows],
        "spearman": [_correlation(spearmanr, own, scores) for own in rows],
    }
    shape = np.shape(found)[:-1]
    return {f"{prefix}_{name}": np.array(own).reshape(shape) for name, own in figures.items()}


def _correlation(measure: object, own: np.ndarray, scores: np.ndarray) -> float:
    if np.ptp(own) == 0 or np.ptp(scores) == 0 or not np.isfinite(own).all():
        return 0.0
    return float(measure(own, scores).statistic)  # type: ignore[operator]
