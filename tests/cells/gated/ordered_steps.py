"""More gated cells in float64 NumPy, one row and one step at a time, from their papers."""

import functools

import numpy as np

from rnnjax.cells.gated import (
    DSGU,
    EALSTM,
    NRU,
    ONLSTM,
    RWA,
    SGRN,
    SGU,
    WMCLSTM,
    JordanRNN,
    LightRU,
    MassConservingLSTM,
    MemoryControllerLSTM,
    MiRU1,
    MiRU2,
    ResidualLSTM,
)
from tests.cells_under_test import CellUnderTest
from tests.oracles import NONLINEARITIES, columns, sigmoid


def softmax(a):
    return np.exp(a) / np.exp(a).sum()


def or_zero(bias):
    return 0.0 if bias is None else bias


def on_lstm(chunk_size):
    def step(p, carry, x):
        h, c = carry
        a = p.w_x.T @ x + p.w_h.T @ h + or_zero(p.b)
        n = h.size // chunk_size
        o, g, i, f = np.split(a[2 * n :], 4)
        o, g, i, f = sigmoid(o), np.tanh(g), sigmoid(i), sigmoid(f)
        below = np.tril(np.ones((n, n)))
        spread = np.kron(np.eye(n), np.ones((chunk_size, 1)))
        master_i = spread @ (1 - below @ softmax(a[:n]))
        master_f = spread @ (below @ softmax(a[n : 2 * n]))
        omega = master_f * master_i
        c = (f * omega + master_f - omega) * c + (i * omega + master_i - omega) * g
        h = o * np.tanh(c)
        return (h, c), h

    return step


def wmc_lstm(p, carry, x):
    h, c = carry
    w, u, b = columns(p, "ifgo", h.size)
    v = dict(zip("ifo", np.split(p.w_c, 3, axis=1), strict=True))
    d = dict(zip("ifo", np.split(np.zeros(3 * h.size) + or_zero(p.b_c), 3), strict=True))
    i = sigmoid(w["i"] @ x + u["i"] @ h + b["i"] + np.tanh(v["i"].T @ c + d["i"]))
    f = sigmoid(w["f"] @ x + u["f"] @ h + b["f"] + np.tanh(v["f"].T @ c + d["f"]))
    g = np.tanh(w["g"] @ x + u["g"] @ h + b["g"])
    c = f * c + i * g
    o = sigmoid(w["o"] @ x + u["o"] @ h + b["o"] + np.tanh(v["o"].T @ c + d["o"]))
    h = o * np.tanh(c)
    return (h, c), h


def rwa(p, carry, x):
    h, n, d, m = carry
    w_a, w_g, w_u = (w.T for w in np.split(p.w_x, 3, axis=1))
    u_a, u_g = (u.T for u in np.split(p.w_h, 2, axis=1))
    b_g, b_u = (0.0, 0.0) if p.b is None else np.split(p.b, 2)
    a = w_a @ x + u_a @ h
    z = (w_u @ x + b_u) * np.tanh(w_g @ x + u_g @ h + b_g)
    m = np.where(d == 0, -1e38, m)  # before the first step
    largest = np.maximum(m, a)
    n = n * np.exp(m - largest) + z * np.exp(a - largest)
    d = d * np.exp(m - largest) + np.exp(a - largest)
    h = np.tanh(n / d)
    return (h, n, d, largest), h


def nru(heads, *, layer_norm=False, rectify=False):
    relu = NONLINEARITIES["relu"]
    of_heads = relu if rectify else NONLINEARITIES["linear"]

    def writes(strengths, factors, size):
        first, second = np.split(factors, 2)
        vectors = of_heads(np.outer(first, second).reshape(heads, size))
        norms = (np.abs(vectors) ** 5).sum(axis=1) ** (1 / 5)
        return of_heads(strengths)[:, None] * vectors / np.maximum(norms, 1e-12)[:, None]

    def step(p, carry, x):
        h, m = carry
        a = p.w_x.T @ x + p.w_h.T @ h + p.w_m.T @ m + or_zero(p.b)
        if layer_norm:
            a = (a - a.mean()) / np.sqrt(a.var() + 1e-5) * p.gain + or_zero(p.shift)
        h = relu(a)
        sums = p.u.T @ np.concatenate([h, m]) + or_zero(p.b_u)
        alpha, beta, rest = np.split(sums, (heads, 2 * heads))
        add, erase = np.split(rest, 2)
        m = m + (writes(alpha, add, m.size) - writes(beta, erase, m.size)).mean(axis=0)
        return (h, m), h

    return step


def ea_lstm(static_size):
    def step(p, carry, x):
        h, c = carry
        x_d, x_s = np.split(x, [x.size - static_size])
        w, u, b = columns(p, "fog", h.size)
        i = sigmoid(p.w_s.T @ x_s + or_zero(p.b_s))
        f = sigmoid(w["f"] @ x_d + u["f"] @ h + b["f"])
        o = sigmoid(w["o"] @ x_d + u["o"] @ h + b["o"])
        g = np.tanh(w["g"] @ x_d + u["g"] @ h + b["g"])
        c = f * c + i * g
        h = o * np.tanh(c)
        return (h, c), h

    return step


