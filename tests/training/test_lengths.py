import itertools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rnnjax.devices.layout import Layout
from rnnjax.training.lengths import (
    LengthBatches,
    batches_by_length,
    cut_to_length,
    length_limits,
)
from rnnjax.training.loop import Trainer, init_state, whole

LENGTHS = np.random.default_rng(0).integers(1, 400, size=1003)
KEY = jax.random.key(0)


def test_every_epoch_sees_each_example_once_in_batches_of_its_own():
    batches = LengthBatches(LENGTHS, 8)
    assert batches.steps_per_epoch == 126
    plans = [np.asarray(batches.plan(KEY, jnp.int32(epoch))) for epoch in (0, 1)]
    for plan in plans:
        assert sorted(plan.ravel()) == [-1] * 5 + list(range(1003))
    compositions = [{frozenset(batch) for batch in plan.tolist()} for plan in plans]
    assert len(compositions[0] & compositions[1]) < 3
    again = np.asarray(batches.plan(KEY, jnp.int32(0)))
    np.testing.assert_array_equal(again, plans[0])


def test_every_epoch_has_a_part_of_the_examples_to_itself():
    batches, _ = batches_by_length(LENGTHS[:1000], 400, 8, 2, parts=4)
    plans = [np.asarray(batches.plan(KEY, jnp.int32(epoch))) for epoch in (0, 3, 4)]
    assert batches.steps_per_epoch == 32
    for plan, first in zip(plans, (0, 750, 0), strict=True):
        assert sorted(plan.ravel()) == [-1] * 6 + list(range(first, first + 250))
    full = plans[1][(plans[1] >= 0).all(axis=1)]
    assert np.median(np.ptp(LENGTHS[full], axis=1)) < 50
    assert not np.array_equal(plans[0], plans[2])
    same, cut = batches_by_length(LENGTHS[:1000], 400, 8, 1, parts=4)
    assert cut.limits == (400,)
    plan = np.asarray(same.plan(KEY, jnp.int32(1)))
    assert sorted(plan.ravel()) == [-1] * 6 + list(range(250, 500))
    assert np.median(np.ptp(LENGTHS[plan], axis=1)) > 200


def test_a_batch_holds_examples_of_similar_length_and_batches_come_in_any_order():
    plan = np.asarray(LengthBatches(LENGTHS, 8).plan(KEY, jnp.int32(0)))
    full = plan[(plan >= 0).all(axis=1)]
    spread = np.ptp(LENGTHS[full], axis=1)
    assert np.median(spread) < 15
    means = LENGTHS[full].mean(axis=1)
    assert abs(np.corrcoef(means, np.arange(len(means)))[0, 1]) < 0.3


def test_the_rows_that_fill_up_have_no_weight():
    batches = LengthBatches(LENGTHS, 8)
    data = {"length": jnp.asarray(LENGTHS)}
    seen = 0.0
    for entry in batches.plan(KEY, jnp.int32(0)):
        seen += float((batches.take(data, entry)["length"] * batches.weights(entry)).sum())
    assert seen == LENGTHS.sum()
    assert batches.starts_anew(jnp.zeros(8, jnp.int32))


@pytest.mark.parametrize("count", [2, 3, 4])
def test_limits_are_those_of_all_that_leave_the_least_padding(count):
    def steps(limits):
        return sum(min(limit for limit in limits if limit >= n) for n in np.minimum(LENGTHS, 300))

    others = itertools.combinations(range(16, 300, 16), count - 1)
    best = min(steps((*own, 300)) for own in others)
    limits = length_limits(LENGTHS, count, 300)
    assert limits[-1] == 300
    assert len(limits) == count
    assert list(limits) == sorted(limits)
    assert all(limit % 16 == 0 for limit in limits[:-1])
    assert steps(limits) == best


def test_a_limit_that_saves_nothing_is_left_out():
    assert length_limits(LENGTHS, 1, 300) == (300,)
    assert length_limits(np.full(10, 500), 4, 300) == (300,)


@pytest.mark.parametrize("longest", [1, 4, 5, 8, 10])
def test_the_shortest_program_that_is_long_enough_runs(longest):
    tokens = np.zeros((3, 10), np.int32)
    tokens[1, :longest] = 1 + np.arange(longest)

    def width_and_sum(sequences):
        return jnp.asarray(sequences.shape[1]), sequences.sum()

    run = jax.jit(lambda t, n: cut_to_length(width_and_sum, t, n, (4, 8, 10)))
    width, total = run(jnp.asarray(tokens), jnp.asarray(longest))
    assert width == next(limit for limit in (4, 8, 10) if limit >= longest)
    assert total == tokens.sum()


class Masked(NamedTuple):
    values: Any
    mask: Any


def test_a_training_of_batches_that_are_cut_is_that_of_whole_ones():
    lengths = np.array([1, 2, 2, 3, 7, 8, 9, 10])
    mask = np.arange(10) < lengths[:, None]
    values = np.where(mask, np.random.default_rng(0).normal(size=(8, 10)), 0).astype(np.float32)
    data = Masked(values, mask), np.arange(8, dtype=np.float32)
    batches, cut = batches_by_length(lengths, 10, 2, 3, multiple=4)
    widths: set[int] = set()

    def errors(w, carry, batch, key):
        sequences, targets = batch
        widths.add(sequences.values.shape[1])
        return ((w * sequences.values).sum(axis=1) - targets) ** 2, carry

    found = []
    for own in (whole, cut.of_first(Layout.single())):
        widths.clear()
        optimizer = optax.sgd(0.01)
        trainer = Trainer(errors, optimizer, batches, data, KEY, cut=own)
        *_, (state, _) = trainer.run(init_state(jnp.ones(()), optimizer), 8)
        found.append(float(state.params))
    assert widths == {4, 8, 10}
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert found[0] != pytest.approx(1)
