"""What PyTorch does of the feature table. Its weights are taken over by `rnnjax.interop`."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch  # pyright: ignore[reportMissingImports]
from torch.nn.utils import parametrize, rnn  # pyright: ignore[reportMissingImports]
from torch.utils import checkpoint  # pyright: ignore[reportMissingImports]

from rnnjax import LSTMP, Bidirectional
from rnnjax.interop.torch import carry_from_torch, from_state_dict, from_torch
from tests import oracles
from tests.live.feature_table import no, partly, yes
from tests.live.features import evidence
from tests.live.features.evidence import (
    INPUTS,
    LENGTHS,
    PADDING,
    ROWS,
    STEPS,
    UNITS,
    WORDS,
    assert_one_mask,
    containing,
    public_names,
    tangent_of_rnnjax,
    words,
)
from tests.running import assert_close, unroll

pytestmark = pytest.mark.usefixtures("x64")

KINDS = [
    thing
    for thing in vars(torch.nn).values()
    if isinstance(thing, type) and issubclass(thing, torch.nn.RNNBase | torch.nn.RNNCellBase)
]
VOCABULARY = words(*KINDS, rnn.pack_padded_sequence, rnn.pack_sequence, rnn.pad_packed_sequence)
ABSENT = [
    "held_mask",
    "resets",
    "residual",
    "zoneout",
    "layer_norm",
    "peepholes",
    "conv_lstm",
    "minimal_gated_unit",
    "own_initializers",
    "penalties",
]
"""Features that it has no word for."""
DROPS = {"dropout"}


def module(kind="LSTM", units=UNITS, seed=0, **options):
    torch.manual_seed(seed)
    made = getattr(torch.nn, kind)(INPUTS, units, dtype=torch.float64, **options)
    for weight in made.parameters():
        weight.data.normal_(std=0.6)
    return made


def inputs(*shape, seed=1):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((*shape, INPUTS)))


def ours(made, xs, **options):
    return unroll(*from_torch(made), xs.detach().numpy(), **options)


def run_packed(made, xs):
    packed = rnn.pack_padded_sequence(xs, torch.from_numpy(LENGTHS), enforce_sorted=False)
    ys, state = made(packed)
    return rnn.pad_packed_sequence(ys)[0], state


def test_the_vocabulary_is_whole():
    names = {kind.__name__ for kind in KINDS}
    assert names >= {"RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell", "RNNBase"}
    assert {"proj_size", "dropout", "hidden_size", "bidirectional", "lengths"} <= VOCABULARY
    assert containing(VOCABULARY, "drop") == DROPS


@no
@pytest.mark.parametrize("feature", ABSENT)
def test_absent(feature):
    assert not containing(VOCABULARY, *WORDS[feature])


@no
def test_empty_rows():
    with pytest.raises(RuntimeError, match="has to be greater than 0"):
        rnn.pack_padded_sequence(inputs(STEPS, 2), torch.tensor([5, 0]))


@yes
def test_nan_padding():
    made, clean = module(), inputs(STEPS, ROWS)
    gradients = []
    for filler in (0.0, float("nan")):
        xs = torch.where(torch.from_numpy(PADDING)[..., None], filler, clean).requires_grad_()
        made.zero_grad()
        ys, (h, c) = run_packed(made, xs)
        (ys.sin().sum() + h.sum() + c.sum()).backward()
        gradients.append([a.grad.numpy().copy() for a in (xs, *made.parameters())])
    assert (gradients[1][0][PADDING] == 0).all()
    assert_close(gradients[1], gradients[0])


@yes
def test_backward_padding():
    made, xs = module(bidirectional=True), inputs(STEPS, ROWS)
    layer, params = from_torch(made)
    ys, state = run_packed(made, xs)
    expected = carry_from_torch(layer, state), ys.detach().numpy()
    assert_close(unroll(layer, params, xs.numpy(), mask=~PADDING), expected)


@no
def test_all_carries():
    made, xs = module(), inputs(STEPS, ROWS)
    ys, (h, c) = made(xs)
    assert torch.equal(ys[-1], h[0])
    assert tuple(c.shape) == (1, ROWS, UNITS)
    assert not containing(VOCABULARY, "return", "states", "carr")


@partly
def test_rematerialisation():
    made, xs, chunk = module(units=16), inputs(64, ROWS), 8

    def whole():
        return made(xs)[1][0]

    def in_chunks():
        state = (torch.zeros(1, ROWS, 16, dtype=xs.dtype),) * 2
        for part in xs.split(chunk):
            state = checkpoint.checkpoint(
                lambda part, *state: made(part, state)[1], part, *state, use_reentrant=False
            )
        return state[0]

    def kept(run):
        """How many numbers autograd keeps, and the gradients."""
        sizes = []
        hooks = torch.autograd.graph.saved_tensors_hooks(
            lambda a: (sizes.append(a.numel()), a)[1], lambda a: a
        )
        with hooks:
            final = run()
        forward = sum(sizes)
        made.zero_grad()
        final.sum().backward()
        return forward, [weight.grad.numpy().copy() for weight in made.parameters()]

    (plain, expected), (less, gradients) = kept(whole), kept(in_chunks)
    assert_close(gradients, expected)
    assert less < plain / 4
    assert not containing(VOCABULARY, "remat", "checkpoint"), "a loop of one's own"


@partly
def test_float32_carry():
    params, xs = evidence.slowly_growing_memory()
    weights = {
        "weight_ih": params.w_x.T,
        "weight_hh": params.w_h.T,
        "bias_ih": params.b,
        "bias_hh": 0 * params.b,
    }
    cell, layer = torch.nn.LSTMCell(1, 1), torch.nn.LSTM(1, 1)
    tensors = {name: torch.tensor(array, dtype=torch.float32) for name, array in weights.items()}
    cell.load_state_dict(tensors)
    layer.load_state_dict({f"{name}_l0": array for name, array in tensors.items()})
    steps = torch.tensor(xs, dtype=torch.float32)
    first = torch.zeros(1, 1), torch.ones(1, 1)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        state = first
        for x in steps:
            state = cell(x, state)
        product = torch.nn.functional.linear(steps[0], cell.weight_ih)
        assert product.dtype == torch.bfloat16
        assert float(state[1]) == pytest.approx(1 + 64 / 1024, abs=1e-3)
        refused = ""
        try:
            _, (_, c) = layer(steps, tuple(a[None] for a in first))
        except RuntimeError as error:
            refused, c = str(error), None
    if c is None:
        # Its library has an LSTM in bfloat16 for some CPUs only, such as those with AVX-512.
        assert "LSTM forward propagation primitive" in refused
        return
    assert c.dtype == torch.bfloat16
    assert float(c) == 1.0


@partly
def test_batch_axes():
    made, xs = module(), inputs(STEPS, ROWS)
    assert_close(made(xs)[0][:, 1].detach().numpy(), made(xs[:, 1])[0].detach().numpy())
    with pytest.raises(ValueError, match="Expected input to be 2D or 3D, got 4D"):
        made(inputs(STEPS, 2, ROWS))
    with pytest.raises(RuntimeError, match="Batching rule not implemented"):
        torch.vmap(lambda xs: made(xs)[0], in_dims=1)(xs)


@yes
def test_stepping():
    made, xs = module(num_layers=2), inputs(STEPS, ROWS)
    state, ys = None, []
    for x in xs:
        y, state = made(x[None], state)
        ys.append(y[0].detach().numpy())
    assert_close(np.stack(ys), ours(made, xs)[1])


@partly
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
def test_forward_mode():
    xs, direction = inputs(STEPS, ROWS), inputs(STEPS, ROWS, seed=2)
    for kind in ("RNN", "GRU", "LSTM"):
        made = module(kind)
        pushed = torch.func.jvp(lambda xs, made=made: made(xs)[0], (xs,), (direction,))[1]
        expected = tangent_of_rnnjax(*from_torch(made), xs.numpy(), direction.numpy())
        assert_close(pushed.detach().numpy(), expected)
    made = module("LSTM").float()
    with pytest.raises(NotImplementedError, match="forward AD with mkldnn_rnn_layer"):
        torch.func.jvp(lambda xs: made(xs)[0], (xs.float(),), (direction.float(),))


@no
def test_stateful():
    made, xs = module(), inputs(STEPS, ROWS)
    assert torch.equal(made(xs)[0], made(xs)[0])
    assert not containing(VOCABULARY, "stateful")


@partly
def test_bidirectional():
    made, xs = module(bidirectional=True), inputs(STEPS, ROWS)
    ys = made(xs)[0].detach().numpy()
    layer, params = from_torch(made)
    assert isinstance(layer, Bidirectional)
    assert layer.merge == "concat"
    assert_close(unroll(layer, params, xs.numpy())[1], ys)
    assert not containing(VOCABULARY, "merge")


@yes
def test_stacks():
    made = torch.nn.RNN(UNITS, UNITS, num_layers=2, dropout=0.5, nonlinearity="relu", bias=False)
    for name, weight in made.named_parameters():
        weight.data.copy_(torch.eye(UNITS) if "ih" in name else torch.zeros(UNITS, UNITS))
    xs = torch.rand(STEPS, 20, UNITS) + 0.1
    kept = (made(xs)[0] / xs).detach().numpy()
    assert_one_mask(kept, 0.5)
    assert (kept[0] != kept[1]).mean() > 0.3
    assert torch.equal(made.eval()(xs)[0], xs)


@no
def test_learned_carry():
    made, xs = module(), inputs(STEPS, ROWS)
    names = {name for name, _ in made.named_parameters()}
    assert names == {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"}
    state = [torch.full((1, ROWS, UNITS), 0.3, dtype=xs.dtype).requires_grad_() for _ in "hc"]
    made(xs, tuple(state))[0].sum().backward()
    assert all((a.grad != 0).all() for a in state), "an argument, whose gradient there is"


@no
def test_state_dropout():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="after all but last recurrent layer"):
            module(dropout=0.5)
    assert containing(VOCABULARY, "drop") == DROPS, "the one between the layers"


@no
def test_update_dropout():
    assert containing(VOCABULARY, "drop") == DROPS, "the one between the layers"


@yes
def test_weight_dropout():
    made, xs = module(), inputs(STEPS, ROWS)
    state_dict = {name: array.clone() for name, array in made.state_dict().items()}
    plain = made(xs)[0].detach().numpy()
    parametrize.register_parametrization(made, "weight_hh_l0", torch.nn.Dropout(0.5))
    torch.manual_seed(5)
    with parametrize.cached():  # else it draws more masks than it uses
        drawn = made(xs)[0].detach().numpy()
    torch.manual_seed(5)
    dropped = torch.nn.functional.dropout(state_dict["weight_hh_l0"], 0.5)
    assert_one_mask((dropped / state_dict["weight_hh_l0"]).numpy(), 0.5)
    layer, params = from_state_dict(state_dict | {"weight_hh_l0": dropped})
    assert_close(drawn, unroll(layer, params, xs.numpy())[1])
    assert_close(made.eval()(xs)[0].detach().numpy(), plain)


@yes
def test_projection():
    made, xs = module(proj_size=2), inputs(STEPS, ROWS)
    layer, params = from_torch(made)
    assert isinstance(layer, LSTMP)
    params = params._replace(b=params.b + params.b_h, b_h=None)
    carry = layer.initial_carry((ROWS,))
    _, expected, _ = oracles.run(oracles.lstm(projected=True), params, xs.numpy(), carry)
    assert_close(made(xs)[0].detach().numpy(), expected)


@partly
def test_gru_forms():
    made, xs = module("GRU"), inputs(STEPS, ROWS)
    _, params = from_torch(made)
    carry = from_torch(made)[0].initial_carry((ROWS,))
    _, after, _ = oracles.run(oracles.gru(reset_after=True), params, xs.numpy(), carry)
    assert_close(made(xs)[0].detach().numpy(), after)
    assert not containing(VOCABULARY, "reset")


@no
def test_own_activation():
    with pytest.raises(ValueError, match="Unknown nonlinearity"):
        torch.nn.RNN(INPUTS, UNITS, nonlinearity=torch.sin)
    assert containing(VOCABULARY, "activation", "linearity") == {"nonlinearity"}


@yes
def test_from_torch():
    made, other, xs = module(), module(seed=1), inputs(STEPS, ROWS)
    assert not torch.equal(made(xs)[0], other(xs)[0])
    other.load_state_dict(made.state_dict())
    assert torch.equal(made(xs)[0], other(xs)[0])


@no
def test_from_keras():
    tensors = {name: torch.tensor(array) for name, array in evidence.KERAS_WEIGHTS.items()}
    with pytest.raises(RuntimeError, match="Unexpected key"):
        torch.nn.LSTM(INPUTS, UNITS).load_state_dict(tensors)
    assert not containing(public_names(torch, torch.nn, torch.utils), "keras")


@no
def test_written_back():
    assert not containing(public_names(torch, torch.nn, torch.utils), "keras", "flax")
