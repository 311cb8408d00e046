from __future__ import annotations

import jax
import numpy as np
import pytest

from rnnjax import GRU
from rnnjax.cells.linear import MinGRU
from rnnjax.models import ResidualBlocks
from rnnjax.models.sequence_layers import LAYERS, LINEAR_LAYERS
from tests.running import quick_jit


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def normed(params, x):
    centred = x - x.mean(-1, keepdims=True)
    deviation = np.sqrt(np.square(centred).mean(-1, keepdims=True) + 1e-6)
    return centred / deviation * params["scale"] + params["bias"]


def dense(params, x):
    return x @ params["kernel"] + params["bias"]


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def min_gru(params, xs):
    h, ys = np.zeros((xs.shape[0], 3)), []
    for t in range(xs.shape[1]):
        gate, candidate = np.split(
            dense({"kernel": params["w_x"], "bias": params["b"]}, xs[:, t]), 2, 1
        )
        positive = np.where(candidate >= 0, candidate + 0.5, sigmoid(candidate))
        h = (1 - sigmoid(gate)) * h + sigmoid(gate) * positive
        ys.append(h)
    return np.stack(ys, axis=1)


def written_out(params, us, readout):
    xs = dense(params["encode"], us)
    for k in range(2):
        ys = gelu(min_gru(params[f"rnn_{k}"], normed(params[f"norm_{k}"], xs)))
        left, right = np.split(dense(params[f"gate_{k}"], ys), 2, axis=-1)
        xs = xs + left * sigmoid(right)
    out = normed(params["norm"], xs)
    read = {"last": out[:, -1], "mean": out.mean(axis=1), "all": out}[readout]
    return dense(params["decode"], read)


@pytest.mark.parametrize("readout", ["last", "mean", "all"])
@pytest.mark.usefixtures("x64")
def test_it_is_what_is_written(readout):
    model = ResidualBlocks((MinGRU(3, 3),) * 2, 2, readout)
    rng = np.random.default_rng(0)
    us = rng.normal(size=(2, 5, 4))
    params = model.init(jax.random.key(0), us)["params"]
    params = jax.tree.map(lambda a: rng.normal(size=a.shape), params)
    found = quick_jit(lambda p, u: model.apply({"params": p}, u))(params, us)
    np.testing.assert_allclose(found, written_out(params, us, readout), atol=1e-10)


@pytest.mark.parametrize("name", LINEAR_LAYERS)
def test_every_linear_layer_fits_in(name):
    model = ResidualBlocks((LAYERS[name](4, 4),), 1, remat_chunk="auto")
    shapes = jax.eval_shape(model.init, jax.random.key(0), np.zeros((1, 9, 2)))
    out = jax.eval_shape(model.apply, shapes, np.zeros((3, 9, 2)))
    assert out.shape == (3, 1)


@pytest.mark.parametrize(
    ("layers", "readout", "message"),
    [
        ((GRU(4, 4), GRU(4, 5)), "last", "GRU has 4 inputs and 5 outputs; all must be 4"),
        ((GRU(4, 4),), "first", "the readout must be one of last, mean, all, not 'first'"),
    ],
)
def test_what_does_not_fit_is_told(layers, readout, message):
    model = ResidualBlocks(layers, 1, readout)
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(model.init, jax.random.key(0), np.zeros((1, 9, 2)))


def test_a_layer_of_one_size_says_so():
    with pytest.raises(ValueError, match="rg_lru has as many units as inputs, not 1 inputs and 4"):
        LAYERS["rg_lru"](1, 4)
