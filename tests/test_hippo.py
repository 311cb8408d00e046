"""The matrices of HiPPO memories, and diagonal systems in discrete time."""

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from rnnjax import discretization, hippo


@pytest.mark.parametrize("order", [2, 8])
def test_the_normal_part_has_these_eigenvalues(order):
    a, _ = hippo.legs(order)
    p = np.sqrt(np.arange(order) + 0.5)
    part = hippo.normal(order)
    v, values = part.v_re + 1j * part.v_im, part.decay + 1j * part.frequency
    np.testing.assert_allclose(2 * (v * values @ v.conj().T).real, a + np.outer(p, p), atol=1e-12)
    assert (part.frequency < 0).all()


def test_the_memory_of_the_unit_is_a_scaled_one():
    a, b = hippo.legt(5)
    scale = (-1.0) ** np.arange(5) * np.sqrt(2 * np.arange(5) + 1)
    unit = hippo.lmu(5)
    np.testing.assert_allclose(unit[0], scale[:, None] * a / scale, atol=1e-12)
    np.testing.assert_allclose(unit[1], scale * b, atol=1e-12)


def test_large_matrices_are_held_exactly():
    a, b = hippo.window("lmu", 64, 20.0, "zoh")
    whole, into = hippo.lmu(64)
    np.testing.assert_allclose(a, scipy.linalg.expm(whole / 20), atol=1e-9)
    np.testing.assert_allclose(whole @ b, (a - np.eye(64)) @ into, atol=1e-7)


@pytest.mark.parametrize("rate", [-1e-5, -0.1 + 1e-4j, -0.5 + 400j])
def test_slow_rates_keep_their_digits_in_single_precision(rate):
    rates = jnp.float32(rate.real), jnp.float32(rate.imag)
    turn, gain = discretization.zero_order_hold(rates, jnp.float32(1e-3))
    exact = complex(rates[0], rates[1]) * float(jnp.float32(1e-3))
    assert complex(*turn) == pytest.approx(np.exp(exact), rel=1e-6)
    series = sum(exact**k / np.prod(np.arange(1.0, k + 2)) for k in range(20))
    assert complex(*gain) == pytest.approx(series * float(jnp.float32(1e-3)), rel=1e-6)
