"""Bands and steps that are left out."""

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax.training.spectrum_masks import leave_out
from tests.running import quick_jit


def test_neighbouring_bands_and_steps_of_a_row_are_left_out():
    rows, time, bands = 60, 12, 10
    mask = np.arange(time) < np.where(np.arange(rows) % 2, 12, 5)[:, None]

    def masked(key):
        features = jnp.ones((rows, time, 2 * bands))
        return leave_out(
            key, features, jnp.asarray(mask), num_bands=bands, most_bands=3, most_steps=2, times=1
        )  # fmt: skip

    found = np.asarray(quick_jit(masked)(jax.random.key(0))).reshape(rows, time, 2, bands)
    np.testing.assert_array_equal(found[:, :, 0], found[:, :, 1])
    hidden = found[:, :, 0] == 0
    of_bands, of_steps = hidden.all(axis=1), hidden.all(axis=2)
    np.testing.assert_array_equal(hidden, of_bands[:, None] | of_steps[..., None])
    for own, most in ((of_bands, 3), (of_steps, 2)):
        assert set(own.sum(axis=1).tolist()) == set(range(most + 1))
        edges = np.diff(np.pad(own.astype(int), ((0, 0), (1, 1))), axis=1)
        assert ((edges == 1).sum(axis=1) <= 1).all()  # one stretch
    assert not of_steps[~mask].any()
    assert len({tuple(row) for row in of_bands.tolist()}) > 5
