"""A layer as a flax.nnx module gives what `rnnjax.unroll` gives, batch first."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import rnnjax
from rnnjax.bridges.nnx import RNN, LastOutput
from tests import running
from tests.cells_under_test import draw, random_like
from tests.running import assert_close, quick_jit

pytestmark = pytest.mark.usefixtures("x64")

MASK = np.array([[1, 0, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]], bool)


def swapped(outputs):
    carry, ys = outputs
    return carry, jax.tree.map(lambda y: y.swapaxes(0, 1), ys)


def call(module, *args, **options):
    """The module as a compiled function of its state."""
    graph, state = nnx.split(module)
    run = quick_jit(lambda state, *args: nnx.merge(graph, state)(*args, **options))
    return jax.device_get(run(state, *args))


@pytest.mark.parametrize("reverse", [False, True])
def test_rnn_equals_unroll(typical, reverse):
    cell, params, xs, carry = draw(typical, steps=4)
    module = RNN(cell, params)
    outputs = call(module, xs.swapaxes(0, 1), carry, mask=MASK, reverse=reverse)
    assert_close(
        swapped(outputs), running.unroll(cell, params, xs, carry, mask=MASK.T, reverse=reverse)
    )


def test_last_output_equals_unroll_last(typical):
    cell, params, xs, _ = draw(typical, steps=4)
    poisoned = np.where(MASK.T[..., None], xs, np.nan)
    _, expected = running.unroll_last(cell, params, xs, mask=MASK.T)
    assert_close(call(LastOutput(cell, params), poisoned.swapaxes(0, 1), mask=MASK), expected)
    _, expected = running.unroll_last(cell, params, xs)
    assert_close(call(LastOutput(cell, params), xs.swapaxes(0, 1)), expected)


def test_gradients_are_those_of_unroll(typical):
    cell, params, xs, carry = draw(typical, steps=4)
    cotangents = random_like(np.random.default_rng(1), running.unroll(cell, params, xs, carry))
    expected, *_ = running.pull_back(cotangents, cell, params, xs, carry)

    graph, state = nnx.split(RNN(cell, params))

    @quick_jit
    @jax.grad
    def gradient(state):
        outputs = swapped(nnx.merge(graph, state)(jnp.asarray(xs).swapaxes(0, 1), carry))
        return sum(jax.tree.leaves(jax.tree.map(lambda a, b: jnp.sum(a * b), outputs, cotangents)))

    found = nnx.merge(graph, gradient(state)).params
    assert_close(found, expected)


def test_a_pair_of_outputs_stays_a_pair():
    layer = rnnjax.Bidirectional(rnnjax.GRU(3, 2), rnnjax.LSTM(3, 4), merge="none")
    params = layer.init(jax.random.key(0))
    xs = np.random.default_rng(0).standard_normal((4, 5, 3))
    assert_close(
        swapped(call(RNN(layer, params), xs.swapaxes(0, 1))), running.unroll(layer, params, xs)
    )


@pytest.mark.parametrize("module_type", [RNN, LastOutput])
def test_rngs_draw_the_parameters(module_type):
    cell = rnnjax.LSTM(3, 4)
    module = module_type(cell, rngs=nnx.Rngs(params=7))
    assert_close(module.params, cell.init(nnx.Rngs(params=7).params()))
    assert type(module.params) is type(cell.init(jax.random.key(0)))
    np.testing.assert_allclose(module.params.w_h @ module.params.w_h.T, np.eye(4), atol=1e-12)
    with pytest.raises(ValueError, match=f"{module_type.__name__} wants the parameters"):
        module_type(cell)


def test_an_optimizer_moves_every_parameter_and_equal_modules_share_a_program():
    layer = rnnjax.Stack((rnnjax.Bidirectional(rnnjax.GRU(3, 4)), rnnjax.SimpleRNN(8, 2)))
    xs = np.random.default_rng(0).standard_normal((5, 4, 3))
    traced, adam = [], optax.adam(1e-2)

    @nnx.jit
    def step(module, optimizer):
        traced.append(module.layer)
        loss, gradient = nnx.value_and_grad(lambda m: (m(xs)[1] ** 2).mean())(module)
        optimizer.update(module, gradient)
        return loss

    for seed in (0, 1):
        module = RNN(layer, rngs=nnx.Rngs(seed))
        before = module.params
        optimizer = nnx.Optimizer(module, adam, wrt=nnx.Param)
        losses = [step(module, optimizer) for _ in range(3)]
        assert losses[2] < losses[1] < losses[0]
        for a, b in zip(jax.tree.leaves(before), jax.tree.leaves(module.params), strict=True):
            assert (a != b).all()
    assert len(traced) == 1
    assert hash(traced[0]) == hash(layer)


DROPPED = rnnjax.Dropout(rnnjax.GRU(3, 4), inputs=0.5, state=0.3)


@pytest.mark.parametrize("kind", [RNN, LastOutput])
def test_dropout_draws_from_its_stream_in_training_only(kind):
    xs = np.random.default_rng(0).standard_normal((20, 5, 3))
    module = kind(DROPPED, rngs=nnx.Rngs(0))

    def ys(seed=None):
        rngs = None if seed is None else nnx.Rngs(dropout=seed)
        return np.asarray(jax.tree.leaves(module(xs, rngs=rngs))[-1])

    assert (ys(1) != ys(2)).mean() > 0.5
    assert_close(ys(1), ys(1), tolerance=0)
    _, plain = rnnjax.unroll(DROPPED.layer, module.params, xs.swapaxes(0, 1))
    assert_close(ys(), plain.swapaxes(0, 1) if kind is RNN else plain[-1])


def test_resets_are_batch_first():
    xs = np.random.default_rng(0).standard_normal((2, 5, 3))
    resets = np.array([[0, 0, 1, 0, 0], [0, 1, 0, 0, 1]], bool)
    module = RNN(rnnjax.GRU(3, 4), rngs=nnx.Rngs(0))
    _, ys = module(xs, resets=resets)
    time_first = xs.swapaxes(0, 1)
    _, expected = rnnjax.unroll(rnnjax.GRU(3, 4), module.params, time_first, resets=resets.T)
    assert_close(ys.swapaxes(0, 1), expected)
    assert (np.asarray(ys) != np.asarray(module(xs)[1])).any()
