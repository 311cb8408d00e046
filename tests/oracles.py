"""The cells once more, in float64 NumPy, one row and one step at a time, from the equations.

Nothing here is shared with the code under test but the names of the parameters and the order in
which the gates are fused. Vectors are columns, as in the papers: ``W x`` with ``W [H, D]``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

Step = Callable[[Any, Any, np.ndarray], tuple[Any, np.ndarray]]
"""``step(params, carry, x [D]) -> (carry, y [O])``; a carry is a plain tuple of vectors."""

NONLINEARITIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "elu": lambda a: np.where(a > 0, a, np.exp(np.minimum(a, 0)) - 1),
    "keras2_hard_sigmoid": lambda a: np.clip(0.2 * a + 0.5, 0, 1),
    "hard_sigmoid": lambda a: np.clip(a / 6 + 0.5, 0, 1),
    "hard_tanh": lambda a: np.clip(a, -1, 1),
    "leaky_relu": lambda a: np.where(a > 0, a, 0.01 * a),
    "linear": lambda a: a,
    "relu": lambda a: np.maximum(a, 0),
    "selu": lambda a: (
        1.0507009873554805 * np.where(a > 0, a, 1.6732632423543772 * (np.exp(np.minimum(a, 0)) - 1))
    ),
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "silu": lambda a: a / (1 + np.exp(-a)),
    "softplus": lambda a: np.log1p(np.exp(a)),
    "softsign": lambda a: a / (1 + np.abs(a)),
    "tanh": lambda a: (np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a)),
}


def _gates(fused: np.ndarray | None, names: str, size: int) -> dict[str, Any]:
    """The blocks of a fused last axis by gate, transposed to columns; 0 for an absent bias."""
    if fused is None:
        return dict.fromkeys(names, 0.0)
    return {name: fused[..., k * size : (k + 1) * size].T for k, name in enumerate(names)}


def columns(params: Any, names: str, size: int) -> tuple[dict[str, Any], ...]:
    """W, U and b of `rnnjax.gated_cell.GatedParams` by gate, each name one letter; W and U [H, ?].

    A bias that is absent is 0; U has those gates only that read the state.
    """
    w, u, b = (_gates(fused, names, size) for fused in (params.w_x, params.w_h, params.b))
    return w, u, b


def sigmoid(a: Any) -> Any:
    """1 / (1 + exp(-a))."""
    return 1 / (1 + np.exp(-a))


def simple_rnn(activation: str = "tanh") -> Step:
    """Elman 1990: the hidden units see the input and their own previous values."""
    phi = NONLINEARITIES[activation]

    def step(params: Any, carry: Any, x: np.ndarray) -> tuple[Any, np.ndarray]:
        (h,) = carry
        a = params.w_x.T @ x + params.w_h.T @ h
        for bias in (params.b, params.b_h):
            a = a if bias is None else a + bias
        return (phi(a),), phi(a)

    return step


def lstm(
    activation: str = "tanh", recurrent_activation: str = "sigmoid", projected: bool = False
) -> Step:
    """Hochreiter & Schmidhuber 1997, forget gate of Gers et al. 2000, projection of Sak 2014."""
    phi, sigma = NONLINEARITIES[activation], NONLINEARITIES[recurrent_activation]

    def step(params: Any, carry: Any, x: np.ndarray) -> tuple[Any, np.ndarray]:
        h, c = carry
        fused = (params.w_x, params.w_h, params.b, params.b_h)
        w, u, b, b_h = (_gates(p, "ifgo", c.size) for p in fused)
        i = sigma(w["i"] @ x + u["i"] @ h + b["i"] + b_h["i"])
        f = sigma(w["f"] @ x + u["f"] @ h + b["f"] + b_h["f"])
        g = phi(w["g"] @ x + u["g"] @ h + b["g"] + b_h["g"])
        o = sigma(w["o"] @ x + u["o"] @ h + b["o"] + b_h["o"])
        c = f * c + i * g
        h = o * phi(c)
        if projected:
            h = params.w_p.T @ h
        return (h, c), h

    return step


def peephole_lstm(activation: str = "tanh", recurrent_activation: str = "sigmoid") -> Step:
    """Gers et al. 2002 in the form of Graves 2013, equations 7-11: W_ci is a diagonal matrix."""
    phi, sigma = NONLINEARITIES[activation], NONLINEARITIES[recurrent_activation]

    def step(params: Any, carry: Any, x: np.ndarray) -> tuple[Any, np.ndarray]:
        h, c = carry
        fused = (params.w_x, params.w_h, params.b, params.b_h)
        w, u, b, b_h = (_gates(p, "ifgo", c.size) for p in fused)
        w_ci, w_cf, w_co = (np.diag(p) for p in (params.p_i, params.p_f, params.p_o))
        i = sigma(w["i"] @ x + u["i"] @ h + w_ci @ c + b["i"] + b_h["i"])
        f = sigma(w["f"] @ x + u["f"] @ h + w_cf @ c + b["f"] + b_h["f"])
        c = f * c + i * phi(w["g"] @ x + u["g"] @ h + b["g"] + b_h["g"])
        o = sigma(w["o"] @ x + u["o"] @ h + w_co @ c + b["o"] + b_h["o"])
        h = o * phi(c)
        return (h, c), h

    return step


def _layer_norm(a: np.ndarray, gain: np.ndarray, shift: Any, epsilon: float) -> np.ndarray:
    """Ba et al. 2016, equations 15 and 16, with an epsilon below the root."""
    mu = a.sum() / a.size
    sigma = np.sqrt(((a - mu) ** 2).sum() / a.size + epsilon)
    return (a - mu) / sigma * gain + shift


def _stacked(fused: np.ndarray | None, names: str, order: str, size: int) -> Any:
    """Some blocks of a fused last axis, in another order below each other; 0 for an absent one."""
    blocks = _gates(fused, names, size)
    return 0.0 if fused is None else np.concatenate([blocks[name] for name in order])


def layer_norm_lstm(
    activation: str = "tanh", recurrent_activation: str = "sigmoid", epsilon: float = 1e-5
) -> Step:
    """Ba et al. 2016, equations 20-22, with the gates in their order f, i, o, g."""
    phi, sigma = NONLINEARITIES[activation], NONLINEARITIES[recurrent_activation]

    def step(params: Any, carry: Any, x: np.ndarray) -> tuple[Any, np.ndarray]:
        h, c = carry
        p = params
        w_h, alpha_1, beta_1, w_x, alpha_2, beta_2 = (
            _stacked(fused, "ifgo", "fiog", c.size)
            for fused in (p.w_h, p.gain_h, p.b_h, p.w_x, p.gain_x, p.b)
        )
        beta_3 = 0.0 if p.b_c is None else p.b_c
        fused = _layer_norm(w_h @ h, alpha_1, beta_1, epsilon)
        fused = fused + _layer_norm(w_x @ x, alpha_2, beta_2, epsilon)
        f, i, o, g = np.split(fused, 4)
        c = sigma(f) * c + sigma(i) * phi(g)
        h = sigma(o) * phi(_layer_norm(c, p.gain_c, beta_3, epsilon))
        return (h, c), h

    return step


def layer_norm_gru(
    activation: str = "tanh", recurrent_activation: str = "sigmoid", epsilon: float = 1e-5
) -> Step:
    """Ba et al. 2016, equations 26-28, with the gates in their order z, r."""
    phi, sigma = NONLINEARITIES[activation], NONLINEARITIES[recurrent_activation]

    def step(params: Any, carry: Any, x: np.ndarray) -> tuple[Any, np.ndarray]:
        (h,) = carry
        p = params
        fused = (p.w_h, p.gain_h, p.b_h, p.w_x, p.gain_x, p.b)
        w_h, alpha_1, beta_1, w_x, alpha_2, beta_2 = (
            _stacked(array, "rzn", "zr", h.size) for array in fused
        )
        u, alpha_4, beta_4, w, alpha_3, beta_3 = (_gates(a, "rzn", h.size)["n"] for a in fused)
        both = _layer_norm(w_h @ h, alpha_1, beta_1, epsilon)
        z, r = np.split(both + _layer_norm(w_x @ x, alpha_2, beta_2, epsilon), 2)
        recurrent = _layer_norm(u @ h, alpha_4, beta_4, epsilon)
        candidate = phi(_layer_norm(w @ x, alpha_3, beta_3, epsilon) + sigma(r) * recurrent)
        h = (1 - sigma(z)) * h + sigma(z) * candidate
        return (h,), h

    return step


def gru(
    reset_after: bool = True, activation: str = "tanh", recurrent_activation: str = "sigmoid"
) -> Step:
    """Cho et al. 2014, equations 5-8 (reset before the product), or their first version's."""
    phi, sigma = NONLINEARITIES[activation], NONLINEARITIES[recurrent_activation]

    def step(params: Any, carry: Any, x: np.ndarray) -> tuple[Any, np.ndarray]:
        (h,) = carry
        w, u, b, b_h = (_gates(p, "rzn", h.size) for p in params)
        r = sigma(w["r"] @ x + u["r"] @ h + b["r"] + b_h["r"])
        z = sigma(w["z"] @ x + u["z"] @ h + b["z"] + b_h["z"])
        if reset_after:
            n = phi(w["n"] @ x + b["n"] + r * (u["n"] @ h + b_h["n"]))
        else:
            n = phi(w["n"] @ x + b["n"] + u["n"] @ (r * h))
        h = z * h + (1 - z) * n
        return (h,), h

    return step


