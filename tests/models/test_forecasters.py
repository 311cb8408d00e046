"""The models that forecast, each against a transcription in NumPy."""

import jax
import numpy as np
import pytest

import rnnjax
from rnnjax.models import SegmentForecaster, WindowForecaster
from tests.running import quick_jit

B, L, H, C, W, Q, D = 2, 6, 5, 3, 2, 2, 4


def drawn(model, *inputs, seed=0):
    shapes = jax.eval_shape(model.init, jax.random.key(0), *inputs)["params"]
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda a: rng.normal(size=a.shape) * 0.5, shapes)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru(params, h, x):
    """One step; the state's product has a bias of its own and the reset gate comes after it."""
    r_x, z_x, n_x = np.split(x @ params["w_x"] + params["b"], 3, axis=-1)
    r_h, z_h, n_h = np.split(h @ params["w_h"] + params["b_h"], 3, axis=-1)
    r, z = sigmoid(r_x + r_h), sigmoid(z_x + z_h)
    return z * h + (1 - z) * np.tanh(n_x + r * n_h)


@pytest.mark.usefixtures("x64")
def test_a_column_is_read_in_segments_and_the_future_is_asked_at_once():
    model = SegmentForecaster(rnnjax.GRU(D, D), H, C, W, Q)
    values = np.random.default_rng(1).normal(size=(B, L, C))
    params = drawn(model, values)
    found = quick_jit(lambda p, x: model.apply({"params": p}, x))(params, values)
    assert found.shape == (B, H, C, Q)
    for b in range(B):
        for c in range(C):
            column = values[b, :, c] - values[b, -1, c]
            h = np.zeros(D)
            for piece in column.reshape(-1, W):
                embedded = piece @ params["embed"]["kernel"] + params["embed"]["bias"]
                h = gru(params["rnn"], h, np.maximum(embedded, 0))
            for t in range(H):
                asked = np.concatenate((params["places"][t // W], params["columns"][c]))
                g = gru(params["rnn"], h, asked)
                rows = g @ params["to_rows"]["kernel"] + params["to_rows"]["bias"]
                expected = values[b, -1, c] + rows.reshape(W, Q)[t % W]
                np.testing.assert_allclose(found[b, t, c], expected, atol=1e-10)


@pytest.mark.parametrize("tells_gaps", [False, True])
@pytest.mark.usefixtures("x64")
def test_rows_are_read_and_the_last_state_says_the_future(tells_gaps):
    model = WindowForecaster(rnnjax.GRU(C * (1 + tells_gaps), D), H, C, Q, tells_gaps)
    rng = np.random.default_rng(1)
    values, known = rng.normal(size=(B, L, C)), rng.random((B, L, C)) > 0.3
    params = drawn(model, values, known)
    apply = quick_jit(lambda p, x, m: model.apply({"params": p}, x, m))
    found = apply(params, values, known)
    h = np.zeros((B, D))
    for t in range(L):
        x = np.concatenate((values[:, t], known[:, t]), axis=-1) if tells_gaps else values[:, t]
        h = gru(params["rnn"], h, x)
    rows = h @ params["to_rows"]["kernel"] + params["to_rows"]["bias"]
    np.testing.assert_allclose(found, rows.reshape(B, H, C, Q), atol=1e-10)


def test_dropout_draws():
    model = SegmentForecaster(rnnjax.GRU(D, D), H, C, W, dropout=0.5)
    values = np.ones((1, L, C), np.float32)
    params = drawn(model, values)

    def said(key):
        how = {"training": True, "rngs": {"dropout": key}}
        return model.apply({"params": params}, values, **how)

    one, other = (quick_jit(said)(jax.random.key(seed)) for seed in range(2))
    assert (np.asarray(one) != np.asarray(other)).any()
