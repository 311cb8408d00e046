"""S4D, S5, Legendre memories and FFM as loops."""

import numpy as np
import scipy.linalg

from rnnjax.cells.linear.ffm import FFM
from rnnjax.cells.linear.legendre_memory import LegendreMemory
from rnnjax.cells.linear.s4d import S4D
from rnnjax.cells.linear.s5 import S5
from tests.cells.linear.case import Case, sigmoid


def s4d(cell, p, xs, carry):
    h, ys = carry.re + 1j * carry.im, []
    a = -np.exp(p.decay_log) + 1j * p.frequency
    turn = np.exp(np.exp(p.step_log)[:, None] * a)
    for x in xs:
        h = turn * h + (turn - 1) / a * x[..., None]
        ys.append(2 * np.sum((p.c_re + 1j * p.c_im) * h, axis=-1).real + p.d * x)
    return (h.real, h.imag), ys


def s5(cell, p, xs, carry):
    h, ys = carry.re + 1j * carry.im, []
    re = np.minimum(p.lambda_re, -1e-4) if cell.clip_eigenvalues else p.lambda_re
    rates, step = re + 1j * p.lambda_im, np.exp(p.step_log)
    if cell.discretization == "zoh":
        turn, gain = np.exp(rates * step), (np.exp(rates * step) - 1) / rates
    else:
        gain = step / (1 - rates * step / 2)
        turn = (1 + rates * step / 2) / (1 - rates * step / 2)
    for x in xs:
        h = turn * h + gain * (x @ (p.b_re + 1j * p.b_im))
        ys.append(2 * (h @ (p.c_re + 1j * p.c_im)).real + p.d * x)
    return (h.real, h.imag), ys


def legendre_memory(cell, p, xs, carry):
    n = cell.order
    a, b = np.zeros((n, n)), np.zeros(n)
    for i in range(n):
        for j in range(n):
            if cell.basis == "lmu":
                a[i, j] = (2 * i + 1) * (-1 if i < j else (-1) ** (i - j + 1))
            else:
                sign = (-1) ** (j - i) if i < j else 1
                a[i, j] = -np.sqrt(2 * i + 1) * np.sqrt(2 * j + 1) * sign
        b[i] = (2 * i + 1) * (-1) ** i if cell.basis == "lmu" else np.sqrt(2 * i + 1)
    a, b, eye = a / cell.theta, b / cell.theta, np.eye(n)
    if cell.method == "zoh":
        a, b = scipy.linalg.expm(a), np.linalg.inv(a) @ (scipy.linalg.expm(a) - eye) @ b
    elif cell.method == "bilinear":
        a, b = np.linalg.inv(eye - a / 2) @ (eye + a / 2), np.linalg.inv(eye - a / 2) @ b
    else:
        a = eye + a
    m, ys = carry.m, []
    for x in xs:
        m = np.stack([[a @ own + b * u for own, u in zip(*row, strict=True)]
                      for row in zip(m, x, strict=True)])  # fmt: skip
        ys.append(m.reshape(len(m), -1))
    return (m,), ys


def ffm(cell, p, xs, carry):
    s, ys = carry.re + 1j * carry.im, []
    m, o = cell.memory_size, cell.num_outputs
    gamma = np.exp(-np.abs(p.alpha)[:, None] + 1j * p.omega)
    for x in xs:
        memory, passed, opened, gate = np.split(x @ p.w_x + p.b, (m, m + o, 2 * m + o), axis=-1)
        s = gamma * s + (memory * sigmoid(opened))[..., None]
        flat = s.reshape(len(s), -1)
        z = flat.real @ p.w_re + flat.imag @ p.w_im + p.b_out
        z = z - z.mean(-1, keepdims=True)
        z = z / np.sqrt((z**2).mean(-1, keepdims=True) + cell.epsilon)
        ys.append(z * sigmoid(gate) + passed * (1 - sigmoid(gate)))
    return (s.real, s.imag), ys


CASES = [
    Case("legendre_memory", LegendreMemory(3, 4, 9), legendre_memory),
]
VARIANTS = [
    Case("s4d", S4D(4, 6), s4d),
    Case("s5", S5(4, 6), s5),
    Case("s5-bilinear", S5(4, 6, discretization="bilinear"), s5),
    Case("s5-clipped", S5(4, 6, clip_eigenvalues=True), s5),
    Case("legendre_memory-bilinear", LegendreMemory(3, 4, 9, "legt", "bilinear"), legendre_memory),
    Case("legendre_memory-euler", LegendreMemory(3, 4, 90, method="euler"), legendre_memory),
    Case("ffm", FFM(4, 3, 2, 5), ffm),
]
