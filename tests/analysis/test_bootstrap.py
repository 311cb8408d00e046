"""Intervals hold what they promise, also of few numbers, and say so where they can't."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from rnnjax.analysis.bootstrap import mean_over_seeds, paired_difference


@pytest.mark.parametrize("count", [2, 3, 5, 6, 8, 20])
def test_an_interval_holds_the_true_mean_as_often_as_it_says(count):
    rng = np.random.default_rng(count)
    samples = rng.normal(3.0, 2.0, (1000, count))
    estimates = [mean_over_seeds(sample, resamples=1500) for sample in samples]
    assert 0.92 <= np.mean([not e.excludes(3.0) for e in estimates]) <= 0.975
    assert not np.mean([not e.excludes(7.0) for e in estimates]) > 0.95


def test_many_numbers_have_the_interval_of_the_plain_bootstrap():
    values = np.random.default_rng(0).gamma(2.0, size=400)
    estimate = mean_over_seeds(values)
    plain = stats.bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(1))
    assert estimate.method == "bootstrap"
    assert estimate.value == pytest.approx(values.mean())
    assert estimate.low == pytest.approx(plain.confidence_interval.low, abs=0.01)
    assert estimate.high == pytest.approx(plain.confidence_interval.high, abs=0.01)


def test_few_numbers_have_students_interval_and_say_so():
    values = [0.91, 0.95, 0.92]
    estimate = mean_over_seeds(values, level=0.9)
    low, high = stats.t.interval(0.9, 2, np.mean(values), stats.sem(values))
    assert (estimate.low, estimate.high) == pytest.approx((low, high))
    assert "3 seeds" in estimate.caveat
    assert mean_over_seeds(np.arange(6.0)).caveat == ""


def test_an_interval_stays_where_the_mean_can_be():
    estimate = mean_over_seeds([0.9, 0.98], bounds=(0.0, 1.0))
    free = mean_over_seeds([0.9, 0.98])
    assert (estimate.low, estimate.high) == (free.low, 1.0)
    assert mean_over_seeds([0.1, 0.02], bounds=(0.0, 1.0)).low == 0


def test_one_number_has_no_interval():
    estimate = mean_over_seeds([0.9])
    assert (estimate.value, estimate.low, estimate.high) == (0.9, None, None)
    assert estimate.caveat == "one seed: no interval"
    assert estimate.text(2) == "0.90"
    assert not estimate.excludes(0.1)


def test_a_run_that_diverged_is_not_dropped():
    estimate = mean_over_seeds([0.9, np.nan, 0.8, 0.7, 0.6, 0.9, 0.8])
    assert np.isnan(estimate.value)
    assert not estimate.has_interval
    assert estimate.caveat == "1 of 7 values not finite: no interval"
    assert mean_over_seeds([np.inf, 1.0]).value == np.inf
    both = paired_difference([np.inf, 1.0], [np.inf, 0.5])
    assert np.isnan(both.value)


@pytest.mark.parametrize("count", [4, 8])
def test_pairs_take_out_what_seeds_share(count):
    rng = np.random.default_rng(0)
    shared, noise = rng.normal(size=(2, count))
    first, second = shared + 0.1, shared + 0.01 * noise
    paired = paired_difference(first, second)
    assert paired.excludes(0.0)
    assert paired.value == pytest.approx(first.mean() - second.mean())
    assert not mean_over_seeds(first).excludes(second.mean())
    backwards = paired_difference(second, first, resamples=20_000)
    turned = np.array([paired.high, paired.low], float)
    assert (backwards.low, backwards.high) == pytest.approx(tuple(-turned), abs=3e-4)


def test_the_same_numbers_have_the_same_interval():
    values = np.random.default_rng(0).normal(size=9)
    assert mean_over_seeds(values) == mean_over_seeds(values)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_over_seeds([]), "one number for each seed"),
        (lambda: mean_over_seeds(np.ones((2, 3))), r"\(2, 3\)"),
        (lambda: paired_difference([1.0, 2.0], [1.0]), "the same seeds on both sides"),
    ],
)
def test_what_is_no_list_of_seeds_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
