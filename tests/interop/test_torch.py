"""State dicts of PyTorch: what they compute, both directions bit for bit, what is refused."""

from __future__ import annotations

import dataclasses
import pathlib
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from rnnjax import GRU, LSTM, LSTMP, Bidirectional, SimpleRNN, Stack
from rnnjax.cells import LSTMPCarry
from rnnjax.interop import load_state_dict, torch
from tests.interop.samples import random_params
from tests.running import assert_close, pull_back, unroll
from tests.slow import slow_but

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
RESULTS = np.load(GOLDEN / "torch_results.npz", allow_pickle=False)
MODULES = sorted({name.partition("/")[0] for name in RESULTS.files})


def module_results(module, prefix=""):
    start = f"{module}/{prefix}"
    return {n.removeprefix(start): RESULTS[n] for n in RESULTS.files if n.startswith(start)}


def states(layer, named, ending):
    parts = [named[f"{name}{ending}"] for name in ("h", "c") if f"{name}{ending}" in named]
    return torch.carry_from_torch(layer, parts[0] if len(parts) == 1 else tuple(parts))


@pytest.mark.parametrize("suffix", slow_but({".safetensors"}, [".safetensors", ".npz"]))
@pytest.mark.parametrize("module", MODULES)
def test_a_state_dict_in_a_file_computes_what_pytorch_did(x64, module, suffix):
    state_dict = load_state_dict(GOLDEN / f"torch_model{suffix}")
    nonlinearity = "relu" if module == "relu" else "tanh"
    layer, params = torch.from_state_dict(state_dict, f"{module}.", nonlinearity)
    named = module_results(module)
    inputs, carry = jnp.asarray(named["inputs"]), states(layer, named, "_0")
    assert_close(
        unroll(layer, params, inputs, carry), (states(layer, named, "_n"), named["outputs"])
    )

    cotangents = module_results(module, "cotangent/")
    cotangents = states(layer, cotangents, "_n"), jnp.asarray(cotangents["outputs"])
    gradients = module_results(module, "gradient/")
    weights = {name: array for name, array in gradients.items() if "_l" in name}
    expected = (
        torch.from_state_dict(weights, nonlinearity=nonlinearity)[1],
        gradients["inputs"],
        states(layer, gradients, "_0"),
    )
    assert_close(pull_back(cotangents, layer, params, inputs, carry), expected)


def test_every_kind_of_module_is_in_the_file():
    assert MODULES == ["gru", "lstm", "projected", "relu", "tanh"]


def state_dict_of(kind, *, layers=1, bidirectional=False, bias=True, projection=None, dtype="f4"):
    """A random state dict, its names and shapes written from PyTorch's documentation."""
    rows = {"rnn": 1, "gru": 3, "lstm": 4}[kind] * 5
    state = projection or 5
    rng = np.random.default_rng([layers, bidirectional, bias, rows])
    arrays = {}
    for k in range(layers):
        for suffix in ["", "_reverse"] if bidirectional else [""]:
            inputs = 3 if k == 0 else state * (2 if bidirectional else 1)
            shapes = {"weight_ih": (rows, inputs), "weight_hh": (rows, state)}
            if bias:
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
            if projection:
                shapes |= {"weight_hr": (projection, 5)}
            for name, shape in shapes.items():
                values = rng.standard_normal(shape).astype(dtype)
                arrays[f"{name}_l{k}{suffix}"] = values
    return arrays


def assert_same_bits(actual, expected):
    assert list(actual) == list(expected)
    for name, array in expected.items():
        assert actual[name].dtype == array.dtype, name
        assert actual[name].shape == array.shape, name
        assert actual[name].tobytes() == np.ascontiguousarray(array).tobytes(), name


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize(
    "options",
    [
        {"kind": "rnn"},
        {"kind": "gru"},
        {"kind": "lstm"},
        {"kind": "lstm", "bias": False},
        {"kind": "lstm", "projection": 2},
        {"kind": "gru", "dtype": jnp.bfloat16},
        {"kind": "rnn", "dtype": "f2"},
    ],
    ids=str,
)
def test_there_and_back_bit_for_bit(options, layers, bidirectional):
    state_dict = state_dict_of(**options, layers=layers, bidirectional=bidirectional)
    layer, params = torch.from_state_dict(state_dict)
    assert_same_bits(torch.to_state_dict(layer, params), state_dict)
    assert (layer.input_size, layer.output_size) == (
        3,
        options.get("projection", 5) * (1 + bidirectional),
    )
    # The layer that comes with the parameters would have drawn such ones itself.
    drawn = jax.eval_shape(layer.init, jax.random.key(0))
    assert jax.tree.map(jnp.shape, drawn) == jax.tree.map(jnp.shape, params)


