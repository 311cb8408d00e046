"""Cells of continuous time once more in float64 NumPy, one row and one step at a time."""

import numpy as np

from rnnjax.cells.physical import CTGRU, CTRNN, ESN, GRUD, GRUODE, LTC, ODERNN, CfC, TauGRU
from tests.cells_under_test import CellUnderTest
from tests.oracles import NONLINEARITIES, columns, gru, sigmoid


def bias(b):
    return 0.0 if b is None else b


def ctrnn(unfolds=6, delta=0.1, tau=1.0):
    def step(p, carry, x):
        (h,) = carry
        for _ in range(unfolds):
            h = h + delta * (-h / tau + np.tanh(p.w_x.T @ x + p.w_h.T @ h + bias(p.b)))
        return (h,), h

    return step


def parted(x, *, timed):
    return (x[:-1], x[-1]) if timed else (x, 1.0)


def softplus(a):
    return np.log1p(np.exp(a))


def ltc(unfolds=6, *, timed=False):
    def step(p, carry, x):
        (v,) = carry
        x, gap = parted(x, timed=timed)
        x = p.w_in * x + p.b_in
        c, g = softplus(p.cm) * unfolds / gap, softplus(p.g)
        for _ in range(unfolds):
            over, under = c * v + g * p.v_leak, c + g
            for k in range(v.size):
                for j in range(x.size):
                    s = softplus(p.w_x[j, k]) * sigmoid(p.sigma_x[j, k] * (x[j] - p.mu_x[j, k]))
                    over[k], under[k] = over[k] + s * p.erev_x[j, k], under[k] + s
                for j in range(v.size):
                    s = softplus(p.w_h[j, k]) * sigmoid(p.sigma_h[j, k] * (v[j] - p.mu_h[j, k]))
                    over[k], under[k] = over[k] + s * p.erev_h[j, k], under[k] + s
            v = over / under
        return (v,), v

    return step


def cfc(mode="default", activation=None, *, timed=False):
    phi = NONLINEARITIES[activation] if activation else lambda a: 1.7159 * np.tanh(0.666 * a)

    def step(p, carry, x):
        (h,) = carry
        x, gap = parted(x, timed=timed)
        b = phi(p.w_x.T @ x + p.w_h.T @ h + bias(p.b))
        for k, w in enumerate([] if p.w_deep is None else p.w_deep):
            b = phi(w.T @ b + (0.0 if p.b_deep is None else p.b_deep[k]))
        read = p.w_o.T @ b + bias(p.b_o)
        if mode == "pure":
            h = p.a - p.a * read * np.exp(-gap * (np.abs(p.w_tau) + np.abs(read)))
            return (h,), h
        f1, f2, rate, start = np.split(read, 4)
        f1, f2, s = np.tanh(f1), np.tanh(f2), sigmoid(rate * gap + start)
        h = f1 + s * f2 if mode == "no_gate" else (1 - s) * f1 + s * f2
        return (h,), h

    return step


def ctgru(*, timed=False):
    def step(p, carry, x):
        (traces,) = carry
        size, scales = traces.shape
        x, gap = parted(x, timed=timed)
        w, u, b = columns(p, "rsq", size)
        h = traces.sum(axis=1)
        tau = 10 ** (np.arange(scales) / 2)

        def weights(log_tau):
            near = np.exp(-((log_tau[:, None] - np.log(tau)) ** 2))
            return near / near.sum(axis=1, keepdims=True)

        r = weights(w["r"] @ x + u["r"] @ h + b["r"])
        s = weights(w["s"] @ x + u["s"] @ h + b["s"])
        q = np.tanh(w["q"] @ x + u["q"] @ (r * traces).sum(axis=1) + b["q"])
        traces = ((1 - s) * traces + s * q[:, None]) * np.exp(-gap / tau)
        return (traces,), traces.sum(axis=1)

    return step


def solve(f, h, time, unfolds, solver):
    for _ in range(unfolds):
        d = time / unfolds
        if solver == "euler":
            h = h + d * f(h)
            continue
        k1 = f(h)
        k2 = f(h + d * k1 / 2)
        k3 = f(h + d * k2 / 2)
        k4 = f(h + d * k3)
        h = h + d * (k1 + 2 * k2 + 2 * k3 + k4) / 6
    return h


def ode_rnn(unfolds=4, solver="euler", *, timed=False):
    def step(p, carry, x):
        (h,) = carry
        x, gap = parted(x, timed=timed)

        def f(h):
            return p.w_out.T @ np.tanh(p.w_in.T @ h + bias(p.b_in)) + bias(p.b_out)

        return gru_of(p, solve(f, h, gap, unfolds, solver), x)

    return step


def gru_of(p, h, x):
    zeros = np.zeros(p.w_x.shape[1])
    biases = [zeros if b is None else b for b in (p.b, p.b_h)]
    return gru()((p.w_x, p.w_h, *biases), (h,), x)


def gru_ode(unfolds=4, solver="euler", *, timed=False):
    def step(p, carry, x):
        (h,) = carry
        x, gap = parted(x, timed=timed)
        u_r, u_z, u_n = np.split(p.w_s.T, 3)
        b_r, b_z, b_n = (0.0, 0.0, 0.0) if p.b_s is None else np.split(p.b_s, 3)

        def f(h):
            z = sigmoid(u_z @ h + b_z)
            n = np.tanh(u_n @ (sigmoid(u_r @ h + b_r) * h) + b_n)
            return (1 - z) * (n - h)

        return gru_of(p, solve(f, h, gap, unfolds, solver), x)

    return step


