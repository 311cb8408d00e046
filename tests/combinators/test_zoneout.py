"""Zoneout keeps units as its paper says; in evaluation it is in the list of all cells."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import numpy as np
import pytest

import rnnjax
from rnnjax import (
    GRU,
    LSTM,
    LSTMP,
    Bidirectional,
    Dropout,
    LearnedCarry,
    Residual,
    Reversed,
    Stack,
    Zoneout,
)
from tests.cells_under_test import random_like
from tests.running import assert_close, unroll, unroll_last

pytestmark = pytest.mark.usefixtures("x64")

KEY = jax.random.key(3)
STEPS, ROWS = 12, 20


def sample(layer):
    rng = np.random.default_rng(5)
    params = random_like(rng, jax.eval_shape(layer.init, KEY), 0.6)
    carry = random_like(rng, jax.eval_shape(lambda: layer.initial_carry((ROWS,))), 0.8)
    return layer, params, rng.standard_normal((STEPS, ROWS, layer.input_size)), carry


def histories(layer, params, xs, carry, key=KEY):
    """What every field of the carry was before each step, and after it."""
    carries, ys = jax.device_get(rnnjax.unroll_carries(layer, params, xs, carry, key=key))
    before = jax.tree.map(lambda c, cs: np.concatenate((c[None], cs[:-1])), carry, carries)
    return before, carries, ys


@pytest.mark.parametrize(
    ("cell", "rates"),
    [
        (LSTM(3, 6), {"h": 0.2, "c": 0.5}),
        pytest.param(LSTM(3, 6), {"c": 0.3}, marks=pytest.mark.slow),
        pytest.param(LSTMP(3, 7, 6), {"h": 0.2, "c": 0.5}, marks=pytest.mark.slow),
        (GRU(3, 6), {"h": 0.4}),
    ],
)
def test_each_unit_keeps_its_value_or_takes_the_new_one(cell, rates):
    layer, params, xs, carry = sample(Zoneout(cell, **rates))
    before, after, ys = histories(layer, params, xs, carry)
    new = jax.device_get(jax.vmap(cell, in_axes=(None, 0, 0))(params, before, xs)[0])
    np.testing.assert_array_equal(ys, after.h)
    kept = {}
    for name in carry._fields:
        old, candidate, value = (getattr(c, name) for c in (before, new, after))
        kept[name] = value == old
        np.testing.assert_allclose(
            value, np.where(kept[name], old, candidate), rtol=1e-12, atol=1e-15
        )
        rate = rates.get(name, 0.0)
        spread = np.sqrt(rate * (1 - rate) / value.size)
        assert abs(kept[name].mean() - rate) <= 4 * spread
        if rate:
            assert (kept[name][0] != kept[name][1]).mean() > 0.1, "anew at every step"
            assert (kept[name][:, 0] != kept[name][:, 1]).mean() > 0.1, "anew for every row"
    if len(rates) == 2 and kept["h"].shape == kept["c"].shape:
        assert (kept["h"] != kept["c"]).mean() > 0.3, "each field by itself"


def test_a_held_step_stays_held_and_the_last_output_is_the_last_state():
    layer, params, xs, carry = sample(Zoneout(GRU(3, 4), h=0.3))
    mask = np.random.default_rng(2).random((STEPS, ROWS)) < 0.6
    final, ys = unroll(layer, params, xs, carry, mask=mask, key=KEY)
    assert (ys[~mask] == 0).all()
    _, last = unroll_last(layer, params, xs, carry, mask=mask, key=KEY)
    np.testing.assert_array_equal(last, final.h)
    poisoned = np.where(mask[..., None], xs, np.nan)
    assert_close(unroll(layer, params, poisoned, carry, mask=mask, key=KEY), (final, ys))


def test_rates_of_zero_change_nothing():
    cell = LSTM(3, 4)
    _, *arguments = sample(cell)
    plain = unroll(cell, *arguments)
    for key in (None, KEY):
        assert_close(unroll(Zoneout(cell), *arguments, key=key), plain, tolerance=0)


def test_it_goes_with_dropout_in_either_order():
    inside = Zoneout(Dropout(GRU(3, 4), state=0.4), h=0.3)
    outside = Dropout(Zoneout(GRU(3, 4), h=0.3), state=0.4)
    _, params, xs, carry = sample(inside)
    for layer in (inside, outside):
        before, after, _ = histories(layer, params, xs, carry)
        kept = after.h == before.h
        assert 0.2 < kept.mean() < 0.4
        plain = unroll(Zoneout(GRU(3, 4), h=0.3), params, xs, carry, key=KEY)[1]
        assert (unroll(layer, params, xs, carry, key=KEY)[1] != plain).mean() > 0.5
        assert_close(
            unroll(layer, params, xs, carry),
            unroll(Zoneout(GRU(3, 4), h=0.3), params, xs, carry),
        )


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda: Zoneout(LSTM(3, 4), h=1.0), "h must be a rate"),
        (lambda: Zoneout(GRU(3, 4), c=0.1), "GRU has no memory c"),
        (lambda: Zoneout(Stack((LSTM(3, 4),)), h=0.1), "Stack is no cell whose output"),
        (lambda: Zoneout(Bidirectional(LSTM(3, 4)), h=0.1), "Bidirectional is no cell"),
        (lambda: Zoneout(Reversed(LSTM(3, 4)), h=0.1), "Reversed is no cell whose output"),
        (lambda: Zoneout(LearnedCarry(Reversed(LSTM(3, 4))), h=0.1), "LearnedCarry is no cell"),
        (lambda: Zoneout(Residual(LSTM(4, 4)), h=0.1), "Residual is no cell whose output"),
        (lambda: Zoneout(Zoneout(LSTM(4, 4), h=0.1), c=0.1), "zoneout already"),
        (lambda: Zoneout(4, h=0.1), "expected cells"),
    ],
)
def test_what_can_not_be_zoned_out_is_refused(build, complaint):
    with pytest.raises(ValueError, match=complaint):
        build()