@pytest.mark.parametrize(
    "layer",
    [
        SimpleRNN(3, 4, "relu", initialization="torch"),
        LSTMP(3, 4, 2, initialization="torch", use_bias=False),
        Stack((GRU(3, 4, initialization="torch"), GRU(4, 4, initialization="torch"))),
        Bidirectional(LSTM(3, 2, initialization="torch")),
        Stack(tuple(Bidirectional(GRU(n, 2, initialization="torch")) for n in (3, 4, 4))),
    ],
    ids=str,
)
def test_back_and_there_bit_for_bit(layer):
    params = random_params(layer)
    nonlinearity = getattr(layer, "activation", "tanh")
    again, same = torch.from_state_dict(
        torch.to_state_dict(layer, params, prefix="rnn."), "rnn.", nonlinearity
    )
    assert again == layer
    assert jax.tree.structure(same) == jax.tree.structure(params)
    for a, b in zip(jax.tree.leaves(same), jax.tree.leaves(params), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_a_missing_second_bias_becomes_zeros(x64):
    cell = LSTM(3, 2)
    params = random_params(cell)
    state_dict = torch.to_state_dict(cell, params)
    np.testing.assert_array_equal(state_dict["bias_hh_l0"], np.zeros(8))
    np.testing.assert_array_equal(state_dict["bias_ih_l0"], params.b)
    xs = jnp.asarray(np.random.default_rng(1).standard_normal((4, 2, 3)))
    assert_close(unroll(*torch.from_state_dict(state_dict), xs), unroll(cell, params, xs))


def test_safetensors_writes_the_arrays_as_they_are(tmp_path):
    state_dict = state_dict_of("lstm", projection=2)
    written = torch.to_state_dict(*torch.from_state_dict(state_dict))
    safetensors.numpy.save_file(written, tmp_path / "weights.safetensors")
    read = load_state_dict(tmp_path / "weights.safetensors")
    assert_same_bits({name: read[name] for name in state_dict}, state_dict)


def test_later_changes_of_the_state_dict_do_not_reach_the_parameters():
    state_dict = state_dict_of("gru")
    layer, params = torch.from_state_dict(state_dict)
    before = torch.to_state_dict(layer, params)
    for array in state_dict.values():
        array += 1
    assert_same_bits(torch.to_state_dict(layer, params), before)
    for array in torch.to_state_dict(layer, params).values():
        array += 1
    assert_same_bits(torch.to_state_dict(layer, params), before)


def test_a_module_is_read_through_its_mode_and_its_state_dict():
    weights = state_dict_of("rnn")
    for mode, activation in (("RNN_TANH", "tanh"), ("RNN_RELU", "relu")):
        module = types.SimpleNamespace(mode=mode, state_dict=lambda: weights)
        layer, params = torch.from_torch(module)
        assert layer == SimpleRNN(3, 5, activation, initialization="torch")
        assert_same_bits(torch.to_state_dict(layer, params), weights)
    with pytest.raises(ValueError, match="Linear is none of torch"):
        torch.from_torch(type("Linear", (), {})())


def test_dropout_between_the_layers_is_handed_over():
    weights = state_dict_of("lstm", layers=2)
    module = types.SimpleNamespace(mode="LSTM", dropout=0.3, state_dict=lambda: weights)
    layer, params = torch.from_torch(module)
    assert isinstance(layer, Stack)
    assert layer.dropout == 0.3
    assert_same_bits(torch.to_state_dict(layer, params), weights)
    assert torch.from_state_dict(weights)[0] == dataclasses.replace(layer, dropout=0.0)


def broken(name, change):
    state_dict = state_dict_of("lstm", layers=2, bidirectional=True)
    state_dict[name] = change(state_dict[name])
    return {n: a for n, a in state_dict.items() if a is not None}


@pytest.mark.parametrize(
    ("state_dict", "message"),
    [
        ({}, "has none under the prefix ''"),
        ({"a.rnn.weight_ih_l0": np.ones((4, 4))}, "there are some under 'a.rnn.'"),
        (broken("bias_hh_l1_reverse", lambda a: None), "bias_hh_l1_reverse is missing"),
        (broken("weight_hh_l0_reverse", lambda a: None), "weight_hh_l0_reverse is missing"),
        (broken("weight_ih_l1", lambda a: a[:, :5]), r"weight_ih_l1 .* \(20, 10\), not \(20, 5\)"),
        (broken("weight_hh_l0", lambda a: a[:, :4]), "20 rows, but for 4 hidden units"),
        (broken("weight_ih_l0", lambda a: a[0]), "must have two axes"),
        (broken("bias_ih_l0", lambda a: a.astype(np.int32)), "dtype int32"),
        (state_dict_of("rnn") | {"head": np.ones(3, "f")}, "no place for head"),
        (state_dict_of("gru", projection=2), "15 rows, but for 5 hidden units 20"),
    ],
)
def test_a_state_dict_that_is_none_is_refused(state_dict, message):
    with pytest.raises(ValueError, match=message):
        torch.from_state_dict(state_dict)


def test_a_gru_has_no_other_nonlinearity():
    with pytest.raises(ValueError, match="no GRU with nonlinearity='relu'"):
        torch.from_state_dict(state_dict_of("gru"), nonlinearity="relu")
    with pytest.raises(ValueError, match="no SimpleRNN with nonlinearity='elu'"):
        torch.from_state_dict(state_dict_of("rnn"), nonlinearity="elu")


def test_float64_is_refused_where_jax_would_round_it():
    with pytest.raises(ValueError, match="weight_ih_l0 is float64, which JAX would round"):
        torch.from_state_dict(state_dict_of("rnn", dtype="f8"))


def test_float64_is_kept_where_jax_has_it(x64):
    state_dict = state_dict_of("rnn", dtype="f8")
    assert_same_bits(torch.to_state_dict(*torch.from_state_dict(state_dict)), state_dict)


@dataclasses.dataclass(frozen=True)
class OwnLSTM(LSTM):
    """May compute anything."""


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (OwnLSTM(3, 4), "no recurrent layer for OwnLSTM"),
        (LSTM(3, 4, "relu"), "LSTM with activation tanh only, not 'relu'"),
        (SimpleRNN(3, 4, "elu"), "activation tanh or relu only, not 'elu'"),
        (GRU(3, 4, recurrent_activation="hard_sigmoid"), "recurrent_activation sigmoid only"),
        (GRU(3, 4, reset_after=False), "another function"),
        (Bidirectional(GRU(3, 4), merge="sum"), "no merge='sum'"),
        (Stack((LSTM(3, 4), LSTM(4, 5))), "layer 1 must have"),
        (Stack((LSTM(3, 4), GRU(4, 4))), "layer 1 must have"),
        (Stack((LSTM(3, 4), Bidirectional(LSTM(4, 4)))), "layer 0 has 1 and layer 1 2 directions"),
        (Bidirectional(LSTM(3, 4), LSTM(3, 5)), "layer 0 must have"),
        (Stack((Stack((LSTM(3, 4),)),)), "no recurrent layer for Stack"),
    ],
)
def test_a_layer_that_pytorch_lacks_is_refused(layer, message):
    with pytest.raises(ValueError, match=message):
        torch.to_state_dict(layer, random_params(layer))