def grud(p, carry, x):
    h, last = carry
    x, m, delta = np.split(x, 3)
    gamma_x = np.exp(-np.maximum(0, p.w_decay_x * delta + bias(p.b_decay_x)))
    gamma_h = np.exp(-np.maximum(0, p.w_decay_h.T @ delta + bias(p.b_decay_h)))
    guess = m * x + (1 - m) * (gamma_x * last + (1 - gamma_x) * p.mean)
    w, u, b = columns(p, "rzn", h.size)
    v = dict(zip("rzn", np.split(p.w_m.T, 3), strict=True))
    h = gamma_h * h
    r = sigmoid(w["r"] @ guess + u["r"] @ h + v["r"] @ m + b["r"])
    z = sigmoid(w["z"] @ guess + u["z"] @ h + v["z"] @ m + b["z"])
    n = np.tanh(w["n"] @ guess + u["n"] @ (r * h) + v["n"] @ m + b["n"])
    h = (1 - z) * h + z * n
    return (h, m * x + (1 - m) * last), h


def esn(leak=1.0):
    def step(p, carry, x):
        (h,) = carry
        h = (1 - leak) * h + leak * np.tanh(p.w_x.T @ x + p.w_h.T @ h + bias(p.b))
        return (h,), h

    return step


def tau_gru(p, carry, x):
    h, past = carry
    w, u, b = columns(p, "ugan", h.size)
    delayed = past[-1]
    inner = np.tanh(w["u"] @ x + u["u"] @ h + b["u"])
    n = np.tanh(w["n"] @ x + u["n"] @ delayed + b["n"])
    g = sigmoid(w["g"] @ x + u["g"] @ h + b["g"])
    a = sigmoid(w["a"] @ x + u["a"] @ h + b["a"])
    past = np.concatenate([h[None], past[:-1]])
    h = (1 - g) * h + g * (inner + a * n)
    return (h, past), h


# Its parameters are fixed: no gradient reaches them. What is 0 in W_h is so for every key.
FIXED = (
    "test_its_gradient_is_that_of_differences_and_of_nothing_behind_the_mask",
    "test_gradients_equal_finite_differences",
    "test_different_keys_give_different_parameters",
)

# Of the liquid network some are 1 or -1; what decays in the unit with decay begins at 0.
NOT_ALL_DRAWN = ("test_different_keys_give_different_parameters",)

CASES = [
    CellUnderTest("ctrnn", lambda: CTRNN(3, 4), ctrnn()),
    CellUnderTest(
        "ctrnn-other_numbers",
        lambda: CTRNN(3, 4, 2, 0.3, 1.7, use_bias=False),
        ctrnn(2, 0.3, 1.7),
    ),
    CellUnderTest(
        "ltc",
        lambda: LTC(3, 4),
        ltc(),
        # So much that some of a state is left six steps later.
        adapt=lambda params, carry: (params._replace(cm=params.cm + 3), carry),
        exempt=NOT_ALL_DRAWN,
    ),
    CellUnderTest(
        "ltc-timed",
        lambda: LTC(3, 4, 4, timed=True),
        ltc(4, timed=True),
        # The times are random and may be negative: then only a capacity keeps the denominator up.
        adapt=lambda params, carry: (params._replace(cm=params.cm + 20), carry),
        exempt=NOT_ALL_DRAWN,
    ),
    CellUnderTest("cfc", lambda: CfC(3, 4, 5), cfc()),
    CellUnderTest(
        "cfc-deep",
        lambda: CfC(3, 4, 5, 3, "softsign", "no_gate", timed=True, use_bias=False),
        cfc("no_gate", "softsign", timed=True),
    ),
    CellUnderTest(
        "cfc-pure", lambda: CfC(3, 4, 5, 2, mode="pure", timed=True), cfc("pure", timed=True)
    ),
    CellUnderTest("ctgru", lambda: CTGRU(3, 4), ctgru()),
    CellUnderTest(
        "ctgru-timed", lambda: CTGRU(3, 4, 3, timed=True, use_bias=False), ctgru(timed=True)
    ),
    CellUnderTest("ode_rnn", lambda: ODERNN(3, 4, units=5), ode_rnn()),
    CellUnderTest(
        "ode_rnn-timed",
        lambda: ODERNN(3, 4, "rk4", 2, 5, timed=True, use_bias=False),
        ode_rnn(2, "rk4", timed=True),
    ),
    CellUnderTest("gru_ode", lambda: GRUODE(3, 4), gru_ode()),
    CellUnderTest(
        "gru_ode-timed",
        lambda: GRUODE(3, 4, "rk4", 1, timed=True, use_bias=False),
        gru_ode(1, "rk4", timed=True),
    ),
    CellUnderTest("grud", lambda: GRUD(6, 4), grud, exempt=NOT_ALL_DRAWN),
    CellUnderTest("grud-no_bias", lambda: GRUD(6, 4, use_bias=False), grud, exempt=NOT_ALL_DRAWN),
    CellUnderTest("esn", lambda: ESN(3, 4), esn(), exempt=FIXED),
    CellUnderTest("esn-leak", lambda: ESN(3, 4, 0.3, use_bias=False), esn(0.3), exempt=FIXED),
    CellUnderTest("tau_gru", lambda: TauGRU(3, 4), tau_gru),
    CellUnderTest("tau_gru-delay", lambda: TauGRU(3, 4, 3, use_bias=False), tau_gru),
]
