"""Matrix memories as loops: one row, one head and one step at a time."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rnnjax.cells.memory import (
    GLA,
    HGRN2,
    MLSTM,
    SSD,
    DeltaNet,
    GatedDeltaNet,
    LinearAttention,
    RetNet,
)
from tests.cells.linear.case import Case, sigmoid, silu, softplus


def split(z: np.ndarray, *sizes: int) -> list[np.ndarray]:
    return np.split(z, np.cumsum(sizes)[:-1], axis=-1)


def rms(x: np.ndarray, gain: np.ndarray, epsilon: float = 1e-5) -> np.ndarray:
    return gain * x / np.sqrt((x**2).mean() + epsilon)


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.sqrt((x**2).sum() + 1e-6)


def rows(take: Callable[..., Any]) -> Callable[..., Any]:
    """A loop over rows of one over steps: ``take(cell, p, x, s) -> (s, y)``, of ``s`` a list."""

    def loop(cell, p, xs, carry):
        fields = [np.array(own) for own in carry]
        ys = np.zeros((len(xs), xs.shape[1], cell.output_size))
        for t, b in np.ndindex(xs.shape[:2]):
            state, ys[t, b] = take(cell, p, xs[t, b], [own[b] for own in fields])
            for own, new in zip(fields, state, strict=True):
                own[b] = new
        return tuple(fields), list(ys)

    return loop


def linear_attention(cell, p, x, state):
    h, k, v = cell.heads, cell.key_size, cell.value_size
    qs, ks, vs = split(x @ p.w_x + p.b, h * k, h * k, h * v)
    elu = lambda u: np.where(u > 0, u, np.exp(np.minimum(u, 0)) - 1) + 1  # noqa: E731
    s, found = state[0].copy(), []
    for i in range(h):
        q, key, value = (own.reshape(h, -1)[i] for own in (qs, ks, vs))
        s[i] += np.outer(elu(key), [*value, 1])
        read = s[i].T @ elu(q)
        found.append(read[:-1] / (read[-1] + 1e-6))
    return [s], np.concatenate(found) @ p.w_o + p.b_o


def gla(cell, p, x, state):
    h, k, v = cell.heads, cell.key_size, cell.value_size
    qs, ks, vs, gs = split(x @ p.w_x, h * k, h * k, h * v, h * v)
    alpha = sigmoid(x @ p.w_low @ p.w_a + p.b_a) ** (1 / 16)
    s, found = state[0].copy(), []
    for i in range(h):
        q, key, value, a = (own.reshape(h, -1)[i] for own in (qs, ks, vs, alpha))
        s[i] = np.diag(a) @ s[i] + np.outer(key, value)
        found.append(rms(s[i].T @ q / np.sqrt(k), p.gain))
    return [s], (np.concatenate(found) * silu(gs)) @ p.w_o


def hgrn2(cell, p, x, state):
    h, k, v = cell.heads, cell.key_size, cell.value_size
    qs, fs, vs = split(x @ p.w_x, h * k, h * k, h * v)
    forget = cell.lower_bound + (1 - cell.lower_bound) * sigmoid(fs)
    s, found = state[0].copy(), []
    for i in range(h):
        q, f, value = (own.reshape(h, -1)[i] for own in (silu(qs), forget, vs))
        s[i] = np.diag(f) @ s[i] + np.outer(1 - f, value)
        found.append(s[i].T @ q / np.sqrt(k))
    return [s], rms(np.concatenate(found), p.gain) @ p.w_o


def delta_net(cell, p, x, state):
    h, k, v = cell.heads, cell.key_size, cell.value_size
    qs, ks, vs, betas = split(x @ p.w_x, h * k, h * k, h * v, h)
    s, found = state[0].copy(), []
    for i in range(h):
        q, key, value = (silu(own.reshape(h, -1)[i]) for own in (qs, ks, vs))
        q, key, beta = unit(q), unit(key), sigmoid(betas[i]) * (2 if cell.negative else 1)
        s[i] = (np.eye(k) - beta * np.outer(key, key)) @ s[i] + beta * np.outer(key, value)
        found.append(rms(s[i].T @ q / np.sqrt(k), p.gain))
    return [s], np.concatenate(found) @ p.w_o


def gated_delta_net(cell, p, x, state):
    h, k, v = cell.heads, cell.key_size, cell.value_size
    qs, ks, vs, gs, betas, steps = split(x @ p.w_x, h * k, h * k, h * v, h * v, h, h)
    alpha = np.exp(-np.exp(p.a_log) * softplus(steps + p.dt_bias))
    s, found = state[0].copy(), []
    for i in range(h):
        q, key, value = (silu(own.reshape(h, -1)[i]) for own in (qs, ks, vs))
        q, key, beta = unit(q), unit(key), sigmoid(betas[i]) * (2 if cell.negative else 1)
        kept = alpha[i] * (np.eye(k) - beta * np.outer(key, key))
        s[i] = kept @ s[i] + beta * np.outer(key, value)
        found.append(rms(s[i].T @ q / np.sqrt(k), p.gain))
    return [s], (np.concatenate(found) * silu(gs)) @ p.w_o


def mlstm(cell, p, x, state):
    h, k, v = cell.heads, cell.key_size, cell.hidden_size // cell.heads
    qs, ks, vs, os = split(x @ p.w_x + p.b, h * k, h * k, h * v, h * v)
    i_gate, f_gate = split(x @ p.w_g + p.b_g, h, h)
    s, m, found = state[0].copy(), state[1].copy(), []
    for i in range(h):
        q, key, value = (own.reshape(h, -1)[i] for own in (qs, ks / np.sqrt(k), vs))
        log_f = np.log(sigmoid(f_gate[i]))
        largest = max(log_f + m[i], i_gate[i])
        forget, gain = np.exp(log_f + m[i] - largest), np.exp(i_gate[i] - largest)
        c = forget * s[i][:, :-1] + gain * np.outer(key, value)
        n = forget * s[i][:, -1] + gain * key
        s[i], m[i] = np.column_stack((c, n)), largest
        found.append(c.T @ q / (max(abs(n @ q), np.exp(-largest)) + 1e-6))
    return [s, m], sigmoid(os) * np.concatenate(found)


def ret_net(cell, p, x, state):
    h, k, v = cell.heads, cell.key_size, cell.value_size
    qs, ks, vs, gs = split(x @ p.w_x, h * k, h * k, h * v, h * v)
    turn = np.zeros((k, k))  # of column vectors
    for j, angle in enumerate(10000 ** -np.linspace(0, 1, k // 2)):
        cos, sin = np.cos(angle), np.sin(angle)
        turn[2 * j : 2 * j + 2, 2 * j : 2 * j + 2] = [[cos, -sin], [sin, cos]]
    s, found = state[0].copy(), []
    for i in range(h):
        q, key, value = (own.reshape(h, -1)[i] for own in (qs, ks, vs))
        s[i] = (1 - 2.0 ** (-5 - i)) * turn.T @ s[i] + np.outer(key / np.sqrt(k), value)
        found.append(rms(s[i].T @ q, p.gain, 1e-6))
    return [s], (np.concatenate(found) * silu(gs)) @ p.w_o


def ssd(cell, p, z, state):
    h, n, g = cell.heads, cell.state_size, cell.groups
    x, b, c, dt = split(z, cell.hidden_size, g * n, g * n, h)
    s, found = state[0].copy(), []
    for i in range(h):
        own, group = x.reshape(h, -1)[i], i * g // h
        step = softplus(dt[i] + p.dt_bias[i])
        written = np.outer(b.reshape(g, n)[group], step * own)
        s[i] = np.exp(-np.exp(p.a_log[i]) * step) * s[i] + written
        found.append(s[i].T @ c.reshape(g, n)[group] + p.d[i] * own)
    return [s], np.concatenate(found)


SIZES: Any = {"heads": 2, "key_size": 3, "value_size": 5}
CASES = [
    Case("linear_attention", LinearAttention(4, 6, **SIZES), rows(linear_attention)),
    Case("gla", GLA(4, 6, **SIZES, low_rank=2), rows(gla)),
    Case("hgrn2", HGRN2(4, 6, **SIZES), rows(hgrn2)),
    Case("hgrn2-lower_bound", HGRN2(4, 6, **SIZES, lower_bound=0.3), rows(hgrn2)),
    Case("delta_net", DeltaNet(4, 6, **SIZES), rows(delta_net)),
    Case("delta_net-negative", DeltaNet(4, 6, **SIZES, negative=True), rows(delta_net)),
    Case("gated_delta_net", GatedDeltaNet(4, 6, **SIZES), rows(gated_delta_net)),
    Case("mlstm", MLSTM(4, 6, heads=2, key_size=4), rows(mlstm)),
    Case("ret_net", RetNet(4, 6, heads=2, key_size=4, value_size=5), rows(ret_net)),
    Case("ssd", SSD(8, heads=4, state_size=3, groups=2), rows(ssd)),
]
