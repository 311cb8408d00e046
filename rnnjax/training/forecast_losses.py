"""How wrong forecasts are, in training and afterwards; what is not known does not count."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax.data.time_series import Windows
from rnnjax.training.quantiles import band_metrics, pinball


def forecast_losses(
    forecasts: jax.Array, targets: jax.Array, known: jax.Array, quantiles: Sequence[float] = ()
) -> jax.Array:
    """Squared error of the first number forecast, and the pinball losses of the others: ``[B]``.

    Args:
        forecasts: ``[B, H, C, 1 + Q]``.
        targets: ``[B, H, C]``.
        known: bool ``[B, H, C]``.
        quantiles: Q of them.
    """
    losses = jnp.square(forecasts[..., 0] - targets)
    if quantiles:
        losses += pinball(targets, forecasts[..., 1:], quantiles).sum(axis=-1)
    count = jnp.maximum(known.sum(axis=(1, 2)), 1)
    return jnp.where(known, losses, 0).sum(axis=(1, 2)) / count


def forecast_metrics(
    forecasts: jax.Array | np.ndarray,
    windows: Windows,
    quantiles: Sequence[float] = (),
    prefix: str = "test",
) -> dict[str, np.ndarray]:
    """Mean squared and absolute error; with quantiles coverage and width of the band from the first
    to the last of them.

    Args:
        forecasts: ``[N, H, C, 1 + Q]``, or ``[S, N, H, C, 1 + Q]`` for several seeds.
        windows: with the targets.
        quantiles: Q of them.
        prefix: of which data.
    """
    targets = windows.targets[windows.known]
    counted = np.asarray(forecasts)[..., windows.known, :]
    errors = counted[..., 0] - targets
    found = {
        f"{prefix}_loss": np.square(errors).mean(axis=-1),
        f"{prefix}_mae": np.abs(errors).mean(axis=-1),
    }
    if len(quantiles) > 1:
        found |= band_metrics(targets, counted[..., 1], counted[..., -1], prefix)
    return found


def row_errors(forecasts: np.ndarray, windows: Windows) -> np.ndarray:
    """The mean squared error of each row of the horizon ``[H]``; NaN where nothing is known.

    Args:
        forecasts: ``[N, H, C]``.
        windows: with the targets.
    """
    errors = np.where(windows.known, np.square(forecasts - windows.targets, dtype=np.float64), 0)
    count = windows.known.sum(axis=(0, 2))
    return np.where(count > 0, errors.sum(axis=(0, 2)) / np.maximum(count, 1), np.nan)
