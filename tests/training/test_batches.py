import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.training.batches import ExampleBatches


@pytest.mark.parametrize("shuffle", [False, True])
def test_an_epoch_sees_every_example_once(shuffle):
    batches = ExampleBatches(num_examples=10, batch_size=4, shuffle=shuffle)
    plan = np.asarray(batches.plan(jax.random.key(0), jnp.int32(3)))
    assert plan.shape == (batches.steps_per_epoch, 4) == (3, 4)
    assert sorted(plan[plan >= 0]) == list(range(10))
    assert (plan[:2] >= 0).all(), "only the last batch may be short"


def test_file_order_is_the_same_in_every_epoch():
    batches = ExampleBatches(num_examples=6, batch_size=2, shuffle=False)
    for epoch in range(3):
        plan = batches.plan(jax.random.key(epoch), jnp.int32(epoch))
        np.testing.assert_array_equal(plan, np.arange(6).reshape(3, 2))


def test_shuffled_order_depends_on_epoch_and_key_alone():
    batches = ExampleBatches(num_examples=50, batch_size=10, shuffle=True)

    def plan(key, epoch):
        return np.asarray(batches.plan(jax.random.key(key), jnp.int32(epoch)))

    np.testing.assert_array_equal(plan(0, 1), plan(0, 1))
    assert (plan(0, 0) != plan(0, 1)).any()
    assert (plan(0, 0) != plan(1, 0)).any()


def test_take_gives_the_rows_and_weighs_the_filling_with_zero():
    batches = ExampleBatches(num_examples=5, batch_size=3, shuffle=False)
    data = {"x": jnp.arange(10.0).reshape(5, 2), "y": jnp.arange(5)}
    plan = batches.plan(jax.random.key(0), jnp.int32(0))
    batch = batches.take(data, plan[1])
    np.testing.assert_array_equal(batches.weights(plan[1]), [1, 1, 0])
    np.testing.assert_array_equal(batch["y"][:2], [3, 4])
    np.testing.assert_array_equal(batch["x"][:2], [[6, 7], [8, 9]])


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(ValueError, match=r"--batch_size=7 is larger .* examples, 6"):
        ExampleBatches(num_examples=6, batch_size=7, shuffle=False)