def test_parameters_of_another_layer_are_refused():
    params = random_params(LSTM(3, 5))
    with pytest.raises(ValueError, match=r"LSTM: weight_ih_l0 must have the shape \(16, 3\)"):
        torch.to_state_dict(LSTM(3, 4), params)


def test_carries_are_ordered_by_layer_and_direction():
    layer = Stack(tuple(Bidirectional(LSTMP(n, 4, 2)) for n in (3, 4)))
    h, c = np.arange(4 * 5 * 2, dtype="f").reshape(4, 5, 2), np.ones((4, 5, 4), "f")
    c *= np.arange(4, dtype="f")[:, None, None]
    carry = torch.carry_from_torch(layer, (h, c))
    assert_close(carry[1].forward, LSTMPCarry(h[2], c[2]))
    assert_close(carry[0].backward, LSTMPCarry(h[1], c[1]))
    back = torch.carry_to_torch(carry)
    np.testing.assert_array_equal(back[0], h)
    np.testing.assert_array_equal(back[1], c)
    gru = Bidirectional(GRU(3, 2))
    np.testing.assert_array_equal(
        torch.carry_to_torch(torch.carry_from_torch(gru, h[:2, 0])), h[:2, 0]
    )
    for wrong in (h, (h[:2], c[:2]), (h[:3], c), (c, h), (h[:, 0], c)):
        with pytest.raises(ValueError, match="must have the shapes"):
            torch.carry_from_torch(layer, wrong)
    with pytest.raises(ValueError, match="must have the shapes"):
        torch.carry_from_torch(Stack((GRU(3, 2), GRU(2, 2))), (h[:1], h[:1]))


def test_a_module_has_one_dtype():
    params = random_params(LSTM(3, 4))
    mixed = params._replace(b=params.b.astype(jnp.bfloat16))
    with pytest.raises(ValueError, match="one dtype, but the parameters have bfloat16 and float32"):
        torch.to_torch(LSTM(3, 4), mixed)
