"""Quantiles: the loss that they are learnt by, and how well they tell where numbers lie."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax.errors import UsageError


def pinball(targets: jax.Array, forecasts: jax.Array, quantiles: Sequence[float]) -> jax.Array:
    r"""The loss of each quantile, whose mean is least where a share τ of the targets lies below.

    .. math:: \ell_\tau(y, q) = \max(\tau (y - q),\; (\tau - 1)(y - q))

    Args:
        targets: ``[...]``.
        forecasts: ``[..., Q]``.
        quantiles: τ of each, ``[Q]``.

    Returns:
        ``[..., Q]``.

    Source: R. Koenker, G. Bassett, "Regression quantiles", Econometrica 46 (1978), 33-50.
    """
    shares = jnp.broadcast_to(jnp.asarray(quantiles, forecasts.dtype), forecasts.shape)
    apart = targets[..., None] - forecasts
    return jnp.maximum(shares * apart, (shares - 1) * apart)


def band_metrics(
    targets: np.ndarray, lower: np.ndarray, upper: np.ndarray, prefix: str = "test"
) -> dict[str, np.ndarray]:
    """The share of the targets between two quantiles, and how far apart these are on average.

    Args:
        targets: ``[N]``.
        lower: ``[N]``, or ``[S, N]`` for several seeds, each of which has a number then.
        upper: likewise.
        prefix: of which data.

    >>> found = band_metrics(np.arange(4.0), np.zeros(4), np.array([1.0, 0.5, 3.0, 3.0]))
    >>> {name: float(value) for name, value in found.items()}
    {'test_coverage': 0.75, 'test_band_width': 1.875}
    """
    inside = (lower <= targets) & (targets <= upper)
    return {
        f"{prefix}_coverage": inside.mean(axis=-1),
        f"{prefix}_band_width": (upper - lower).mean(axis=-1),
    }


def quantiles_of(name: str, text: str | None) -> tuple[float, ...]:
    """The quantiles that a setting lists; none where it is None.

    Args:
        name: the setting's, as a flag.
        text: such as ``"0.1,0.5,0.9"``.

    Raises:
        UsageError: they are something else than rising numbers between 0 and 1.

    >>> quantiles_of("--quantiles", ".1,.9")
    (0.1, 0.9)
    """
    if text is None:
        return ()
    try:
        found = tuple(float(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or not all(a < b for a, b in zip((0.0, *found), (*found, 1.0), strict=True)):
        raise UsageError(
            f"{name} must be rising numbers between 0 and 1 with commas between, such as "
            f"0.1,0.5,0.9, not {text!r}."
        )
    return found
