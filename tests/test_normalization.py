"""Layer normalisation itself; the cells that have it are in tests/cells."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.normalization import layer_norm

pytestmark = pytest.mark.usefixtures("optimised")


def row(dtype, mean, spread, size=64):
    row = mean + spread * np.random.default_rng(0).standard_normal((3, size))
    return row.astype(dtype)


def exact(x, gain, shift, epsilon=1e-5):
    wide = np.asarray(x, np.float64)
    normed = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1)[:, None] + epsilon)
    return normed * np.asarray(gain, np.float64) + np.asarray(shift, np.float64)


@pytest.mark.parametrize(
    ("dtype", "mean", "spread"),
    [
        (jnp.float32, 1e3, 1.0),  # the mean of the squares is 1e6 with an error of 0.06
        (jnp.float16, 0.0, 1e3),  # the squares overflow
        (jnp.bfloat16, 100.0, 1.0),  # the mean is rounded to a half
    ],
)
def test_its_statistics_are_taken_in_enough_digits(dtype, mean, spread):
    x = row(dtype, mean, spread)
    gain, shift = row(dtype, 1, 0.3)[0], row(dtype, 0, 1)[1]
    y = jax.device_get(layer_norm(x, gain, shift, epsilon=1e-5))
    assert y.dtype == dtype
    tolerance = 8 * float(jnp.finfo(dtype).eps) * max(1.0, mean / spread * (dtype == jnp.float32))
    np.testing.assert_allclose(
        np.asarray(y, np.float64), exact(x, gain, shift), rtol=tolerance, atol=tolerance
    )


def test_a_row_of_equal_features_gives_the_shift_and_a_finite_derivative():
    x, gain = np.full((2, 3), 5.0, np.float32), np.array([1.0, 2.0, 3.0], np.float32)
    run = lambda x: layer_norm(x, gain, gain, None, -2 * gain, epsilon=1e-2)  # noqa: E731
    y, vjp = jax.vjp(run, x)
    np.testing.assert_allclose(y, -np.broadcast_to(gain, (2, 3)), rtol=1e-6)
    cotangent = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], np.float32)
    # 1 / sqrt(epsilon) = 10 times the gain, centred.
    expected = [[20 / 3, -10 / 3, -10 / 3], [-10.0, -10.0, 20.0]]
    np.testing.assert_allclose(vjp(cotangent)[0], expected, rtol=1e-5)
