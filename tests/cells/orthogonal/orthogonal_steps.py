"""Orthogonal cells once more in float64 NumPy, one row and one step at a time."""

import numpy as np
import scipy.linalg

from rnnjax import EUNN, GORU, IRNN, NNRNN, NPRNN, RUM, URNN, ExpRNN, ScoRNN
from tests.cells_under_test import CellUnderTest
from tests.oracles import columns, sigmoid


def mod_relu(a, b):
    """Of real or of complex numbers."""
    if b is None:
        return a
    return a / np.abs(a) * np.maximum(np.abs(a) + b, 0)


def triangle(upper, size):
    a = np.zeros((size, size))
    rest = list(upper)
    for i in range(size):
        for j in range(i + 1, size):
            a[i, j] = rest.pop(0)
    return a


def rectified(p, carry, x):
    (h,) = carry
    w, u, b = columns(p, "h", h.size)
    h = np.maximum(w["h"] @ x + u["h"] @ h + b["h"], 0)
    return (h,), h


def with_matrix(matrix):
    """A step whose matrix W, of h W in rows, comes from parameters."""

    def step(p, carry, x):
        (h,) = carry
        h = mod_relu(p.w_x.T @ x + matrix(p, h.size).T @ h, p.b)
        return (h,), h

    return step


def sco_rnn(negatives):
    def matrix(p, size):
        a = triangle(p.upper, size)
        a, eye = a - a.T, np.eye(size)
        signs = [1.0] * (size - negatives) + [-1.0] * negatives
        return np.linalg.inv(eye + a) @ (eye - a) @ np.diag(signs)

    return with_matrix(matrix)


def rotation(p, size):
    a = triangle(p.upper, size)
    return scipy.linalg.expm(a - a.T)


def schur(p, size):
    whole = triangle(p.t, size)
    for k, (alpha, theta) in enumerate(zip(p.alpha, p.theta, strict=True)):
        c, s = np.cos(theta), np.sin(theta)
        whole[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] += alpha * np.array([[c, -s], [s, c]])
    q = rotation(p, size)
    return q @ whole @ q.T


def givens(planes, theta, phi, size):
    """The product of rotations of single planes, each written as a whole matrix."""
    w = np.eye(size, dtype=complex)
    for (i, j), t, f in zip(planes, theta, phi, strict=True):
        one = np.eye(size, dtype=complex)
        one[i, i], one[i, j] = np.cos(t), -np.exp(1j * f) * np.sin(t)
        one[j, i], one[j, j] = np.sin(t), np.exp(1j * f) * np.cos(t)
        w = one @ w
    return w


NEIGHBOURS = [(0, 1), (2, 3), (1, 2)]
"""Of 4 units and 2 layers."""
BUTTERFLIES = [(0, 2), (1, 3), (0, 1), (2, 3)]


def eunn(planes):
    def step(p, carry, x):
        v = p.w_x.T @ x
        if p.phi is None:
            (h, _) = carry
            w = np.real(givens(planes, p.theta, np.zeros(len(planes)), h.size))
            h = mod_relu(w @ h + v, p.b)
            return (h, None), h
        re, im = carry
        size = re.size
        w = np.diag(np.exp(1j * p.omega)) @ givens(planes, p.theta, p.phi, size)
        h = mod_relu(w @ (re + 1j * im) + v[:size] + 1j * v[size:], p.b)
        return (h.real, h.imag), np.concatenate([h.real, h.imag])

    return step


def goru(planes):
    def step(p, carry, x):
        (h,) = carry
        n = h.size
        w_r, w_g, w_c = p.w_x[:, :n].T, p.w_x[:, n : 2 * n].T, p.w_x[:, 2 * n :].T
        b_r, b_g = (0.0, 0.0) if p.b is None else (p.b[:n], p.b[n:])
        r = sigmoid(w_r @ x + p.w_h[:, :n].T @ h + b_r)
        g = sigmoid(w_g @ x + p.w_h[:, n:].T @ h + b_g)
        q = np.real(givens(planes, p.theta, np.zeros(len(planes)), n))
        h = g * h + (1 - g) * mod_relu(r * (q @ h) + w_c @ x, p.b_c)
        return (h,), h

    return step


