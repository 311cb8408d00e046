r"""Matrices of systems that keep the history of a signal as coefficients of polynomials.

.. math:: \dot m(t) = A m(t) + B u(t)

They are computed once, in float64 on the host, whatever type they are used in.

Sources: A. Gu, T. Dao, S. Ermon, A. Rudra, C. Ré, "HiPPO: recurrent memory with optimal polynomial
projections", NeurIPS 2020, arXiv:2008.07669; A. Voelker, I. Kajić, C. Eliasmith, "Legendre memory
units: continuous-time representation in recurrent neural networks", NeurIPS 2019.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Matrix = Any
"""A NumPy array in float64."""


def legs(order: int) -> tuple[Matrix, Matrix]:
    r"""Scaled Legendre: all of the past, evenly, of a system divided by t.

    .. math:: A_{nk} = -\begin{cases} \sqrt{(2n+1)(2k+1)} & n > k \\ n + 1 & n = k \\
              0 & n < k \end{cases}, \qquad B_n = \sqrt{2n+1}
    """
    root = _roots(order)
    return -np.tril(np.outer(root, root), -1) - np.diag(np.arange(order) + 1.0), root


def legt(order: int) -> tuple[Matrix, Matrix]:
    r"""Translated Legendre: the last θ of the past, of a system divided by θ.

    .. math:: A_{nk} = -\sqrt{(2n+1)(2k+1)} \begin{cases} 1 & n \ge k \\
              (-1)^{n-k} & n < k \end{cases}, \qquad B_n = \sqrt{2n+1}
    """
    root = _roots(order)
    n, k = np.indices((order, order))
    return -np.outer(root, root) * np.where(n < k, _signs(n - k), 1.0), root


def lmu(order: int) -> tuple[Matrix, Matrix]:
    r"""The Legendre memory unit's, which is `legt` with coefficient n multiplied by (-1)ⁿ√(2n+1).

    .. math:: A_{nk} = (2n+1) \begin{cases} -1 & n < k \\ (-1)^{n-k+1} & n \ge k \end{cases},
              \qquad B_n = (2n+1) (-1)^n
    """
    n, k = np.indices((order, order))
    odd = 2.0 * np.arange(order) + 1
    return odd[:, None] * np.where(n < k, -1.0, _signs(n - k + 1)), odd * _signs(np.arange(order))


WINDOWS: MappingProxyType[str, Callable[[int], tuple[Matrix, Matrix]]] = MappingProxyType(
    {"lmu": lmu, "legt": legt}
)
"""The systems of a window that slides, by name."""


class Normal(NamedTuple):
    """The normal part of `legs`, diagonal: one of each pair of conjugate eigenvalues."""

    decay: Matrix
    """Real parts of the eigenvalues ``[N / 2]``: all -½."""
    frequency: Matrix
    """Their imaginary parts ``[N / 2]``, negative."""
    v_re: Matrix
    """Eigenvectors as columns ``[N, N / 2]``, the real part."""
    v_im: Matrix


@functools.cache
def normal(order: int) -> Normal:
    """A of `legs` plus the rank one matrix that makes it normal, by its eigenvalues.

    Args:
        order: N, even.
    """
    a, _ = legs(order)
    p = np.sqrt(np.arange(order) + 0.5)
    whole = a + np.outer(p, p)
    # It is -½ plus a matrix that is skew: i times that is Hermitian, with real eigenvalues.
    values, vectors = np.linalg.eigh(-1j * whole)
    vectors = vectors[:, : order // 2]
    decay = np.full(order // 2, np.mean(np.diag(whole)))
    return Normal(decay, values[: order // 2], np.real(vectors), np.imag(vectors))


def zero_order_hold(a: Matrix, b: Matrix, step: float) -> tuple[Matrix, Matrix]:
    r"""Exact for inputs that are constant throughout a step.

    .. math:: \bar A = e^{A \Delta}, \qquad \bar B = A^{-1} (e^{A \Delta} - 1)\, B

    Both are blocks of one exponential, so that nothing is divided by A.
    """
    order = len(a)
    both = np.zeros((order + 1, order + 1))
    both[:order, :order], both[:order, order] = a * step, b * step
    both = _exponential(both)
    return both[:order, :order], both[:order, order]


def bilinear(a: Matrix, b: Matrix, step: float) -> tuple[Matrix, Matrix]:
    r"""The bilinear rule.

    .. math:: \bar A = (1 - A \Delta / 2)^{-1} (1 + A \Delta / 2), \qquad
              \bar B = (1 - A \Delta / 2)^{-1} B \Delta
    """
    eye = np.eye(len(a))
    below = eye - a * step / 2
    return np.linalg.solve(below, eye + a * step / 2), np.linalg.solve(below, b * step)


def euler(a: Matrix, b: Matrix, step: float) -> tuple[Matrix, Matrix]:
    r"""Euler's rule, which is stable for small steps only.

    .. math:: \bar A = 1 + A \Delta, \qquad \bar B = B \Delta
    """
    return np.eye(len(a)) + a * step, b * step


METHODS: MappingProxyType[str, Callable[..., tuple[Matrix, Matrix]]] = MappingProxyType(
    {"zoh": zero_order_hold, "bilinear": bilinear, "euler": euler}
)
"""How a system becomes one in discrete time, by name."""


@functools.cache
def window(basis: str, order: int, length: float, method: str) -> tuple[Matrix, Matrix]:
    """The discrete matrices Ā ``[N, N]`` and B̄ ``[N]`` of a sliding window.

    Args:
        basis: a name in `WINDOWS`.
        order: N.
        length: θ, of the window in steps.
        method: a name in `METHODS`.
    """
    return METHODS[method](*WINDOWS[basis](order), 1 / length)


def scaled_step(m: jax.Array, u: jax.Array, steps: jax.Array, *, exact: bool) -> jax.Array:
    r"""One step of `legs` by the bilinear rule, by sums instead of matrices.

    .. math:: m_t = (1 - A / 2t)^{-1} \big((1 + A / 2t)\, m_{t-1} + B u_t / t\big)

    Args:
        m: the memory ``[..., M, N]``.
        u: what it is given ``[..., M]``.
        steps: how many there were before, ``[..., 1]``.
        exact: whether the very first input becomes coefficient 0, and t counts from the second;
            if not, t counts from the first.

    Returns:
        The memory after the step.
    """
    order = m.shape[-1]
    n = np.arange(order)
    root = jnp.broadcast_to(jnp.asarray(_roots(order), m.dtype), m.shape)
    number = jnp.broadcast_to(jnp.asarray(n, m.dtype), m.shape)
    count = steps[..., None].astype(m.dtype)
    t = jnp.broadcast_to(jnp.maximum(count if exact else count + 1, 1), m.shape)
    given = jnp.broadcast_to(u[..., None], m.shape)
    a_m = number * m - root * jnp.cumsum(root * m, axis=-1)
    right = m + a_m / (2 * t) + root * given / t
    # Of (1 - A/2t) x = right, row n holds the sum S of all √(2k+1) x_k before it; so S follows from
    # the S before by a recurrence along n, and x from S.
    below = 1 + (number + 1) / (2 * t)
    factor, added = (2 * t - number) / (2 * t + number + 1), root * right / below
    _, sums = lax.associative_scan(_compose, (factor, added), axis=-1)
    before = jnp.concatenate((jnp.zeros_like(sums[..., :1]), sums[..., :-1]), axis=-1)
    after = (right - root * before / (2 * t)) / below
    if not exact:
        return after
    return jnp.where(jnp.broadcast_to(count == 0, m.shape), given * (number == 0), after)


def _compose(earlier: Any, later: Any) -> Any:
    return earlier[0] * later[0], later[0] * earlier[1] + later[1]


def _roots(order: int) -> Matrix:
    return np.sqrt(2.0 * np.arange(order) + 1)


def _signs(powers: Matrix) -> Matrix:
    return np.where(powers % 2 == 0, 1.0, -1.0)


def _exponential(a: Matrix) -> Matrix:
    """e to the power of a matrix: its series for a small part of it, squared as often as needed."""
    halvings = max(0, int(np.ceil(np.log2(max(np.linalg.norm(a, 1), 1e-300)))) + 1)
    small = a / 2.0**halvings
    total = term = np.eye(len(a))
    for k in range(1, 19):
        term = term @ small / k
        total = total + term
    for _ in range(halvings):
        total = total @ total
    return total
