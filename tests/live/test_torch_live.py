"""PyTorch beside this library, on randomly drawn modules: the same values, carries, gradients."""

from __future__ import annotations

import warnings
from typing import Any

import hypothesis
import hypothesis.strategies as st
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.torch
import torch  # pyright: ignore[reportMissingImports]
from torch.nn.utils import prune, rnn  # pyright: ignore[reportMissingImports]

from rnnjax import GRU, LSTM, Bidirectional, Stack, length_mask
from rnnjax.interop import load_state_dict
from rnnjax.interop import torch as interop
from tests.interop.samples import random_params
from tests.running import assert_close, pull_back, unroll


@st.composite
def modules(draw, dtype=torch.float64):
    """A module of random kind and size with normal weights, biases included."""
    kind = draw(st.sampled_from(["RNN", "LSTM", "GRU"]))
    hidden_size = draw(st.integers(2, 5))
    options = {
        "num_layers": draw(st.integers(1, 3)),
        "bidirectional": draw(st.booleans()),
        "bias": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
        "dropout": draw(st.sampled_from([0.0, 0.5])),
    }
    if options["num_layers"] == 1:
        options["dropout"] = 0.0  # which PyTorch warns of
    if kind == "RNN":
        options["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
    if kind == "LSTM":
        options["proj_size"] = draw(st.integers(0, hidden_size - 1))
    module = getattr(torch.nn, kind)(draw(st.integers(1, 4)), hidden_size, dtype=dtype, **options)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 9)))
    for weight in module.parameters():
        weight.data.copy_(0.6 * torch.randn(weight.shape, generator=generator))
    return module.eval()


def state_of(module, batch, generator):
    count = module.num_layers * (2 if module.bidirectional else 1)
    sizes = [module.proj_size or module.hidden_size]
    sizes += [module.hidden_size] if module.mode == "LSTM" else []
    return [
        torch.randn(count, batch, s, generator=generator, dtype=torch.float64).requires_grad_()
        for s in sizes
    ]


def run(module, inputs, state, lengths):
    """The module on rows of these lengths, in any order, with zeros behind them."""
    if lengths is None:
        return module(inputs, state)
    time = 1 if module.batch_first else 0
    packed = rnn.pack_padded_sequence(
        inputs, torch.tensor(lengths), module.batch_first, enforce_sorted=False
    )
    outputs, final = module(packed, state)
    whole = {"batch_first": module.batch_first, "total_length": inputs.shape[time]}
    return rnn.pad_packed_sequence(outputs, **whole)[0], final


def joined(parts):
    return tuple(parts) if len(parts) > 1 else parts[0]


def parts_of(state):
    return list(state) if isinstance(state, tuple) else [state]


@hypothesis.given(
    module=modules(), steps=st.integers(1, 5), batch=st.integers(1, 3), data=st.data()
)
def test_values_carries_and_gradients_are_the_same(x64, module, steps, batch, data):
    counts = st.lists(st.integers(1, steps), min_size=batch, max_size=batch)
    lengths = data.draw(st.none() | counts, label="lengths")
    generator = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    inputs, initial = normal(steps, batch, module.input_size), state_of(module, batch, generator)
    inputs.requires_grad_()
    time_first = (lambda a: a.transpose(0, 1)) if module.batch_first else (lambda a: a)
    outputs, final = run(module, time_first(inputs), joined(initial), lengths)
    outputs, final = time_first(outputs), parts_of(final)
    cotangents = [normal(*a.shape) for a in (outputs, *final)]
    torch.autograd.backward([outputs, *final], cotangents)

    layer, params = interop.from_torch(module)
    carry = interop.carry_from_torch(layer, joined(initial))
    xs = jnp.asarray(inputs.detach().numpy())
    expected = interop.carry_from_torch(layer, joined(final)), outputs.detach().numpy()
    flags = {} if lengths is None else {"mask": length_mask(jnp.asarray(lengths), steps)}
    assert_close(unroll(layer, params, xs, carry, **flags), expected)

    pulled = interop.carry_from_torch(layer, joined(cotangents[1:])), cotangents[0].numpy()
    by_params, by_xs, by_carry = pull_back(pulled, layer, params, xs, carry, **flags)
    named = {name: weight.grad for name, weight in module.named_parameters()}
    nonlinearity = getattr(module, "nonlinearity", "tanh")
    assert_close(by_params, interop.from_state_dict(named, nonlinearity=nonlinearity)[1])
    assert_close(by_xs, inputs.grad.numpy())
    assert_close(by_carry, interop.carry_from_torch(layer, joined([s.grad for s in initial])))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
@hypothesis.given(data=st.data())
def test_modules_there_and_back_bit_for_bit(dtype, data):
    module = data.draw(modules(dtype))
    back = interop.to_torch(*interop.from_torch(module))
    assert type(back) is type(module)
    expected = module.state_dict()
    assert list(back.state_dict()) == list(expected)
    for name, weight in back.state_dict().items():
        assert weight.dtype == expected[name].dtype == dtype
        assert torch.equal(weight, expected[name])
    assert repr(back) == repr(type(module)(**constructor(module), dtype=dtype))


