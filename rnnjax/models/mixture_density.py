r"""Mixtures of Gaussians of two coordinates, as a network's outputs say them (Graves 2013).

With outputs :math:`\hat\pi, \mu, \hat\sigma, r` of each of K components,

.. math::
    \pi = \mathrm{softmax}(\hat\pi), \quad \sigma = e^{\hat\sigma}, \quad \rho = \tanh r, \quad
    \Sigma = \begin{pmatrix} \sigma_1^2 + \epsilon^2 & \rho \sigma_1 \sigma_2 \\
             \rho \sigma_1 \sigma_2 & \sigma_2^2 + \epsilon^2 \end{pmatrix}

so that no deviation, along no direction, is less than ε. Coordinates that are whole numbers before
they are scaled repeat, and lines are straight: without a bound the density there has none, and
two losses with different bounds can't be compared.

Sources: A. Graves, "Generating sequences with recurrent neural networks", arXiv:1308.0850,
equations 18 to 25 (there ε is 0); C. Bishop, "Mixture density networks" (1994); temperatures: D.
Ha, D. Eck, "A neural representation of sketch drawings", arXiv:1704.03477, equation 8.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.data.drawings import FLOOR

NUM_PENS = 3
PER_COMPONENT = 6


class Mixture(NamedTuple):
    """What is said of a point: arrays ``[..., K]`` but for the pen's."""

    weights: jax.Array
    """Logits of π."""
    mean_x: jax.Array
    mean_y: jax.Array
    log_x: jax.Array
    """Logarithms of σ, before ε."""
    log_y: jax.Array
    tilt: jax.Array
    """r, of which ρ is the hyperbolic tangent."""
    pens: jax.Array
    """Logits ``[..., 3]`` of what the pen does then."""


def num_outputs(components: int) -> int:
    """How many numbers say a mixture of so many components, and the pen."""
    return PER_COMPONENT * components + NUM_PENS


def as_mixture(outputs: jax.Array) -> Mixture:
    """The mixture that outputs ``[..., 6 K + 3]`` say, of float32 if not of a wider type."""
    outputs = outputs.astype(jnp.promote_types(outputs.dtype, jnp.float32))
    parts = jnp.split(outputs[..., NUM_PENS:], PER_COMPONENT, axis=-1)
    return Mixture(*parts, pens=outputs[..., :NUM_PENS])


def log_density(mixture: Mixture, x: jax.Array, floor: float = FLOOR) -> jax.Array:
    r"""The logarithm of the density of points, in nats.

    .. math:: \log \sum_k \pi_k N(x; \mu_k, \Sigma_k)

    Determinant and distance are sums of what is never negative, so that neither a ρ near ±1 nor a
    tiny σ costs digits: with p = σ₂ (x₁ - μ₁) and q = σ₁ (x₂ - μ₂),

    .. math::
        |\Sigma| &= \sigma_1^2 \sigma_2^2 (1 - \rho^2) + \epsilon^2 (\sigma_1^2 + \sigma_2^2)
                    + \epsilon^4 \\
        |\Sigma|\, d^2 &= \tfrac12 (1 + \rho) (p - q)^2 + \tfrac12 (1 - \rho) (p + q)^2
                    + \epsilon^2 |x - \mu|^2

    Args:
        mixture: of axes ``[...]``.
        x: ``[..., 2]``.
        floor: ε.

    Returns:
        ``[...]``.
    """
    square = floor**2
    x_off, y_off = x[..., :1] - mixture.mean_x, x[..., 1:] - mixture.mean_y
    sigma_x, sigma_y = jnp.exp(mixture.log_x), jnp.exp(mixture.log_y)
    # 1 + ρ and 1 - ρ, halved.
    up, down = jax.nn.sigmoid(2 * mixture.tilt), jax.nn.sigmoid(-2 * mixture.tilt)
    spread_x, spread_y = jnp.square(sigma_x), jnp.square(sigma_y)
    determinant = 4 * up * down * spread_x * spread_y + square * (spread_x + spread_y) + square**2
    p, q = sigma_y * x_off, sigma_x * y_off
    apart = jnp.square(x_off) + jnp.square(y_off)
    distance = up * jnp.square(p - q) + down * jnp.square(p + q) + square * apart
    each = -0.5 * (distance / determinant + jnp.log(determinant)) - jnp.log(2 * jnp.pi)
    return jax.nn.logsumexp(mixture.weights + each, axis=-1) - jax.nn.logsumexp(
        mixture.weights, axis=-1
    )


def pen_losses(mixture: Mixture, pens: jax.Array) -> jax.Array:
    """The negative log-probability of what the pen does, in nats; any number where it is < 0.

    Args:
        mixture: of axes ``[...]``.
        pens: integers ``[...]``.
    """
    logs = jax.nn.log_softmax(mixture.pens)
    return -jnp.take_along_axis(logs, jnp.maximum(pens, 0)[..., None], axis=-1)[..., 0]


def draw(
    key: jax.Array, mixture: Mixture, temperature: jax.Array | float, floor: float = FLOOR
) -> tuple[jax.Array, jax.Array]:
    r"""A point and what the pen does then, by chance.

    .. math:: k \sim \mathrm{softmax}(\hat\pi / \tau), \qquad x \sim N(\mu_k, \tau \Sigma_k)

    Args:
        key: typed random key.
        mixture: of axes ``[...]``.
        temperature: τ, more than 0; 1 draws from the mixture itself, less is bolder.
        floor: ε.

    Returns:
        x ``[..., 2]``, and the pen int32 ``[...]``.
    """
    which_key, point_key, pen_key = jax.random.split(key, 3)
    which = jax.random.categorical(which_key, mixture.weights / temperature)[..., None]
    x, y, log_x, log_y, tilt = (
        jnp.take_along_axis(array, which, axis=-1)[..., 0] for array in mixture[1:6]
    )
    sigma_x, sigma_y = jnp.exp(log_x), jnp.exp(log_y)
    noise = jax.random.normal(point_key, (4, *x.shape), x.dtype)
    # The correlated part and the floor's own are independent, so their covariances add up.
    slant, rest = jnp.tanh(tilt), 1 / jnp.cosh(tilt)
    along = jnp.stack((sigma_x * noise[0], sigma_y * (slant * noise[0] + rest * noise[1])), -1)
    beside = floor * jnp.stack((noise[2], noise[3]), -1)
    point = jnp.stack((x, y), -1) + jnp.sqrt(temperature) * (along + beside)
    pen = jax.random.categorical(pen_key, mixture.pens / temperature)
    return point, pen.astype(jnp.int32)
