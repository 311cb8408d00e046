"""Clocked cells once more in float64 NumPy, one row and one step at a time, from their papers."""

import numpy as np

from rnnjax.cells.clocked import ClockworkRNN, PhasedLSTM, TimeAwareLSTM
from tests.cells_under_test import CellUnderTest
from tests.oracles import columns, sigmoid


def clockwork_rnn(sizes, periods):
    places = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])

    def step(p, carry, x):
        h, steps = carry
        w, u, b = columns(p, "h", h.size)
        after = h.copy()
        for i, own in enumerate(places):
            if steps[0] % periods[i] == 0:
                a = w["h"][own] @ x + (0.0 if p.b is None else b["h"][own])
                for seen in places[i:]:
                    a = a + u["h"][np.ix_(own, seen)] @ h[seen]
                after[own] = np.tanh(a)
        return (after, steps + 1), after

    return step


def phased_lstm(ratio=0.05, leak=0.001):
    def step(p, carry, x):
        h, c = carry
        w, u, b = columns(p, "ifgo", h.size)
        a = {name: w[name] @ x[:-1] + u[name] @ h + b[name] for name in "ifgo"}
        f, i = sigmoid(a["f"] + p.p_f * c), sigmoid(a["i"] + p.p_i * c)
        new_c = f * c + i * np.tanh(a["g"])
        new_h = sigmoid(a["o"] + p.p_o * new_c) * np.tanh(new_c)
        phase = (x[-1] - p.shift) / p.period
        phase = phase - np.floor(phase)
        k = np.select(
            [phase < ratio / 2, phase < ratio],
            [2 * phase / ratio, 2 - 2 * phase / ratio],
            leak * phase,
        )
        h, c = k * new_h + (1 - k) * h, k * new_c + (1 - k) * c
        return (h, c), h

    return step


def positive_periods(params, carry):
    return params._replace(period=np.abs(params.period) + 1), carry


def time_aware_lstm(p, carry, x):
    h, c = carry
    w, u, b = columns(p, "ifgo", h.size)
    short = np.tanh(p.w_d.T @ c + (0.0 if p.b_d is None else p.b_d))
    c = c - short + short / np.log(np.e + max(x[-1], 0))
    a = {name: w[name] @ x[:-1] + u[name] @ h + b[name] for name in "ifgo"}
    c = sigmoid(a["f"]) * c + sigmoid(a["i"]) * np.tanh(a["g"])
    h = sigmoid(a["o"]) * np.tanh(c)
    return (h, c), h


CASES = [
    CellUnderTest(
        "clockwork_rnn", lambda: ClockworkRNN(3, 5, (1, 2, 4)), clockwork_rnn((2, 2, 1), (1, 2, 4))
    ),
    CellUnderTest(
        "clockwork_rnn-other_periods",
        lambda: ClockworkRNN(3, 4, (1, 3), use_bias=False),
        clockwork_rnn((2, 2), (1, 3)),
    ),
    # Units that are open for longer than unless told, so that six steps show something.
    CellUnderTest(
        "phased_lstm", lambda: PhasedLSTM(3, 4, 0.8, 0.1), phased_lstm(0.8, 0.1), positive_periods
    ),
    CellUnderTest(
        "phased_lstm-no_bias",
        lambda: PhasedLSTM(3, 4, 0.5, 0.3, use_bias=False),
        phased_lstm(0.5, 0.3),
        positive_periods,
    ),
    CellUnderTest("time_aware_lstm-biases", lambda: TimeAwareLSTM(3, 4), time_aware_lstm),
    CellUnderTest(
        "time_aware_lstm-no_bias", lambda: TimeAwareLSTM(3, 4, use_bias=False), time_aware_lstm
    ),
]
