"""What a network pays for large outputs, and for outputs that change quickly."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def activation_penalty(ys: jax.Array) -> jax.Array:
    r"""AR of each row: the mean square of the outputs.

    .. math:: \frac1{TO} \sum_t \lVert m_t ⊙ y_t \rVert^2

    The paper writes the norm itself; the mean of the squares is what its authors computed.

    Args:
        ys: outputs after dropout, ``[B, T, O]``.

    Source: S. Merity, N. Keskar, R. Socher, "Regularizing and optimizing LSTM language models",
    arXiv:1708.02182, section 4.
    """
    return jnp.square(ys).mean(axis=(1, 2))


def slowness_penalty(ys: jax.Array) -> jax.Array:
    r"""TAR of each row: the mean square of what the outputs change by from step to step.

    .. math:: \frac1{(T-1)O} \sum_t \lVert y_t - y_{t+1} \rVert^2

    A window is by itself, its last step has none after it; of one step alone it is 0.

    Args:
        ys: outputs without dropout, ``[B, T, O]``.

    Source: as of `activation_penalty`.
    """
    if ys.shape[1] < 2:
        return jnp.zeros(len(ys), ys.dtype)
    return jnp.square(ys[:, 1:] - ys[:, :-1]).mean(axis=(1, 2))


def penalised(
    losses: jax.Array,
    dropped: jax.Array,
    ys: jax.Array,
    activation: float = 0.0,
    slowness: float = 0.0,
) -> jax.Array:
    r"""Losses of rows with both penalties; of factors of 0 as they came.

    .. math:: ℓ + α \mathrm{AR} + β \mathrm{TAR}

    Args:
        losses: ``[B]``.
        dropped: outputs after dropout, ``[B, T, O]``.
        ys: those without.
        activation: α.
        slowness: β.
    """
    if activation:
        losses += activation * activation_penalty(dropped)
    if slowness:
        losses += slowness * slowness_penalty(ys)
    return losses
