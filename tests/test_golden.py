"""The cells against numbers that PyTorch and Keras computed once (`golden/make_golden.py`)."""

from __future__ import annotations

import functools
import pathlib

import jax
import numpy as np
import pytest

import rnnjax
from rnnjax.cells import GRUCarry, GRUParams, LSTMCarry, LSTMParams, SimpleRNNCarry, SimpleRNNParams
from tests.running import assert_close, quick_jit
from tests.slow import slow_but

pytestmark = pytest.mark.usefixtures("x64")

GOLDEN = np.load(pathlib.Path(__file__).parent / "golden" / "golden.npz", allow_pickle=False)
CASES = sorted({name.partition("/")[0] for name in GOLDEN.files})

TORCH = {
    "rnn_tanh": (rnnjax.SimpleRNN, SimpleRNNParams, SimpleRNNCarry),
    "rnn_relu": (
        functools.partial(rnnjax.SimpleRNN, activation="relu"),
        SimpleRNNParams,
        SimpleRNNCarry,
    ),
    "lstm": (rnnjax.LSTM, LSTMParams, LSTMCarry),
    "gru": (rnnjax.GRU, GRUParams, GRUCarry),
}
KERAS = {
    "simple_rnn": (rnnjax.SimpleRNN, SimpleRNNParams, SimpleRNNCarry),
    "lstm": (rnnjax.LSTM, LSTMParams, LSTMCarry),
    "gru_reset_after": (rnnjax.GRU, GRUParams, GRUCarry),
    "gru_reset_before": (
        functools.partial(rnnjax.GRU, reset_after=False),
        GRUParams,
        GRUCarry,
    ),
}


def from_torch(kind, arrays):
    """The layer, its parameters, inputs and carry, in our layout: weights transposed."""
    cell_type, params_type, carry_type = TORCH[kind]
    cells, params, carries = [], [], []
    for k in range(len(arrays["h_0"])):
        w_x, w_h = arrays[f"weight_ih_l{k}"].T, arrays[f"weight_hh_l{k}"].T
        cells.append(cell_type(*(w_x.shape[0], w_h.shape[0])))
        params.append(params_type(w_x, w_h, arrays[f"bias_ih_l{k}"], arrays[f"bias_hh_l{k}"]))
        carries.append(carry_type(*(arrays[f"{name}_0"][k] for name in carry_type._fields)))
    return rnnjax.Stack(tuple(cells)), tuple(params), arrays["inputs"], tuple(carries)


def from_keras(kind, arrays):
    """Likewise: time before batch, and for a GRU r before z and two biases out of one array."""
    cell_type, params_type, carry_type = KERAS[kind]
    w_x, w_h, b = arrays["kernel"], arrays["recurrent_kernel"], arrays["bias"]
    if kind.startswith("gru"):
        w_x, w_h, b = (
            np.concatenate([r, z, n], axis=-1)
            for z, r, n in (np.split(w, 3, axis=-1) for w in (w_x, w_h, b))
        )
    params = params_type(w_x, w_h, *(b if b.ndim == 2 else [b]))
    carry = carry_type(*(arrays[f"{name}_0"] for name in carry_type._fields))
    cell = cell_type(w_x.shape[0], w_h.shape[0])
    return cell, params, arrays["inputs"].swapaxes(0, 1), carry


def results(framework, kind, arrays):
    """The final carry and the outputs of the other framework, in our layout."""
    if framework == "keras":
        carry_type = KERAS[kind][2]
        final = carry_type(*(arrays[f"{name}_n"] for name in carry_type._fields))
        return final, arrays["outputs"].swapaxes(0, 1)
    carry_type = TORCH[kind][2]
    layers = range(len(arrays["h_n"]))
    final = tuple(carry_type(*(arrays[f"{n}_n"][k] for n in carry_type._fields)) for k in layers)
    return final, arrays["outputs"]


@pytest.mark.parametrize("case", slow_but({case for case in CASES if case.endswith("-0")}, CASES))
def test_values_and_gradients_are_those_of_the_other_framework(case):
    framework, kind, _ = case.split("-")
    arrays = {name: GOLDEN[f"{case}/{name}"] for name in names_of(case)}
    convert = {"torch": from_torch, "keras": from_keras}[framework]
    layer, *sample = convert(kind, arrays)
    cotangents = results(framework, kind, only("cotangent", arrays))
    _, *expected_gradients = convert(kind, only("gradient", arrays))

    @quick_jit
    def run(*sample):
        outputs, vjp = jax.vjp(lambda *s: rnnjax.unroll(layer, *s), *sample)
        return outputs, vjp(cotangents)

    outputs, gradients = run(*sample)
    assert_close(outputs, results(framework, kind, arrays))
    assert_close(gradients, tuple(expected_gradients))


def names_of(case):
    return [name.partition("/")[2] for name in GOLDEN.files if name.startswith(f"{case}/")]


def only(prefix, arrays):
    return {
        name.removeprefix(f"{prefix}/"): array
        for name, array in arrays.items()
        if name.startswith(f"{prefix}/")
    }


def test_every_kind_is_there_in_two_sizes():
    kinds = [*(f"torch-{kind}" for kind in TORCH), *(f"keras-{kind}" for kind in KERAS)]
    assert sorted(f"{kind}-{size}" for kind in kinds for size in (0, 1)) == CASES
