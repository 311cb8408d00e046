"""What layer normalisation promises, and the two cells that have it."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax import GRU, LayerNormGRU, LayerNormLSTM
from tests import oracles
from tests.cells_under_test import random_like
from tests.running import assert_close, init, quick_jit, unroll

D, H, ROWS = 3, 4, 2
KEY = jax.random.key(0)
# So small that the invariances are exact; in float64 it still keeps zeros from being divided.
EXACT = 1e-20

both = pytest.mark.parametrize("cell_type", [LayerNormLSTM, LayerNormGRU])
matrices = pytest.mark.parametrize("name", ["w_x", "w_h"])


def sample(cell, *, steps=5, seed=0):
    """The cell with random parameters, inputs and carry, all of them in float64."""
    rng = np.random.default_rng(seed)
    params = random_like(rng, jax.eval_shape(cell.init, KEY), dtype=np.float64)
    carry = random_like(rng, jax.eval_shape(lambda: cell.initial_carry((ROWS,))), dtype=np.float64)
    return cell, params, rng.standard_normal((steps, ROWS, D)), carry


def changed(params, name, change):
    return params._replace(**{name: change(getattr(params, name))})


def differ(left, right):
    return np.abs(left[1] - right[1]).max() > 1e-3


@pytest.mark.usefixtures("x64")
class TestInvariances:
    """Table 1 of the paper, and its negative entries: a test of nothing would pass those too."""

    @both
    @matrices
    def test_scale_and_shift_of_all_incoming_weights_change_nothing(self, cell_type, name):
        cell, params, *rest = sample(cell_type(D, H, epsilon=EXACT))
        expected = unroll(cell, params, *rest)
        shift = np.arange(1.0, len(getattr(params, name)) + 1)[:, None]
        moved = changed(params, name, lambda w: 7 * w + shift)
        assert_close(unroll(cell, moved, *rest), expected, tolerance=1e-9)
        flipped = changed(params, name, lambda w: -w)
        assert differ(unroll(cell, flipped, *rest), expected)

    @both
    @matrices
    def test_the_scale_of_one_unit_s_weights_matters(self, cell_type, name):
        cell, params, *rest = sample(cell_type(D, H, epsilon=EXACT))
        for column in range(getattr(params, name).shape[1]):
            scales = np.where(np.arange(getattr(params, name).shape[1]) == column, 3.0, 1.0)
            moved = changed(params, name, lambda w, scales=scales: w * scales)
            assert differ(unroll(cell, moved, *rest), unroll(cell, params, *rest))

    @both
    def test_the_scale_of_a_single_input_changes_nothing_and_its_shift_does(self, cell_type):
        cell, params, xs, carry = sample(cell_type(D, H, epsilon=EXACT))
        expected = unroll(cell, params, xs, carry)
        scales = np.random.default_rng(1).uniform(0.1, 10, (len(xs), ROWS, 1))
        assert_close(unroll(cell, params, scales * xs, carry), expected, tolerance=1e-9)
        assert differ(unroll(cell, params, xs + 1, carry), expected)

    def test_the_gru_normalises_its_candidate_apart(self):
        cell, params, *rest = sample(LayerNormGRU(D, H, epsilon=EXACT))
        apart = np.repeat([2.0, 2.0, 5.0], H)
        for name in ("w_x", "w_h"):
            moved = changed(params, name, lambda w: w * apart)
            assert_close(unroll(cell, moved, *rest), unroll(cell, params, *rest), tolerance=1e-9)
            moved = changed(params, name, lambda w: w * np.repeat([2.0, 5.0, 5.0], H))
            assert differ(unroll(cell, moved, *rest), unroll(cell, params, *rest))

    def test_the_memory_is_normalised_for_the_output_only(self):
        # Constant gates, c = c_0 from step to step: the output sees its scale at no step.
        cell, params, xs, carry = sample(LayerNormLSTM(D, H, epsilon=EXACT))
        shut_open = np.repeat([-1e3, 1e3, 0.0, 1e3], H)
        params = params._replace(b=shut_open, gain_x=0 * params.gain_x, gain_h=0 * params.gain_h)
        final, ys = unroll(cell, params, xs, carry)
        assert_close(final.c, carry.c)
        larger, same = unroll(cell, params, xs, carry._replace(c=9 * carry.c + 1))
        assert_close(larger.c, 9 * carry.c + 1)
        assert_close(same, ys)
        assert np.abs(ys).min() > 1e-3


@pytest.mark.usefixtures("x64")
def test_an_lstm_without_shifts_equals_the_equations():
    cell, params, xs, carry = sample(LayerNormLSTM(D, H, use_bias=False))
    assert (params.b, params.b_h, params.b_c) == (None, None, None)
    final, ys, _ = oracles.run(oracles.layer_norm_lstm(), params, xs, carry)
    assert_close(unroll(cell, params, xs, carry), (final, ys))


@pytest.mark.usefixtures("x64")
def test_z_lets_the_new_value_in_where_that_of_the_plain_gru_keeps_the_old_one():
    for cell, holds in ((LayerNormGRU(D, H), -1e3), (GRU(D, H), 1e3)):
        _, params, xs, carry = sample(cell)
        params = params._replace(b=np.repeat([0.0, holds, 0.0], H))
        assert_close(unroll(cell, params, xs, carry)[0], carry)
        params = params._replace(b=np.repeat([0.0, -holds, 0.0], H))
        assert (np.abs(unroll(cell, params, xs, carry)[0].h - carry.h) > 1e-3).all()


@pytest.mark.usefixtures("x64")
@both
def test_many_steps_from_zeros_have_the_derivatives_of_a_plain_scan(cell_type):
    # At the first step all that is normalised is zero: no variance, and a root of epsilon only.
    cell, params, xs, _ = sample(cell_type(D, H), steps=35)
    start = jax.device_get(cell.initial_carry((ROWS,)))

    @functools.partial(quick_jit, static_argnames="executor")
    def gradients(params, xs, executor):
        def loss(params, xs):
            return jnp.sum(jnp.sin(rnnjax.unroll(cell, params, xs, start, executor=executor)[1]))

        return jax.value_and_grad(loss, argnums=(0, 1))(params, xs)

    chunked, plain = (gradients(params, xs, executor) for executor in ("chunked", "scan"))
    assert_close(chunked, plain, tolerance=1e-9)
    for gradient in jax.tree.leaves(plain):
        assert np.isfinite(gradient).all()
        assert (gradient != 0).any()


@both
def test_gains_begin_as_ones_and_the_memory_s_shift_as_zero(cell_type):
    for initialization in ("keras", "torch"):
        params = init(cell_type(30, 50, initialization=initialization), KEY)
        gains = [getattr(params, name) for name in params._fields if name.startswith("gain")]
        sizes = {LayerNormLSTM: [200, 200, 50], LayerNormGRU: [150, 150]}[cell_type]
        assert [gain.shape for gain in gains] == [(size,) for size in sizes]
        assert all((gain == 1).all() for gain in gains)
        if cell_type is LayerNormLSTM:
            np.testing.assert_array_equal(params.b_c, np.zeros(50))


@both
@pytest.mark.parametrize("epsilon", [0, -1e-5, float("nan"), float("inf"), True, "1e-5", None])
def test_epsilon_is_a_positive_number(cell_type, epsilon):
    text = f"{cell_type.__name__}: epsilon must be a positive number, not {epsilon!r}."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        cell_type(D, H, epsilon=epsilon)


@both
def test_other_arguments_are_checked_like_those_of_every_cell(cell_type):
    name = cell_type.__name__
    for size in ("input_size", "hidden_size"):
        sizes = {"input_size": D, "hidden_size": H, size: 0}
        with pytest.raises(ValueError, match=f"^{name}: {size} must be a positive integer, not 0"):
            cell_type(**sizes)
    for field in ("activation", "recurrent_activation", "initialization"):
        with pytest.raises(ValueError, match=f"^{name}: unknown {field} 'tahn'; expected one of:"):
            cell_type(D, H, **{field: "tahn"})
