"""What outputs cost, by their formulas."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.training.output_penalties import activation_penalty, slowness_penalty


@pytest.mark.usefixtures("x64")
def test_formulas():
    ys = np.random.default_rng(0).normal(size=(2, 5, 3))
    large = np.array([sum(np.linalg.norm(y) ** 2 for y in row) / (5 * 3) for row in ys])
    quick = np.array(
        [sum(np.linalg.norm(row[t] - row[t + 1]) ** 2 for t in range(4)) / (4 * 3) for row in ys]
    )
    np.testing.assert_allclose(activation_penalty(jnp.asarray(ys)), large, rtol=1e-10)
    np.testing.assert_allclose(slowness_penalty(jnp.asarray(ys)), quick, rtol=1e-10)


def test_a_single_step_changes_by_nothing():
    np.testing.assert_array_equal(slowness_penalty(jnp.ones((2, 1, 3))), [0, 0])
