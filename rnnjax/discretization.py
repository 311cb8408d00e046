r"""From continuous to discrete time, for systems whose state matrix is diagonal and complex.

.. math:: \dot h(t) = \Lambda h(t) + B x(t) \quad\to\quad h_t = \bar\Lambda h_{t-1} + \bar B x_t

Complex numbers are pairs of real arrays ``(re, im)``.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

Pair = tuple[jax.Array, jax.Array]
"""The real and the imaginary part."""


def times(one: Pair, other: Pair) -> Pair:
    """The product of complex numbers."""
    return one[0] * other[0] - one[1] * other[1], one[0] * other[1] + one[1] * other[0]


def divided(one: Pair, by: Pair) -> Pair:
    """The quotient of complex numbers."""
    square = by[0] ** 2 + by[1] ** 2
    re, im = times(one, (by[0], -by[1]))
    return re / square, im / square


def zero_order_hold(rates: Pair, step: jax.Array) -> tuple[Pair, Pair]:
    r"""Exact for inputs that are constant throughout a step.

    .. math:: \bar\Lambda = e^{\Lambda \Delta}, \qquad
              \bar B = \Lambda^{-1} (e^{\Lambda \Delta} - 1)\, B

    The difference is computed without cancellation; of slow rates nothing would be left of it in
    float32.

    Args:
        rates: Λ, nowhere 0.
        step: Δ, of the shape of the rates.

    Returns:
        The diagonal of the discrete matrix, and what multiplies B.
    """
    decay, angle = rates[0] * step, rates[1] * step
    radius = jnp.exp(decay)
    turn = radius * jnp.cos(angle), radius * jnp.sin(angle)
    # e^{u + iv} - 1 = (e^u - 1) cos v - 2 sin²(v/2) + i e^u sin v
    less_one = jnp.expm1(decay) * jnp.cos(angle) - 2 * jnp.sin(angle / 2) ** 2
    return turn, divided((less_one, turn[1]), rates)


def bilinear(rates: Pair, step: jax.Array) -> tuple[Pair, Pair]:
    r"""The bilinear (trapezoidal) rule.

    .. math:: \bar\Lambda = \frac{1 + \Lambda \Delta / 2}{1 - \Lambda \Delta / 2}, \qquad
              \bar B = \frac{\Delta}{1 - \Lambda \Delta / 2}\, B

    Args:
        rates: Λ.
        step: Δ, of the shape of the rates.

    Returns:
        As `zero_order_hold`.
    """
    half = rates[0] * step / 2, rates[1] * step / 2
    below = 1 - half[0], -half[1]
    turn = divided((1 + half[0], half[1]), below)
    return turn, divided((step, jnp.zeros_like(step)), below)
