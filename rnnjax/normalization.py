"""Normalisation of features."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax


def layer_norm(
    x: jax.Array, gain: jax.Array, *shifts: jax.Array | None, epsilon: float
) -> jax.Array:
    r"""Gives every row of features mean 0 and variance 1, then gain and shift.

    .. math:: \mathrm{LN}(x; \alpha, \beta) = \alpha \odot
              \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta, \qquad
              \mu = \frac{1}{D} \sum_i x_i, \quad
              \sigma^2 = \frac{1}{D} \sum_i (x_i - \mu)^2

    The statistics are taken in float32 at least, whatever the dtype of `x` is, and in two passes:
    the mean of the squares less the square of the mean, in one, cancels where rows are far from 0.

    Args:
        x: ``[..., D]``.
        gain: α ``[D]``.
        shifts: arrays ``[D]`` whose sum is β, those that are not None.
        epsilon: ε, without which a row of equal features would divide by zero.

    Returns:
        An array of the shape and dtype of `x`.

    Source: J. L. Ba, J. R. Kiros, G. E. Hinton, "Layer normalization", arXiv:1607.06450, equations
    15 and 16; ε is in the authors' code only.
    """
    wide = _wide(x)
    centred = wide - jnp.mean(wide, axis=-1, keepdims=True)
    variance = jnp.mean(centred * centred, axis=-1, keepdims=True)
    y = centred * lax.rsqrt(variance + epsilon) * jnp.broadcast_to(gain, x.shape)
    present = [shift for shift in shifts if shift is not None]
    if present:
        y += jnp.broadcast_to(sum(present[1:], start=present[0]), x.shape)
    return y.astype(x.dtype)


def rms_norm(x: jax.Array, gain: jax.Array, *, epsilon: float) -> jax.Array:
    r"""Gives every row of features a mean square of 1, then gain.

    .. math:: \mathrm{RMS}(x; \alpha) = \alpha \odot \frac{x}{\sqrt{\frac{1}{D} \sum_i x_i^2 +
              \epsilon}}

    The mean is taken in float32 at least.

    Args:
        x: ``[..., D]``.
        gain: α ``[D]``.
        epsilon: ε.

    Source: B. Zhang, R. Sennrich, "Root mean square layer normalization", NeurIPS 2019, equation 4.
    """
    wide = _wide(x)
    scale = lax.rsqrt(jnp.mean(wide * wide, axis=-1, keepdims=True) + epsilon)
    return (wide * scale * jnp.broadcast_to(gain, x.shape)).astype(x.dtype)


def l2_norm(x: jax.Array, *, epsilon: float) -> jax.Array:
    r"""Gives every row of features length 1: :math:`x / \sqrt{\sum_i x_i^2 + \epsilon}`."""
    return x * lax.rsqrt(jnp.sum(x * x, axis=-1, keepdims=True) + epsilon)


def _wide(x: jax.Array) -> jax.Array:
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))
