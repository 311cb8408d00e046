r"""How noisy the gradient of a batch is, against its length.

The gradient of a batch of B rows is that of all data, :math:`G`, plus noise of covariance
:math:`\Sigma / B`. At the simple noise scale

.. math:: B_\mathrm{simple} = \mathrm{tr}(\Sigma) / |G|^2

the noise is as long as the gradient itself. Much smaller batches go mostly where their own rows
want to go; larger ones give hardly a better direction.

Source: S. McCandlish, J. Kaplan, D. Amodei et al., "An empirical model of large-batch training",
arXiv:1812.06162, equation 2.9 and appendix A.1.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


@dataclasses.dataclass(frozen=True)
class NoiseScale:
    """The noise of a gradient, with an interval.

    Attributes:
        value: tr(Σ) / |G|², in rows; infinite where the gradient can't be told from zero.
        low: the interval's lower end.
        high: its upper end; infinite where the data do not rule out a gradient of zero.
        noise: tr(Σ), of a single row; an unbiased estimate, as is the next one.
        signal: |G|²; below zero if noise made it so.
        rows: how many rows it was measured on.
    """

    value: float
    low: float
    high: float
    noise: float
    signal: float
    rows: int

    def noise_to_signal(self, batch_size: int) -> float:
        r"""How long the noise of a batch is, against the gradient: :math:`\sqrt{B_s / B}`."""
        return math.sqrt(self.value / batch_size)

    def text(self) -> str:
        """The scale and its interval, for a table or a sentence.

        >>> NoiseScale(123.4, 98.7, math.inf, 1.0, 0.1, 1000).text()
        '123 [98.7, ∞]'
        """
        return f"{_three(self.value)} [{_three(self.low)}, {_three(self.high)}]"


class GroupNorms(NamedTuple):
    """What a noise scale is made of: the gradients g_k of K groups of rows, and their mean ḡ."""

    squares: jax.Array
    """|g_k|², ``[K]``."""
    along: jax.Array
    """⟨g_k, ḡ⟩, ``[K]``."""
    total: jax.Array
    """|ḡ|²."""


def gradient_noise_scale(
    loss: Callable[[Any, Any], jax.Array],
    params: Any,
    rows: Any,
    *,
    group_size: int = 1,
    level: float = 0.95,
) -> NoiseScale:
    r"""Measures the noise scale from the gradients of small groups of rows.

    With K groups of b rows, gradients :math:`g_k` and their mean :math:`\bar g`, unbiased are

    .. math::
        \mathrm{tr}(\Sigma) &\approx \frac{b}{K - 1} \sum_k |g_k - \bar g|^2 \\
        |G|^2 &\approx |\bar g|^2 - \mathrm{tr}(\Sigma) / (K b)

    This is the estimator of two batch sizes (appendix A.1), the small one b and the large one K b,
    with all small batches that the large one holds. Its ratio is biased, which the paper averages
    away over training steps; here the interval tells how much that may be. It is that of
    a delete-one jackknife of :math:`|G|^2 / \mathrm{tr}(\Sigma)`, whose denominator is the surer
    one, turned over.

    Args:
        loss: ``loss(params, rows)``, the loss of each row of a batch ``[b]``.
        params: where the gradient is taken.
        rows: a pytree of arrays ``[N, ...]``, drawn at random from the data; what does not fill
            a group is left out.
        group_size: b; with 1 every row has a gradient of its own, which is the surest. Gradients
            of groups are never kept, so memory does not ask for more.
        level: of confidence.

    Raises:
        ValueError: there are fewer than three groups.
    """
    if group_size < 1:
        raise ValueError(f"group_size must be a positive integer, not {group_size}.")
    count = len(jax.tree.leaves(rows)[0]) // group_size
    if count < 3:
        raise ValueError(
            f"A noise scale needs at least three groups of rows, but with a group_size of "
            f"{group_size} there are {count}."
        )
    used = jax.tree.map(
        lambda a: a[: count * group_size].reshape(count, group_size, *a.shape[1:]), rows
    )
    return from_norms(_group_norms(loss, params, used), group_size, level)


def from_norms(norms: GroupNorms, group_size: int, level: float = 0.95) -> NoiseScale:
    """The noise scale of groups of rows whose gradients' norms are known."""
    squares, along, total = (np.asarray(a, np.float64) for a in norms)
    count = squares.size
    noise, signal = _unbiased(count, group_size, squares.sum(), total)
    # The same without each group in turn, from the norms alone.
    fewer = count - 1
    total_without = (count**2 * total - 2 * count * along + squares) / fewer**2
    noises, signals = _unbiased(fewer, group_size, squares.sum() - squares, total_without)
    return _jackknifed(noise, signal, noises, signals, count * group_size, level)


