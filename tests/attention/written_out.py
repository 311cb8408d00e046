"""Attention once more, in float64 NumPy, for one row, from the papers' equations.

Vectors are columns, as in the papers. Nothing is shared with the code under test but the names of
the parameters.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rnnjax import attention as at


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def score(kind: Any, params: Any, query: np.ndarray, place: np.ndarray) -> Any:
    """Of one place, without what is tracked."""
    match kind:
        case at.Dot():
            return query @ place / (np.sqrt(len(query)) if kind.scaled else 1)
        case at.General():
            return query @ params.w.T @ place
        case _:
            return params.v @ np.tanh(hidden_units(params, query, place))


def hidden_units(params: Any, query: np.ndarray, place: np.ndarray) -> np.ndarray:
    units = params.w_q.T @ query + params.w_m.T @ place
    return units if params.b is None else units + params.b


def scores(
    kind: Any, params: Any, query: np.ndarray, places: np.ndarray, past: list[np.ndarray]
) -> np.ndarray:
    """Of all places ``[S, M]``; `past` holds the weights of all earlier steps."""
    if isinstance(kind, at.Coverage):
        covered = sum(past, np.zeros(len(places)))
        return np.array([
            params.v @ np.tanh(hidden_units(params, query, place) + params.w_c * c)
            for place, c in zip(places, covered, strict=True)
        ])  # fmt: skip
    if isinstance(kind, at.LocationAware):
        last = past[-1] if past else np.zeros(len(places))
        half = kind.filter_size // 2
        found = []
        for s, place in enumerate(places):
            f = np.zeros(kind.num_filters)
            for r in range(kind.filter_size):
                if 0 <= s + r - half < len(places):
                    f += params.filters[r] * last[s + r - half]
            found.append(params.v @ np.tanh(hidden_units(params, query, place) + params.w_f.T @ f))
        return np.array(found)
    return np.array([score(kind, params, query, place) for place in places])


def gru(params: Any, h: np.ndarray, z: np.ndarray) -> np.ndarray:
    """A GRU with the reset after the product, z being all that its input gives."""
    n = len(h)
    u = params.w_h.T @ h + params.b_h
    r, g = (1 / (1 + np.exp(-(z + u)[k * n : (k + 1) * n])) for k in (0, 1))
    return (1 - g) * np.tanh(z[2 * n :] + r * u[2 * n :]) + g * h


def decoder(
    cell: Any, params: Any, h: np.ndarray, xs: np.ndarray, places: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The outputs ``[T, O]`` and the weights ``[T, S]`` of a decoder with GRUs, from a state h."""
    past: list[np.ndarray] = []
    outputs = []
    fed = np.zeros(getattr(cell, "attentional_size", 0))

    def read(query: np.ndarray) -> np.ndarray:
        past.append(softmax(scores(cell.attention, params.attention, query, places, past)))
        return places.T @ past[-1]

    for x in xs:
        z = params.cell.w_x.T @ x + params.cell.b
        match cell:
            case at.Attending():
                context = read(h)
                h = gru(params.cell, h, z + params.more.T @ context)
                outputs.append(np.concatenate((h, context)))
            case at.Conditional():
                h = gru(params.cell, h, z)
                context = read(h)
                h = gru(params.more, h, params.more.w_x.T @ context + params.more.b)
                outputs.append(np.concatenate((h, context)))
            case at.InputFeeding():
                w_c, w_f = params.more
                h = gru(params.cell, h, z if w_f is None else z + w_f.T @ fed)
                fed = np.tanh(w_c.T @ np.concatenate((read(h), h)))
                outputs.append(fed)
    return np.array(outputs), np.array(past)