def constructor(module):
    names = ["input_size", "hidden_size", "num_layers", "bias", "bidirectional"]
    names += ["dropout"] if module.num_layers > 1 else []
    names += ["nonlinearity"] if module.mode.startswith("RNN") else []
    names += ["proj_size"] if module.mode == "LSTM" else []
    return {name: getattr(module, name) for name in names}


@pytest.mark.parametrize(
    "layer", [LSTM(3, 4), Stack((Bidirectional(GRU(3, 2)), Bidirectional(GRU(4, 2))))], ids=str
)
def test_a_layer_of_ours_computes_the_same_in_pytorch(x64, layer):
    params = random_params(layer)
    xs = np.random.default_rng(1).standard_normal((5, 2, 3))
    final, ys = unroll(layer, params, xs)
    outputs, state = interop.to_torch(layer, params)(torch.from_numpy(xs))
    assert_close(ys, outputs.detach().numpy())
    assert_close(final, interop.carry_from_torch(layer, state))


def test_a_file_that_pytorch_wrote_is_read_without_it(tmp_path):
    model = torch.nn.ModuleDict({"rnn": torch.nn.GRU(2, 3), "head": torch.nn.Linear(3, 1)})
    model = model.to(torch.bfloat16)
    safetensors.torch.save_file(model.state_dict(), tmp_path / "model.safetensors")
    state_dict = load_state_dict(tmp_path / "model.safetensors")
    from_file = interop.from_state_dict(state_dict, "rnn.")
    from_module = interop.from_torch(model["rnn"])
    assert from_file[0] == from_module[0]
    assert_close(from_file[1], from_module[1], tolerance=0)


def test_training_in_place_does_not_reach_the_parameters():
    module = torch.nn.LSTM(2, 3)
    layer, params = interop.from_torch(module)
    before = interop.to_state_dict(layer, params)
    with torch.no_grad():
        for weight in module.parameters():
            weight += 1
    for name, array in interop.to_state_dict(layer, params).items():
        np.testing.assert_array_equal(array, before[name])


def test_other_modules_are_refused():
    for module in (torch.nn.Linear(2, 3), torch.nn.LSTMCell(2, 3)):
        with pytest.raises(ValueError, match=r"is none of torch\.nn\.RNN, LSTM and GRU"):
            interop.from_torch(module)


def weight_norm_of_old(module, name, dim):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # PyTorch advises the new one
        return torch.nn.utils.weight_norm(module, name, dim)


NORMS = [torch.nn.utils.parametrizations.weight_norm, weight_norm_of_old]


@pytest.mark.parametrize("dim", [0, 1, None])
@pytest.mark.parametrize("norm", NORMS, ids=["new", "old"])
def test_a_weight_norm_is_undone(norm, dim):
    module = torch.nn.GRU(3, 4, num_layers=2, bidirectional=True)
    for name in ("weight_ih_l0", "weight_hh_l1_reverse"):
        module = norm(module, name, dim=dim)
    for weight in module.parameters():
        weight.data.mul_(1.3)
    inputs = torch.randn(5, 2, 3)
    expected = module(inputs)[0].detach().numpy()
    for layer, params in (
        interop.from_torch(module),
        interop.from_state_dict({f"a.{n}": w for n, w in module.state_dict().items()}, "a."),
    ):
        assert_close(unroll(layer, params, inputs.numpy())[1], expected, tolerance=1e-5)


def test_pruning_is_undone_and_a_spectral_norm_is_refused():
    module = torch.nn.LSTM(3, 4)
    prune.l1_unstructured(module, "weight_hh_l0", amount=0.4)
    _, params = interop.from_state_dict(module.state_dict())
    np.testing.assert_array_equal(params.w_h.T, module.weight_hh_l0.detach().numpy())
    assert (np.asarray(params.w_h) == 0).sum() == 26
    for norm in (torch.nn.utils.spectral_norm, torch.nn.utils.parametrizations.spectral_norm):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            module = norm(torch.nn.LSTM(3, 4), "weight_hh_l0")
        with pytest.raises(ValueError, match="weight_hh_l0 is stored in a spectral norm"):
            interop.from_torch(module)


@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
def test_the_state_dict_of_a_cell_is_read(kind):
    cell = getattr(torch.nn, kind)(3, 4)
    layer, params = interop.from_state_dict(cell.state_dict())
    xs, state = torch.randn(5, 2, 3), None
    for x in xs:
        state = cell(x, state)
    last: Any = state[0] if isinstance(state, tuple) else state
    _, ys = unroll(layer, params, xs.numpy())
    assert_close(ys[-1], last.detach().numpy(), tolerance=1e-5)


def test_a_quantized_module_is_named():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = torch.ao.quantization.quantize_dynamic(
            torch.nn.Sequential(torch.nn.LSTM(3, 4)), {torch.nn.LSTM}
        )
    with pytest.raises(ValueError, match="parts of a quantized module"):
        interop.from_state_dict(made.state_dict())
