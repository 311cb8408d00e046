"""A layer as a flax.linen module gives what `rnnjax.unroll` gives, batch first."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import numpy as np
import pytest

import rnnjax
from rnnjax.bridges import linen
from rnnjax.bridges.named import from_named, to_named
from tests import running
from tests.cells_under_test import draw, random_like
from tests.running import assert_close

pytestmark = pytest.mark.usefixtures("x64")

MASK = np.array([[1, 0, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]], bool)


def batch_first(typical):
    cell, params, xs, carry = draw(typical, steps=4)
    return cell, {"params": to_named(params)}, xs.swapaxes(0, 1), carry


def swapped(outputs):
    carry, ys = outputs
    return carry, ys.swapaxes(0, 1)


@pytest.mark.parametrize("reverse", [False, True])
def test_rnn_equals_unroll(typical, reverse):
    cell, variables, xs, carry = batch_first(typical)
    sample = draw(typical, steps=4)
    module = linen.RNN(cell)
    apply = running.quick_jit(module.apply, static_argnames="reverse")
    expected = running.unroll(*sample, mask=MASK.T, reverse=reverse)
    assert_close(
        jax.device_get(apply(variables, xs, carry, mask=MASK, reverse=reverse)), swapped(expected)
    )
    expected = running.unroll(*sample[:3], reverse=reverse)
    assert_close(jax.device_get(apply(variables, xs, reverse=reverse)), swapped(expected))


def test_last_output_equals_unroll_last(typical):
    cell, variables, xs, _ = batch_first(typical)
    poisoned = np.where(MASK[..., None], xs, np.nan)
    apply = running.quick_jit(linen.LastOutput(cell).apply)
    _, expected = running.unroll_last(*draw(typical, steps=4)[:3], mask=MASK.T)
    assert_close(apply(variables, poisoned, mask=MASK), expected)
    assert (expected[2] == 0).all()
    _, expected = running.unroll_last(*draw(typical, steps=4)[:3])
    assert_close(apply(variables, xs), expected)


def test_gradients_are_those_of_unroll(typical):
    cell, variables, xs, carry = batch_first(typical)
    sample = draw(typical, steps=4)
    outputs = running.unroll(*sample, mask=MASK.T)
    cotangents = random_like(np.random.default_rng(1), outputs)
    expected = running.pull_back(cotangents, *sample, mask=MASK.T)

    @running.quick_jit
    def gradients(variables, xs, carry):
        module = linen.RNN(cell)
        _, vjp = jax.vjp(lambda *a: module.apply(*a, mask=MASK), variables, xs, carry)
        return vjp(swapped(cotangents))

    by_variables, by_xs, by_carry = gradients(variables, xs, carry)
    by_params = from_named(cell, by_variables["params"])
    assert_close((by_params, by_xs.swapaxes(0, 1), by_carry), expected)


@pytest.mark.parametrize("module_type", [linen.RNN, linen.LastOutput])
def test_init_draws_the_cell_s_parameters(module_type):
    cell = rnnjax.LSTM(3, 4)
    module = module_type(cell)
    variables = module.init(jax.random.key(0), np.ones((2, 5, 3)))
    assert set(variables) == {"params"}
    assert set(variables["params"]) == {"w_x", "w_h", "b"}
    params = from_named(cell, variables["params"])
    assert type(params) is type(cell.init(jax.random.key(0)))
    np.testing.assert_allclose(params.w_h @ params.w_h.T, np.eye(4), atol=1e-12)
    other = module.init(jax.random.key(1), np.ones((2, 5, 3)))["params"]
    assert (params.w_x != other["w_x"]).all()


def test_parameters_of_another_shape_are_refused():
    cell = rnnjax.LSTM(3, 4)
    params = rnnjax.LSTM(3, 5).init(jax.random.key(0))
    with pytest.raises(Exception, match="shape"):
        linen.RNN(cell).apply({"params": to_named(params)}, np.ones((2, 5, 3)))


DROPPED = rnnjax.Dropout(rnnjax.GRU(3, 4), inputs=0.5, state=0.3)


@pytest.mark.parametrize("module", [linen.RNN(DROPPED), linen.LastOutput(DROPPED)])
def test_dropout_draws_from_its_stream_in_training_only(module):
    xs = np.random.default_rng(0).standard_normal((20, 5, 3))
    variables = module.init(jax.random.key(0), xs)

    def ys(training, seed):
        rngs = {"dropout": jax.random.key(seed)}
        return jax.tree.leaves(module.apply(variables, xs, training=training, rngs=rngs))[-1]

    assert (ys(True, 1) != ys(True, 2)).mean() > 0.5
    assert_close(ys(True, 1), ys(True, 1), tolerance=0)
    assert_close(ys(False, 1), ys(False, 2), tolerance=0)
    params = from_named(DROPPED, variables["params"])
    _, plain = rnnjax.unroll(DROPPED.layer, params, xs.swapaxes(0, 1))
    expected = plain.swapaxes(0, 1) if isinstance(module, linen.RNN) else plain[-1]
    assert_close(ys(False, 1), expected)


def test_resets_are_batch_first():
    xs = np.random.default_rng(0).standard_normal((2, 5, 3))
    resets = np.array([[0, 0, 1, 0, 0], [0, 1, 0, 0, 1]], bool)
    module = linen.RNN(rnnjax.GRU(3, 4))
    variables = module.init(jax.random.key(0), xs)
    _, ys = jax.device_get(module.apply(variables, xs, resets=resets))
    params = from_named(module.layer, variables["params"])
    _, expected = rnnjax.unroll(rnnjax.GRU(3, 4), params, xs.swapaxes(0, 1), resets=resets.T)
    assert_close(ys.swapaxes(0, 1), expected)
    assert (ys != np.asarray(module.apply(variables, xs)[1])).any()
