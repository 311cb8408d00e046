"""Cells of Flax, asked themselves: values, carries and gradients, and both directions exactly."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, nnx

from rnnjax import GRU, LSTM, LSTMP, Bidirectional, SimpleRNN, Stack
from rnnjax.interop import flax, merge_biases
from tests.cells_under_test import random_like
from tests.interop.samples import random_params
from tests.running import assert_close, pull_back, quick_jit, unroll
from tests.slow import slow_but

OPTIONS: dict[str, Any] = {"param_dtype": jnp.float64}
WAYS = ("forward", "backward")
OTHERS: dict[str, Any] = {"activation_fn": linen.relu, "gate_fn": linen.hard_sigmoid}
LINEN = {
    "simple": lambda: linen.SimpleCell(4, activation_fn=linen.elu, **OPTIONS),
    "lstm": lambda: linen.LSTMCell(4, **OPTIONS),
    "optimized": lambda: linen.OptimizedLSTMCell(3, **OPTIONS, **OTHERS),
    "gru": lambda: linen.GRUCell(4, **OPTIONS),
    "gru-others": lambda: linen.GRUCell(2, **OPTIONS, **OTHERS),
}
NNX = {
    "simple": lambda rngs: nnx.SimpleCell(3, 4, dtype=None, rngs=rngs, **OPTIONS),
    "lstm": lambda rngs: nnx.LSTMCell(3, 4, rngs=rngs, **OPTIONS, **OTHERS),
    "optimized": lambda rngs: nnx.OptimizedLSTMCell(3, 2, rngs=rngs, **OPTIONS),
    "gru": lambda rngs: nnx.GRUCell(3, 4, rngs=rngs, **OPTIONS),
}


def linen_sample(module):
    """Random variables of a module for inputs of three features; no bias is zero."""
    variables = jax.eval_shape(module.init, jax.random.key(0), jnp.ones((2, 4, 3)))
    return random_like(np.random.default_rng(0), variables, 0.6)


def nnx_sample(make):
    cell = make(nnx.Rngs(0))
    nnx.update(cell, random_like(np.random.default_rng(0), nnx.state(cell), 0.6))
    return cell


def inputs_and_carry(layer):
    rng = np.random.default_rng(1)
    carry = random_like(rng, layer.initial_carry((2,)))
    return jnp.asarray(rng.standard_normal((2, 4, 3))), carry


def both_results(layer, run, variables, of_variables, params):
    """Outputs and gradients of `unroll`, and those of a module of Flax in our layout."""
    xs, carry = inputs_and_carry(layer)

    @quick_jit
    def theirs(variables, xs, carry, cotangents):
        def swapped(variables, xs, carry):
            final, ys = run(variables, xs, flax.carry_to_flax(carry))
            return flax.carry_from_flax(layer, final), ys.swapaxes(0, 1)

        outputs, vjp = jax.vjp(swapped, variables, xs, carry)
        return outputs, vjp(cotangents)

    sample = (layer, params, xs.swapaxes(0, 1), carry)
    outputs = unroll(*sample)
    cotangents = random_like(np.random.default_rng(2), outputs)
    their_outputs, (by_variables, by_xs, by_carry) = theirs(variables, xs, carry, cotangents)
    gradients = of_variables(by_variables), by_xs.swapaxes(0, 1), by_carry
    return (outputs, pull_back(cotangents, *sample)), (their_outputs, gradients)


def without_b_h(layer, trees):
    """The gradients but those by the biases that Flax does not have, which are zero here."""
    (outputs, (params, *rest)) = trees
    if isinstance(layer, GRU):
        params = params._replace(b_h=None)
    return outputs, (params, *rest)


@pytest.mark.parametrize("name", slow_but({"simple", "optimized", "gru-others"}, LINEN))
def test_a_cell_of_linen_computes_the_same(x64, name):
    module = linen.RNN(LINEN[name](), return_carry=True)
    variables = linen_sample(module)
    layer, params = flax.from_linen(module, variables)

    def run(variables, xs, carry):
        return module.apply(variables, xs, initial_carry=carry)

    ours, theirs = both_results(
        layer, run, variables, lambda v: flax.from_linen(module, v)[1], params
    )
    if isinstance(layer, GRU):
        n = slice(2 * layer.hidden_size, None)
        assert_close(ours[1][0].b_h[n], theirs[1][0].b_h[n])
    assert_close(without_b_h(layer, ours), without_b_h(layer, theirs))


def test_a_bidirectional_of_linen_computes_the_same(x64):
    module: Any = linen.Bidirectional(
        linen.RNN(LINEN["lstm"]()), linen.RNN(LINEN["gru-others"]()), return_carry=True
    )
    variables = linen_sample(module)
    layer, params = flax.from_linen(module, variables)
    xs, carry = inputs_and_carry(layer)
    final, ys = module.apply(variables, xs, initial_carry=flax.carry_to_flax(carry))
    assert_close(
        unroll(layer, params, xs.swapaxes(0, 1), carry),
        (flax.carry_from_flax(layer, final), ys.swapaxes(0, 1)),
    )
    _, back = flax.to_linen(layer, params)
    assert_close(back, variables, tolerance=0)


@pytest.mark.parametrize("name", slow_but({"lstm", "gru"}, NNX))
def test_a_cell_of_nnx_computes_the_same(x64, name):
    cell = nnx_sample(NNX[name])
    layer, params = flax.from_nnx(cell)
    graph, state = nnx.split(cell)

    def run(state, xs, carry):
        return nnx.RNN(nnx.merge(graph, state), return_carry=True)(xs, initial_carry=carry)

    def of_state(state):
        return flax.from_nnx(nnx.merge(graph, state))[1]

    ours, theirs = both_results(layer, run, state, of_state, params)
    assert_close(without_b_h(layer, ours), without_b_h(layer, theirs))


def test_a_bidirectional_of_nnx_computes_the_same(x64):
    cells = nnx_sample(NNX["optimized"]), nnx_sample(NNX["gru"])
    module = nnx.Bidirectional(*(nnx.RNN(cell) for cell in cells), return_carry=True)
    layer, params = flax.from_nnx(module)
    xs, carry = inputs_and_carry(layer)
    final, ys = module(xs, initial_carry=flax.carry_to_flax(carry))
    assert_close(
        unroll(layer, params, xs.swapaxes(0, 1), carry),
        (flax.carry_from_flax(layer, final), ys.swapaxes(0, 1)),
    )
    back = flax.to_nnx(layer, params)
    assert_close(nnx.state(back, nnx.Param), nnx.state(module, nnx.Param), tolerance=0)


def shared_linen(what):
    cell = LINEN["gru"]()
    rnn = linen.RNN(cell)
    pairs: dict[str, Any] = {
        "one RNN": (rnn, rnn),
        "one cell": (linen.RNN(cell), linen.RNN(cell)),
        "an RNN and its cell": (rnn, linen.RNN(cell, return_carry=True)),
        "equal cells": (linen.RNN(LINEN["gru"]()), linen.RNN(LINEN["gru"]())),
    }
    forward, backward = pairs[what]
    return linen.Bidirectional(forward, backward, return_carry=True)


@pytest.mark.parametrize(
    "what",
    slow_but(
        {"one cell", "equal cells"}, ["one RNN", "one cell", "an RNN and its cell", "equal cells"]
    ),
)
def test_a_cell_of_linen_that_both_directions_share_is_read_for_both(x64, what):
    module: Any = shared_linen(what)
    variables = linen_sample(module)
    assert len(variables["params"]) == (2 if what == "equal cells" else 1)
    layer, params = flax.from_linen(module, variables)
    assert layer == Bidirectional(GRU(3, 4))
    xs, carry = inputs_and_carry(layer)
    final, ys = module.apply(variables, xs, initial_carry=flax.carry_to_flax(carry))
    expected = (flax.carry_from_flax(layer, final), ys.swapaxes(0, 1))
    assert_close(unroll(layer, params, xs.swapaxes(0, 1), carry), expected)
    # What is written is a pair of equal cells, which computes the same.
    again, back = flax.to_linen(layer, params)
    final, ys = again.apply(back, xs, initial_carry=flax.carry_to_flax(carry), return_carry=True)
    assert_close((flax.carry_from_flax(layer, final), ys.swapaxes(0, 1)), expected)


@pytest.mark.parametrize("what", ["one RNN", "one cell"])
def test_a_cell_of_nnx_that_both_directions_share_is_read_for_both(x64, what):
    cell = nnx_sample(NNX["gru"])
    rnn = nnx.RNN(cell)
    pair: Any = (rnn, rnn) if what == "one RNN" else (nnx.RNN(cell), nnx.RNN(cell))
    module: Any = nnx.Bidirectional(pair[0], pair[1], return_carry=True)
    layer, params = flax.from_nnx(module)
    assert_close(params.forward, params.backward, tolerance=0)
    xs, carry = inputs_and_carry(layer)
    final, ys = module(xs, initial_carry=flax.carry_to_flax(carry))
    expected = (flax.carry_from_flax(layer, final), ys.swapaxes(0, 1))
    assert_close(unroll(layer, params, xs.swapaxes(0, 1), carry), expected)


class Outer(linen.Module):
    """A Bidirectional whose cells belong to the module around it."""

    @linen.compact
    def __call__(self, xs):
        forward, backward = (linen.RNN(LINEN["gru"]()) for _ in range(2))
        return linen.Bidirectional(forward, backward)(xs)


def test_parameters_that_lie_elsewhere_are_asked_for(x64):
    params = linen_sample(Outer())["params"]
    module = linen.Bidirectional(linen.RNN(LINEN["gru"]()), linen.RNN(LINEN["gru"]()))
    for wrong, message in (
        (
            params,
            r"under 'forward_rnn', but these are \['GRUCell_0', 'GRUCell_1'\].*that cell's own",
        ),
        (
            {"forward_rnn": {"cell": params["GRUCell_0"]}},
            r"'backward_rnn', but .*\['forward_rnn'\]",
        ),
        ({"forward_rnn": {}, "backward_rnn": {}}, r"The RNN of flax.linen .* 'cell', but .* \[\]"),
        ({"forward_rnn": jnp.ones(3), "backward_rnn": {}}, "under 'cell', but these are Array"),
        (
            {f"{way}_rnn": {"cell": {"in": jnp.ones(3)}} for way in WAYS},
            "has dense layers with a kernel, but in is an array",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            flax.from_linen(module, {"params": wrong})
    moved = {f"{way}_rnn": {"cell": params[f"GRUCell_{k}"]} for k, way in enumerate(WAYS)}
    layer, found = flax.from_linen(module, {"params": moved})
    xs, _ = inputs_and_carry(layer)
    ys: Any = Outer().apply({"params": params}, xs)
    assert_close(unroll(layer, found, xs.swapaxes(0, 1))[1], ys.swapaxes(0, 1))


@pytest.mark.parametrize("name", LINEN)
def test_variables_of_linen_there_and_back_bit_for_bit(x64, name):
    cell = LINEN[name]()
    module = linen.RNN(cell)
    variables = linen_sample(module)
    made, back = flax.to_linen(*flax.from_linen(module, variables))
    assert_close(back["params"], variables["params"]["cell"], tolerance=0)
    # The module that comes with them would have made such variables itself.
    wanted = jax.eval_shape(linen.RNN(made).init, jax.random.key(0), jnp.ones((2, 4, 3)))
    shapes = jax.tree.map(lambda a: (a.shape, a.dtype), back["params"])
    assert jax.tree.map(lambda a: (a.shape, a.dtype), wanted["params"]["cell"]) == shapes
    functions = [getattr(cell, f, None) for f in ("activation_fn", "gate_fn")]
    assert [getattr(made, f, None) for f in ("activation_fn", "gate_fn")] == functions


@pytest.mark.parametrize("name", NNX)
def test_modules_of_nnx_there_and_back_bit_for_bit(x64, name):
    cell = nnx_sample(NNX[name])
    layer, params = flax.from_nnx(cell)
    back = flax.to_nnx(layer, params)
    if name != "lstm":  # which comes back as the OptimizedLSTMCell
        assert_close(nnx.state(back), nnx.state(cell), tolerance=0)
        assert type(back) is type(cell)
    again, same = flax.from_nnx(back)
    assert again == layer
    assert_close(same, params, tolerance=0)
    assert back.activation_fn is cell.activation_fn


def custom(x):
    return jnp.tanh(x)


def tanh(x):
    return jnp.tanh(2 * x)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (linen.SimpleCell(4, residual=True), "residual=True"),
        (linen.GRUCell(4, activation_fn=custom), "activation <function custom"),
        (linen.LSTMCell(4, gate_fn=linen.gelu), "rnnjax.activations.ACTIVATIONS"),
        (linen.LSTMCell(4, activation_fn=tanh), "activation <function tanh"),
        (linen.MGUCell(4), "MGUCell is none of the modules"),
        (linen.RNN(linen.GRUCell(4), reverse=True), "reverse=True"),
    ],
)
def test_a_module_of_linen_that_can_not_be_represented_is_refused(module, message):
    whole = module if isinstance(module, linen.RNN) else linen.RNN(module)
    variables = linen_sample(whole)
    with pytest.raises(ValueError, match=message):
        flax.from_linen(whole, variables)


def test_merges_of_one_s_own_are_refused():
    cells = [linen.RNN(linen.GRUCell(4)), linen.RNN(linen.GRUCell(4))]
    module = linen.Bidirectional(*cells, merge_fn=jnp.add)
    with pytest.raises(ValueError, match="merge_fn of its own"):
        flax.from_linen(module, linen_sample(module))
    rngs = nnx.Rngs(0)
    cells = [nnx.RNN(nnx.GRUCell(3, 4, rngs=rngs)) for _ in range(2)]
    with pytest.raises(ValueError, match="merge_fn of its own"):
        flax.from_nnx(nnx.Bidirectional(*cells, merge_fn=jnp.add))


def test_modules_of_nnx_that_can_not_be_represented_are_refused():
    rngs = nnx.Rngs(0)
    for module, message in (
        (nnx.SimpleCell(3, 4, residual=True, rngs=rngs), "residual=True"),
        (nnx.GRUCell(3, 4, gate_fn=custom, rngs=rngs), "activation <function custom"),
        (nnx.RNN(nnx.GRUCell(3, 4, rngs=rngs), reverse=True), "reverse=True"),
        (nnx.Linear(3, 4, rngs=rngs), "Linear is none of the modules"),
    ):
        with pytest.raises(ValueError, match=message):
            flax.from_nnx(module)


def test_variables_that_do_not_fit_are_refused():
    module = linen.LSTMCell(4)
    params = linen_sample(linen.RNN(module))["params"]["cell"]
    for wrong, message in (
        ({"cell": params}, "have the key 'params', but these have \\['cell'\\]"),
        ({"params": {"cell": params}}, "has no ii/kernel and hi/kernel"),
        ({"params": params | {"hf": {"kernel": params["hf"]["kernel"]}}}, "hf/bias is missing"),
        ({"params": params | {"more": params["ii"]}}, "no place for more/kernel"),
        (
            {"params": params | {"if": {"kernel": jnp.ones((2, 4))}}},
            r"if/kernel must have the shape \(3, 4\), not \(2, 4\)",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            flax.from_linen(module, wrong)


NO_PLACE = "put them together by rnnjax.interop.merge_biases"


@pytest.mark.parametrize(
    ("layer", "linen_message", "nnx_message"),
    [
        (LSTMP(3, 4, 2), "no cell for LSTMP", "no cell for LSTMP"),
        (Stack((GRU(3, 4),)), "no cell for Stack", "no cell for Stack"),
        (GRU(3, 4, reset_after=False), "another function", "another function"),
        (LSTM(3, 4, initialization="torch"), NO_PLACE, NO_PLACE),
        (SimpleRNN(3, 4, initialization="torch"), NO_PLACE, NO_PLACE),
        (GRU(3, 4, initialization="torch"), NO_PLACE, "has no bias b_hn"),
        (Bidirectional(GRU(3, 4), merge="ave"), "merge='ave'", "merge='ave'"),
    ],
)
def test_a_layer_that_flax_lacks_is_refused(layer, linen_message, nnx_message):
    params = random_params(layer)
    with pytest.raises(ValueError, match=linen_message):
        flax.to_linen(layer, params)
    with pytest.raises(ValueError, match=nnx_message):
        flax.to_nnx(layer, params)


def test_a_merged_gru_fits_linen_but_nnx_only_without_b_hn():
    layer = GRU(3, 4, initialization="torch")
    layer, params = merge_biases(layer, random_params(layer))
    _, variables = flax.to_linen(layer, params)
    np.testing.assert_array_equal(variables["params"]["hn"]["bias"], params.b_h[8:])
    with pytest.raises(ValueError, match="has no bias b_hn"):
        flax.to_nnx(layer, params)
    flax.to_nnx(layer, params._replace(b_h=jnp.zeros(12)))


def test_parameters_of_another_cell_are_refused():
    params = random_params(LSTM(3, 5))
    for convert in (flax.to_linen, flax.to_nnx):
        with pytest.raises(ValueError, match=r"w_x must have the shape \(3, 16\), not \(3, 20\)"):
            convert(LSTM(3, 4), params)
