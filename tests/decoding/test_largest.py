"""The largest of many numbers, beside those of a stable sort."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.decoding.largest import SHARE, WIDTH, largest

FIND = jax.jit(largest, static_argnums=1)


@pytest.mark.parametrize(
    ("shape", "num"),
    [
        ((2, 3, 7), 6),  # all are sorted
        ((1, 1024), 2),  # blocks, of which the last is whole
        ((2, 3, 3099), 6),  # one that is not
        ((2, 9300), 18),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_in_the_order_of_a_stable_sort(shape, num, dtype):
    values = np.random.default_rng(sum(shape)).integers(0, 8, shape).astype(dtype)
    values[..., -1] = 9
    found, places = FIND(jnp.asarray(values), num)
    expected = np.argsort(-values, axis=-1, kind="stable")[..., :num]
    np.testing.assert_array_equal(places, expected)
    np.testing.assert_array_equal(found, np.take_along_axis(values, expected, axis=-1))


def test_where_few_tokens_are_possible_those_come_first_and_then_the_others_in_their_order():
    size = 4 * SHARE * WIDTH + 5
    values = np.full(size, -np.inf)
    values[[2, size - 1]] = [1.0, 2.0]
    found, places = FIND(jnp.asarray(values), 4)
    assert found.tolist() == [2.0, 1.0, -np.inf, -np.inf]
    assert places.tolist() == [size - 1, 2, 0, 1]