def urnn(p, carry, x):
    re, im = carry
    n = re.size
    order = np.random.RandomState(1234).permutation(n)
    fourier = np.exp(-2j * np.pi * np.outer(np.arange(n), np.arange(n)) / n) / np.sqrt(n)
    d_1, d_2, d_3 = (np.diag(np.exp(1j * theta)) for theta in p.theta)
    reflections = []
    for v in p.v:
        v = v[:n] + 1j * v[n:]
        reflections.append(np.eye(n) - 2 * np.outer(v, v.conj()) / np.vdot(v, v))
    shuffled = np.eye(n)[order]
    w = d_3 @ reflections[1] @ fourier.conj().T @ d_2 @ shuffled @ reflections[0] @ fourier @ d_1
    v = p.w_x.T @ x
    h = mod_relu(w @ (re + 1j * im) + v[:n] + 1j * v[n:], p.b)
    return (h.real, h.imag), np.concatenate([h.real, h.imag])


def rum(norm=None):
    """The official code's rotation, by the angle and by two vectors that span the plane."""

    def step(p, carry, x):
        h, m = carry
        w, u, b = columns(p, "tue", h.size)
        tau = w["t"] @ x + u["t"] @ h + b["t"]
        gate = sigmoid(w["u"] @ x + u["u"] @ h + b["u"])
        e = w["e"] @ x + b["e"]
        one = e / np.linalg.norm(e)
        two = tau - (one @ tau) * one
        two = two / np.linalg.norm(two)
        cos = one @ tau / np.linalg.norm(tau)
        sin = np.sqrt(1 - cos**2)
        basis = np.stack([one, two], axis=1)
        r = np.eye(h.size) - np.outer(one, one) - np.outer(two, two)
        r = r + basis @ np.array([[cos, -sin], [sin, cos]]) @ basis.T
        if m is None:
            turned = r @ h
        else:
            whole = (np.eye(h.size) + m) @ r
            m, turned = whole - np.eye(h.size), whole @ h
        h = gate * h + (1 - gate) * np.maximum(e + turned, 0)
        if norm is not None:
            h = norm * h / np.linalg.norm(h)
        return (h, m), h

    return step


# Of these the one matrix beside w_x is the identity or symmetric, or is kept as a vector.
VECTORS = ("test_different_keys_give_different_parameters",)
# The first carry is a parameter, which has a gradient only where it is used.
LEARNED = (
    "test_gradients_equal_finite_differences",
    "test_what_is_not_given_changes_nothing",
    "test_what_lies_before_a_reset_reaches_no_gradient_of_what_lies_behind_it",
)

CASES = [
    CellUnderTest("irnn", lambda: IRNN(3, 4), rectified, exempt=VECTORS),
    CellUnderTest("irnn-unbiased", lambda: IRNN(3, 4, use_bias=False), rectified, exempt=VECTORS),
    CellUnderTest("np_rnn", lambda: NPRNN(3, 4), rectified, exempt=VECTORS),
    CellUnderTest("urnn", lambda: URNN(3, 4), urnn, begins=True, exempt=LEARNED),
    CellUnderTest(
        "urnn-no_bias", lambda: URNN(3, 4, use_bias=False), urnn, begins=True, exempt=LEARNED
    ),
    CellUnderTest("eunn", lambda: EUNN(3, 4), eunn(NEIGHBOURS), exempt=VECTORS),
    CellUnderTest(
        "eunn-fft", lambda: EUNN(3, 4, style="fft", use_bias=False), eunn(BUTTERFLIES),
        exempt=VECTORS,
    ),
    CellUnderTest(
        "eunn-real", lambda: EUNN(3, 4, capacity=4, is_complex=False), eunn(2 * NEIGHBOURS),
        exempt=VECTORS,
    ),
    CellUnderTest("goru", lambda: GORU(3, 4), goru(BUTTERFLIES)),
    CellUnderTest(
        "goru-tunable", lambda: GORU(3, 4, style="tunable", use_bias=False), goru(NEIGHBOURS)
    ),
    CellUnderTest("sco_rnn", lambda: ScoRNN(3, 4), sco_rnn(0), exempt=VECTORS),
    CellUnderTest(
        "sco_rnn-negatives", lambda: ScoRNN(3, 4, negatives=1, use_bias=False), sco_rnn(1),
        exempt=VECTORS,
    ),
    CellUnderTest("exp_rnn", lambda: ExpRNN(3, 4), with_matrix(rotation), exempt=VECTORS),
    CellUnderTest(
        "exp_rnn-no_bias", lambda: ExpRNN(3, 4, use_bias=False), with_matrix(rotation),
        exempt=VECTORS,
    ),
    CellUnderTest("nn_rnn", lambda: NNRNN(3, 4), with_matrix(schur), exempt=VECTORS),
    CellUnderTest("rum", lambda: RUM(3, 4), rum()),
    CellUnderTest(
        "rum-associative", lambda: RUM(3, 4, is_associative=True, norm=1.5, use_bias=False),
        rum(1.5),
    ),
]  # fmt: skip