def pooled(scales: Sequence[NoiseScale], level: float = 0.95) -> NoiseScale:
    """The noise scale over several runs: the ratio of their means, jackknifed over the runs.

    >>> runs = [NoiseScale(10, 8, 13, 20.0, 2.0, 99), NoiseScale(20, 15, 30, 20.0, 1.0, 99)]
    >>> round(pooled(runs).value, 2)
    13.33
    >>> pooled(runs[:1]) == runs[0]
    True
    """
    if len(scales) == 1:
        return scales[0]
    noises = np.array([scale.noise for scale in scales])
    signals = np.array([scale.signal for scale in scales])
    without, signals_without = ((a.sum() - a) / (len(a) - 1) for a in (noises, signals))
    rows = sum(scale.rows for scale in scales)
    return _jackknifed(noises.mean(), signals.mean(), without, signals_without, rows, level)


def _jackknifed(
    noise: float, signal: float, noises: np.ndarray, signals: np.ndarray, rows: int, level: float
) -> NoiseScale:
    """A ratio, and its interval from what it is without each part in turn."""
    measured = functools.partial(NoiseScale, noise=float(noise), signal=float(signal), rows=rows)
    if not math.isfinite(noise) or not math.isfinite(signal):
        return measured(math.nan, math.nan, math.nan)
    if not (noise > 0 and (noises > 0).all()):
        return measured(0.0, 0.0, 0.0)  # all rows have the same gradient
    count, ratio, ratios = len(noises), signal / noise, signals / noises
    deviation = math.sqrt((count - 1) / count * np.sum((ratios - ratios.mean()) ** 2))
    from scipy import special  # when it is needed: it takes a while, and training may come first

    margin = float(special.stdtrit(count - 1, (1 + level) / 2)) * deviation
    return measured(_reciprocal(ratio), _reciprocal(ratio + margin), _reciprocal(ratio - margin))


def _unbiased(count: int, size: int, sum_of_squares: Any, total: Any) -> tuple[Any, Any]:
    """tr(Σ) and |G|² of so many groups."""
    noise = size * (sum_of_squares - count * total) / (count - 1)
    return noise, total - noise / (count * size)


@functools.partial(jax.jit, static_argnums=0)
def _group_norms(loss: Callable[[Any, Any], jax.Array], params: Any, groups: Any) -> GroupNorms:
    """Two passes over the groups, because all their gradients together may not fit in memory."""
    count = len(jax.tree.leaves(groups)[0])

    def gradient(group: Any) -> Any:
        return jax.grad(lambda p: jnp.mean(loss(p, group)))(params)

    def add(total: Any, group: Any) -> tuple[Any, None]:
        return jax.tree.map(jnp.add, total, gradient(group)), None

    total = lax.scan(add, jax.tree.map(jnp.zeros_like, params), groups)[0]
    mean = jax.tree.map(lambda a: a / count, total)

    def norms(group: Any) -> tuple[jax.Array, jax.Array]:
        own = gradient(group)
        return _dot(own, own), _dot(own, mean)

    squares, along = lax.map(norms, groups)
    return GroupNorms(squares, along, _dot(mean, mean))


def _dot(a: Any, b: Any) -> jax.Array:
    return sum(map(jnp.vdot, jax.tree.leaves(a), jax.tree.leaves(b)), start=jnp.zeros(()))


def _reciprocal(ratio: float) -> float:
    return float(1 / ratio) if ratio > 0 else math.inf


def _three(x: float) -> str:
    """A number with three digits that count, in full."""
    if not math.isfinite(x):
        return "∞" if x > 0 else "unknown"
    digits = max(0, 2 - math.floor(math.log10(x))) if x > 0 else 0
    return f"{x:,.{digits}f}"