def mass_conserving_lstm(mass_size):
    def step(p, carry, x):
        (c,) = carry
        size = c.size
        x_m, x_a = np.split(x, [mass_size])
        q = np.concatenate([x_a, c / c.sum() if c.sum() != 0 else c])
        a = np.concatenate([p.w_x, p.w_c]).T @ q + or_zero(p.b)
        rows_i, rows_r, a_o = np.split(a, [mass_size * size, (mass_size + size) * size])
        share_out = [softmax(row) for row in rows_i.reshape(mass_size, size)]
        move = [softmax(row) for row in rows_r.reshape(size, size)]
        m = sum(amount * row for amount, row in zip(c, move, strict=True))
        m = m + sum(amount * row for amount, row in zip(x_m, share_out, strict=True))
        o = sigmoid(a_o)
        return ((1 - o) * m,), o * m

    return step


def stored(params, carry):
    """So much is in store that the sum stays above 0, whatever the inputs."""
    return params, type(carry)(*(np.abs(own) + 6 for own in carry))


def awake(params, carry):
    """The units are above the corner of their relu, and so have a gradient."""

    def scaled(name, own):
        if own is None or name in ("gain", "shift"):
            return own
        return (np.abs(own) + 2 if own.ndim == 1 else 0.3 * own).astype(own.dtype)

    return type(params)(*map(scaled, params._fields, params)), carry


def averaged(params, carry):
    """A denominator is more than 0."""
    return params, carry._replace(d=np.abs(carry.d) + 0.5)


def residual_lstm(p, carry, x):
    h, c = carry
    w, u, b = columns(p, "ifgo", h.size)
    p_i, p_f, p_o = np.split(p.p, 3)
    i = sigmoid(w["i"] @ x + u["i"] @ h + p_i * c + b["i"])
    f = sigmoid(w["f"] @ x + u["f"] @ h + p_f * c + b["f"])
    c = f * c + i * np.tanh(w["g"] @ x + u["g"] @ h + b["g"])
    o = sigmoid(w["o"] @ x + u["o"] @ h + p_o * c + b["o"])
    h = o * (p.w_p.T @ np.tanh(c) + (x if p.w_r is None else p.w_r.T @ x))
    return (h, c), h


def jordan_rnn(activation="tanh", output_activation="linear", decay=0.0):
    phi, psi = NONLINEARITIES[activation], NONLINEARITIES[output_activation]

    def step(p, carry, x):
        (s,) = carry
        h = phi(p.w_x.T @ x + p.w_s.T @ s + or_zero(p.b))
        y = psi(p.w_y.T @ h + or_zero(p.b_y))
        return (decay * s + y,), y

    return step


def light_ru(p, carry, x):
    (h,) = carry
    w, u, b = columns(p, "fg", h.size)
    g = np.tanh(w["g"] @ x + b["g"])
    f = sigmoid(w["f"] @ x + u["f"] @ h + b["f"])
    h = (1 - f) * h + f * g
    return (h,), h


def sgrn(p, carry, x):
    (h,) = carry
    projected = p.w_x.T @ x
    f = sigmoid(projected + p.w_h.T @ h + or_zero(p.b))
    h = np.tanh((1 - f) * projected + f * h)
    return (h,), h


def miru1(keep):
    def step(p, carry, x):
        (h,) = carry
        w, u, b = columns(p, "rn", h.size)
        r = sigmoid(w["r"] @ x + u["r"] @ h + b["r"])
        h = keep * h + (1 - keep) * np.tanh(w["n"] @ x + u["n"] @ (r * h) + b["n"])
        return (h,), h

    return step


def miru2(keep, reset):
    def step(p, carry, x):
        (h,) = carry
        n = np.tanh(p.w_x.T @ x + p.w_h.T @ (reset * h) + or_zero(p.b))
        h = keep * h + (1 - keep) * n
        return (h,), h

    return step


def sgu(gate_activation="keras2_hard_sigmoid", *, deep=False):
    def step(p, carry, x):
        (h,) = carry
        w, u, b = columns(p, "gz", h.size)
        gated = np.tanh(u["g"] @ ((w["g"] @ x + b["g"]) * h)) * h
        q = sigmoid(p.w_q.T @ gated) if deep else np.log1p(np.exp(gated))
        z = NONLINEARITIES[gate_activation](w["z"] @ x + u["z"] @ h + b["z"])
        h = (1 - z) * h + z * q
        return (h,), h

    return step


def memory_controller_lstm(p, carry, x):
    v, c = carry
    w, u, b = columns(p, "fiomn", v.size)
    f, i, o, m = (sigmoid(w[k] @ x + u[k] @ v + b[k]) for k in "fiom")
    n = np.tanh(w["n"] @ x + u["n"] @ v + b["n"])
    c = f * c + i * n
    return (m * np.tanh(c), c), o * np.tanh(c)


