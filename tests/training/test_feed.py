"""The two ways in which data come to the devices bring the same batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.devices import hosts
from rnnjax.devices.layout import Layout
from rnnjax.training.batches import ExampleBatches, WindowBatches
from rnnjax.training.feed import Feed

DATA = {"x": np.random.default_rng(0).normal(size=(10, 3)), "y": np.arange(10)}


@pytest.mark.parametrize("num_seeds", [1, 2])
def test_an_epoch_at_a_time_or_all_at_once(num_seeds):
    layout = Layout.over(jax.devices()[:1], num_seeds=num_seeds)
    batches = ExampleBatches(10, 4, shuffle=True)
    (keys,) = layout.keys(0, 1)
    plan = layout.over_seeds(batches.plan, in_axes=(0, None))(keys, jnp.int32(1))
    taken = []
    for by_epoch in (False, True):
        feed = Feed(batches, DATA, layout, by_epoch=by_epoch)
        data = feed.epoch(plan)
        taken.append([jax.device_get(feed.take(data, plan, jnp.int32(i))) for i in range(3)])
    for (whole, weights, anew), (part, part_weights, _) in zip(*taken, strict=True):
        assert np.all(anew)
        np.testing.assert_array_equal(weights, part_weights)
        for name in DATA:
            kept = weights > 0
            np.testing.assert_array_equal(whole[name][kept], part[name][kept])
    seen = np.concatenate([batch["y"][weights > 0] for batch, weights, _ in taken[1]])
    np.testing.assert_array_equal(np.sort(seen), np.repeat(np.arange(10), num_seeds))


def test_rows_that_stay_are_never_brought_again():
    layout = Layout.over(jax.devices()[:1])
    feed = Feed(WindowBatches(10, 3, 1), DATA["x"], layout, by_epoch=True)
    plan = jnp.arange(3)
    assert feed.epoch(plan) is feed.epoch(plan)
    batch, weights, anew = feed.take(feed.epoch(plan), plan, jnp.int32(2))
    np.testing.assert_allclose(batch[:, 0], DATA["x"][:, 2], rtol=1e-6)
    assert weights.shape == (10,)
    assert not anew


def test_what_is_fetched_is_a_copy():
    given = {"a": jnp.arange(3.0), "b": np.ones(2)}
    fetched = hosts.fetch(given)
    jax.jit(lambda a: a * 0, donate_argnums=0)(given["a"])
    given["b"][0] = 7
    np.testing.assert_array_equal(fetched["a"], [0, 1, 2])
    np.testing.assert_array_equal(fetched["b"], [1, 1])


def test_alone_a_process_speaks_to_itself():
    assert hosts.exchange({"wish": None}) == [{"wish": None}]
    assert hosts.on_main(lambda: [3]) == [3]
    assert hosts.is_main()
