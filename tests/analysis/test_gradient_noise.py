r"""The noise scale, where it is known: the loss ½ |θ - x|² has G = θ - E x and Σ = Cov x."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.analysis.gradient_noise import gradient_noise_scale, pooled
from tests.slow import slow_but

DEVIATIONS = np.array([1.0, 2.0, 0.5, 3.0])
NOISE = float(np.sum(DEVIATIONS**2))
"""tr(Σ)"""


def quadratic(params, rows):
    difference = jnp.concatenate([params["a"], params["b"]])[None] - rows
    return 0.5 * jnp.sum(difference**2, axis=-1)


def at(distance):
    """Parameters whose true gradient is so long, in a direction of no special kind."""
    gradient = np.array([1.0, -2.0, 0.5, 1.0])
    gradient *= distance / np.linalg.norm(gradient)
    return {"a": jnp.asarray(gradient[:1]), "b": jnp.asarray(gradient[1:])}


def draws(number, rows, seed=0):
    rng = np.random.default_rng(seed)
    return jnp.asarray(rng.normal(size=(number, rows, 4)) * DEVIATIONS)


@pytest.mark.parametrize("group_size", slow_but({4}, [1, 4]))
def test_estimates_are_unbiased_and_intervals_hold(x64, group_size):
    distance = 1.5
    params, true = at(distance), NOISE / distance**2
    found = [
        gradient_noise_scale(quadratic, params, rows, group_size=group_size)
        for rows in draws(250, 200)
    ]
    noise, signal = (np.array([getattr(f, name) for f in found]) for name in ("noise", "signal"))
    for estimates, truth in ((noise, NOISE), (signal, distance**2)):
        error = estimates.std(ddof=1) / math.sqrt(len(estimates))
        assert abs(estimates.mean() - truth) < 3.5 * error
        assert error < 0.03 * truth
    held = np.mean([f.low <= true <= f.high for f in found])
    assert 0.9 <= held <= 0.985
    assert np.median([f.value for f in found]) == pytest.approx(true, rel=0.05)
    # The interval must not hold because it is wide.
    assert np.mean([f.low > true / 3 and f.high < 3 * true for f in found]) > 0.8


def test_it_is_the_estimator_of_two_batch_sizes(x64):
    """Equations A.3 and A.4 of the paper, with all small batches inside the large one."""
    rows, params = draws(1, 60)[0], at(2.0)
    small, large = 5, 60

    def squared_norm(part):
        gradient = jax.grad(lambda p: quadratic(p, part).mean())(params)
        return float(sum(jnp.sum(g**2) for g in jax.tree.leaves(gradient)))

    of_small = np.mean([squared_norm(part) for part in rows.reshape(-1, small, 4)])
    of_large = squared_norm(rows)
    signal = (large * of_large - small * of_small) / (large - small)
    noise = (of_small - of_large) / (1 / small - 1 / large)
    found = gradient_noise_scale(quadratic, params, rows, group_size=small)
    assert found.signal == pytest.approx(signal)
    assert found.noise == pytest.approx(noise)
    assert found.value == pytest.approx(noise / signal)
    assert found.rows == 60
    assert found.noise_to_signal(50) == pytest.approx(math.sqrt(noise / signal / 50))


def test_the_interval_is_that_of_leaving_rows_out(x64):
    rows, params = draws(1, 12)[0], at(2.0)
    found = gradient_noise_scale(quadratic, params, rows)
    without = [
        gradient_noise_scale(quadratic, params, jnp.delete(rows, i, axis=0)).value
        for i in range(12)
    ]
    ratios = 1 / np.array(without)
    deviation = math.sqrt(11 / 12 * np.sum((ratios - ratios.mean()) ** 2))
    assert 1 / found.low == pytest.approx(1 / found.value + 2.2009852 * deviation)


def test_at_the_minimum_the_gradient_is_all_noise(x64):
    found = [gradient_noise_scale(quadratic, at(0.0), rows) for rows in draws(60, 100)]
    assert np.mean([f.high == math.inf for f in found]) > 0.85
    assert any(f.value == math.inf for f in found)
    assert min(f.low for f in found) > 10
    assert "∞" in next(f for f in found if f.high == math.inf).text()


def test_rows_that_agree_make_no_noise():
    rows = jnp.ones((8, 4))
    assert gradient_noise_scale(quadratic, at(1.0), rows).value == 0


def test_rows_that_fill_no_group_are_left_out(x64):
    rows, params = draws(1, 14)[0], at(1.0)
    whole = gradient_noise_scale(quadratic, params, rows[:12], group_size=3)
    assert gradient_noise_scale(quadratic, params, rows, group_size=3) == whole


def test_parameters_that_are_not_finite_have_no_noise_scale():
    params = jax.tree.map(lambda a: a * jnp.nan, at(1.0))
    found = gradient_noise_scale(quadratic, params, draws(1, 8)[0])
    assert math.isnan(found.value)
    assert "unknown" in found.text()


@pytest.mark.parametrize("group_size", [0, 4])
def test_too_few_groups_are_refused(group_size):
    with pytest.raises(ValueError, match="group"):
        gradient_noise_scale(quadratic, at(1.0), draws(1, 8)[0], group_size=group_size)


def test_several_runs_have_the_ratio_of_their_means(x64):
    params, true = at(1.0), NOISE
    runs = [gradient_noise_scale(quadratic, params, rows) for rows in draws(8, 400, seed=3)]
    together = pooled(runs)
    noise, signal = (np.mean([getattr(run, n) for run in runs]) for n in ("noise", "signal"))
    assert together.value == pytest.approx(noise / signal)
    assert together.rows == 8 * 400
    assert together.low < true < together.high
    others = [pooled(runs[:i] + runs[i + 1 :]) for i in range(8)]
    ratios = np.array([1 / other.value for other in others])
    deviation = math.sqrt(7 / 8 * np.sum((ratios - ratios.mean()) ** 2))
    assert 1 / together.high == pytest.approx(1 / together.value - 2.3646243 * deviation)
    assert pooled(runs[:1]) == runs[0]