def stack(*steps: Step) -> Step:
    """One layer above the other, all of them at every time step."""

    def step(params: Any, carry: Any, x: np.ndarray) -> tuple[Any, np.ndarray]:
        carries = []
        for layer, layer_params, layer_carry in zip(steps, params, carry, strict=True):
            layer_carry, x = layer(layer_params, layer_carry, x)
            carries.append(layer_carry)
        return tuple(carries), x

    return step


def residual(layer: Step) -> Step:
    """Wu et al. 2016, equation 6: the input is added to the output."""

    def step(params: Any, carry: Any, x: np.ndarray) -> tuple[Any, np.ndarray]:
        carry, y = layer(params, carry, x)
        return carry, y + x

    return step


def zoneout(layer: Step, *rates: float) -> Step:
    """Krueger et al. 2017, in evaluation: each field of the carry keeps the share p of its value.

    The rates are those of the fields, h the first one.
    """

    def step(params: Any, carry: Any, x: np.ndarray) -> tuple[Any, np.ndarray]:
        after, _ = layer(params, carry, x)
        mixed = [p * old + (1 - p) * new for p, old, new in zip(rates, carry, after, strict=True)]
        return tuple(mixed), mixed[0]

    return step


def run(
    step: Step,
    params: Any,
    xs: np.ndarray,
    carry: Any,
    *,
    initial: Any = None,
    mask: np.ndarray | None = None,
    resets: np.ndarray | None = None,
    reverse: bool = False,
) -> tuple[Any, np.ndarray, np.ndarray]:
    """Rows one by one, each without its masked steps: final carries, outputs and last outputs.

    Args:
        step: one of the above.
        params: the cell's parameters.
        xs: ``[T, B, D]``.
        carry: ``[B, ...]``; gives the result its tree structure.
        initial: one row's carry, from which it starts again at a reset, masked or not.
        mask: ``[T, B]``.
        resets: ``[T, B]``.
        reverse: whether time runs backwards.
    """
    params, xs, carry, initial = jax.tree.map(
        lambda a: np.asarray(a, np.float64), (params, xs, carry, initial)
    )
    num_steps, num_rows = xs.shape[:2]
    mask = np.ones((num_steps, num_rows), bool) if mask is None else mask
    resets = np.zeros((num_steps, num_rows), bool) if resets is None else resets
    leaves, structure = jax.tree.flatten(carry)
    finals, outputs, lasts = [], [], []
    for row in range(num_rows):
        state = jax.tree.map(lambda a, row=row: a[row], carry)
        taken: dict[int, np.ndarray] = {}
        for t in range(num_steps)[:: -1 if reverse else 1]:
            state = initial if resets[t, row] else state
            if mask[t, row]:
                state, taken[t] = step(params, state, xs[t, row])
        finals.append(jax.tree.leaves(state))
        outputs.append(taken)
        lasts.append(list(taken.values())[-1:])
    (shape,) = {y.shape for taken in outputs for y in taken.values()} or {(0,)}
    nothing = np.zeros(shape)
    ys = [[taken.get(t, nothing) for taken in outputs] for t in range(num_steps)]
    final = [np.stack([row[k] for row in finals]) for k in range(len(leaves))]
    last = [taken[0] if taken else nothing for taken in lasts]
    return jax.tree.unflatten(structure, final), np.array(ys), np.array(last)