rwa_case = functools.partial(
    CellUnderTest,
    oracle=rwa,
    adapt=averaged,
    begins=True,
    # The first carry is made of a parameter, which has a gradient only where it is used.
    exempt=(
        "test_gradients_equal_finite_differences",
        "test_what_is_not_given_changes_nothing",
        "test_what_lies_before_a_reset_reaches_no_gradient_of_what_lies_behind_it",
    ),
)

CASES = [
    CellUnderTest("dsgu", lambda: DSGU(3, 4), sgu(deep=True)),
    CellUnderTest(
        "dsgu-no_bias",
        lambda: DSGU(3, 4, "hard_sigmoid", use_bias=False),
        sgu("hard_sigmoid", deep=True),
    ),
    # Its recurrent weights begin as identity matrices, whatever the key.
    CellUnderTest(
        "ea_lstm",
        lambda: EALSTM(3, 4, 2),
        ea_lstm(2),
        exempt=("test_different_keys_give_different_parameters",),
    ),
    CellUnderTest(
        "ea_lstm-no_bias",
        lambda: EALSTM(3, 4, 1, use_bias=False),
        ea_lstm(1),
        exempt=("test_different_keys_give_different_parameters",),
    ),
    CellUnderTest("jordan_rnn", lambda: JordanRNN(3, 4), jordan_rnn()),
    CellUnderTest(
        "jordan_rnn-decay",
        lambda: JordanRNN(3, 4, 2, "softsign", "sigmoid", 0.7, use_bias=False),
        jordan_rnn("softsign", "sigmoid", 0.7),
    ),
    CellUnderTest("light_ru", lambda: LightRU(3, 4), light_ru),
    CellUnderTest("light_ru-no_bias", lambda: LightRU(3, 4, use_bias=False), light_ru),
    CellUnderTest(
        "mass_conserving_lstm",
        lambda: MassConservingLSTM(3, 4, 1),
        mass_conserving_lstm(1),
        adapt=stored,
    ),
    CellUnderTest(
        "mass_conserving_lstm-no_bias",
        lambda: MassConservingLSTM(3, 4, 2, use_bias=False),
        mass_conserving_lstm(2),
        adapt=stored,
    ),
    CellUnderTest(
        "memory_controller_lstm", lambda: MemoryControllerLSTM(3, 4), memory_controller_lstm
    ),
    CellUnderTest(
        "memory_controller_lstm-no_bias",
        lambda: MemoryControllerLSTM(3, 4, use_bias=False),
        memory_controller_lstm,
    ),
    CellUnderTest("miru1", lambda: MiRU1(3, 4), miru1(0.5)),
    CellUnderTest("miru1-no_bias", lambda: MiRU1(3, 4, 0.8, use_bias=False), miru1(0.8)),
    CellUnderTest("miru2", lambda: MiRU2(3, 4), miru2(0.5, 0.5)),
    CellUnderTest("miru2-no_bias", lambda: MiRU2(3, 4, 0.2, 0.9, use_bias=False), miru2(0.2, 0.9)),
    CellUnderTest("nru", lambda: NRU(3, 4, 8, 2), nru(2), awake),
    CellUnderTest(
        "nru-layer_norm",
        lambda: NRU(3, 4, 8, 2, layer_norm=True, use_bias=False),
        nru(2, layer_norm=True),
    ),
    CellUnderTest(
        "nru-rectify", lambda: NRU(3, 4, 8, 2, rectify=True), nru(2, rectify=True), awake
    ),
    CellUnderTest("on_lstm", lambda: ONLSTM(3, 4), on_lstm(1)),
    CellUnderTest("on_lstm-chunks", lambda: ONLSTM(3, 4, 2, use_bias=False), on_lstm(2)),
    CellUnderTest("residual_lstm", lambda: ResidualLSTM(3, 4), residual_lstm),
    CellUnderTest("residual_lstm-equal", lambda: ResidualLSTM(4, 4), residual_lstm),
    CellUnderTest(
        "residual_lstm-no_bias", lambda: ResidualLSTM(3, 4, use_bias=False), residual_lstm
    ),
    rwa_case("rwa", lambda: RWA(3, 4)),
    rwa_case("rwa-no_bias", lambda: RWA(3, 4, use_bias=False)),
    CellUnderTest("sgrn", lambda: SGRN(3, 4), sgrn),
    CellUnderTest("sgrn-no_bias", lambda: SGRN(3, 4, use_bias=False), sgrn),
    CellUnderTest("sgu", lambda: SGU(3, 4), sgu()),
    CellUnderTest(
        "sgu-no_bias", lambda: SGU(3, 4, "hard_sigmoid", use_bias=False), sgu("hard_sigmoid")
    ),
    CellUnderTest("wmc_lstm", lambda: WMCLSTM(3, 4), wmc_lstm),
    CellUnderTest("wmc_lstm-no_bias", lambda: WMCLSTM(3, 4, use_bias=False), wmc_lstm),
]
