"""The binary sequence: the rule, its limits by brute force, and what a row can know."""

from __future__ import annotations

import itertools
import math

import jax
import numpy as np
import pytest

from rnnjax.data import binary

LN2 = math.log(2)
LAGS = (1, 2, 7, 10)


@pytest.fixture(scope="module")
def sequences():
    return {
        lag: tuple(map(np.asarray, binary.generate(jax.random.key(lag), 200_000, lag)))
        for lag in LAGS
    }


@pytest.mark.parametrize("lag", LAGS)
def test_targets_obey_the_rule_at_every_position(sequences, lag):
    x, y = (bits.tolist() for bits in sequences[lag])
    coins = {(0, 1): [], (1, 0): []}
    for t in range(lag + 1, len(x)):
        deciding = (x[t - lag - 1], x[t - lag])
        if deciding in coins:
            coins[deciding].append(y[t])
        else:
            assert y[t] == (deciding == (0, 0)), f"position {t}"
    for thrown in coins.values():
        assert np.mean(thrown) == pytest.approx(0.5, abs=5 * 0.5 / len(thrown) ** 0.5)


def test_bits_are_fair_and_independent_of_their_neighbours(sequences):
    x = sequences[1][0]
    assert set(np.unique(x)) == {0, 1}
    assert x.dtype == np.int8
    pairs = np.bincount(2 * x[:-1] + x[1:])
    np.testing.assert_allclose(pairs / pairs.sum(), 0.25, atol=0.006)


def test_targets_without_context_are_fair_coins():
    lag, keys = 3, jax.random.split(jax.random.key(7), 2_000)
    x, y = jax.vmap(lambda key: binary.generate(key, length=6, lag=lag))(keys)
    no_context = np.asarray(y)[:, : lag + 1]
    np.testing.assert_allclose(no_context.mean(axis=0), 0.5, atol=0.06)
    agreement = [
        np.mean(no_context[:, t] == np.asarray(x)[:, s]) for t in range(lag + 1) for s in range(6)
    ]
    np.testing.assert_allclose(agreement, 0.5, atol=0.06)


def test_data_are_a_function_of_the_key():
    x, y = binary.generate(jax.random.key(3), 5_000)
    x_again, y_again = binary.generate(jax.random.key(3), 5_000)
    x_other, _ = binary.generate(jax.random.key(4), 5_000)
    np.testing.assert_array_equal(x, x_again)
    np.testing.assert_array_equal(y, y_again)
    assert abs(np.mean(np.asarray(x) == np.asarray(x_other)) - 0.5) < 0.05


def test_rows_are_consecutive_and_keep_x_and_y_together(sequences):
    x, y = sequences[1]
    x_rows, y_rows = binary.rows(x, y, row_length=2_000)
    assert x_rows.shape == (100, 2_000)
    np.testing.assert_array_equal(x_rows[37], x[74_000:76_000])
    np.testing.assert_array_equal(y_rows[37], y[74_000:76_000])


def test_contexts_of_rows_lack_what_lies_in_the_row_before(sequences):
    lag = 7
    x, y = sequences[lag]
    whole, _ = binary.rows(np.asarray(binary.contexts(x, lag)), y, row_length=500)
    cut = np.asarray(binary.contexts(binary.rows(x, y, row_length=500)[0], lag))
    assert np.all(cut[:, : lag + 1] == -1)
    np.testing.assert_array_equal(cut[:, lag + 1 :], whole[:, lag + 1 :])
    assert set(np.unique(whole[1:, 0])) == {0, 1, 2, 3}


@pytest.mark.parametrize("lag", LAGS)
def test_contexts_count_the_older_bit_first(sequences, lag):
    x = sequences[lag][0][:300].tolist()
    expected = [
        ["00", "01", "10", "11"].index(f"{x[t - lag - 1]}{x[t - lag]}") if t > lag else -1
        for t in range(300)
    ]
    assert binary.contexts(np.array(x), lag).tolist() == expected


def test_contexts_of_a_row_shorter_than_the_lag():
    assert binary.contexts(np.array([1, 1, 1]), lag=5).tolist() == [-1, -1, -1]


@pytest.mark.parametrize("lag", [1, 2, 3])
def test_best_predictions_equal_brute_force_over_all_pasts(lag):
    length, before = 6, lag + 1
    for row in itertools.product((0, 1), repeat=length):
        expected = np.zeros(length)
        for past in itertools.product((0, 1), repeat=before):
            bits = past + row
            for t in range(length):
                older, newer = bits[t], bits[t + 1]
                expected[t] += {(0, 0): 1.0, (1, 1): 0.0}.get((older, newer), 0.5) / 2**before
        np.testing.assert_allclose(binary.best_predictions(np.array(row), lag), expected)


@pytest.mark.parametrize("lag", [1, 3])
def test_bayes_limit_of_a_row_equals_the_mean_over_all_rows(lag):
    length = 8
    every_row = np.array(list(itertools.product((0, 1), repeat=length)))
    measured = binary.data_limit(every_row, lag)
    np.testing.assert_allclose(measured, binary.bayes_limit(lag, row_length=length))


def test_bayes_limit_by_hand():
    one_bit_known = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    for visible, expected in [
        (None, (LN2 / 2, 0.75)),
        (3, (LN2 / 2, 0.75)),
        (2, (one_bit_known, 0.75)),
        (1, (LN2, 0.5)),
        (0, (LN2, 0.5)),
    ]:
        np.testing.assert_allclose(binary.bayes_limit(1, visible=visible), expected)
    of_a_row = binary.bayes_limit(1, row_length=4)
    np.testing.assert_allclose(of_a_row, ((LN2 + one_bit_known + LN2) / 4, (0.5 + 3 * 0.75) / 4))
    # Windows of 5 with the state reset at each hold no deciding bit at lag 5, one at lag 4.
    assert binary.bayes_limit(5, visible=5, row_length=2_000).cross_entropy == pytest.approx(LN2)
    assert binary.bayes_limit(4, visible=5).cross_entropy == pytest.approx(one_bit_known)


@pytest.mark.parametrize("lag", [1, 10])
def test_the_best_predictor_pays_the_limit_on_real_targets(sequences, lag):
    x, y = binary.rows(*sequences[lag], row_length=40)
    predictions = binary.best_predictions(x, lag)
    paid = -np.mean(np.log(np.where(y == 1, predictions, 1 - predictions)))
    limit = binary.data_limit(x, lag)
    assert paid == pytest.approx(limit.cross_entropy, abs=0.003)
    assert np.mean((predictions > 0.5) == y) == pytest.approx(limit.accuracy, abs=0.006)
    np.testing.assert_allclose(limit, binary.bayes_limit(lag, row_length=40), atol=0.006)
    for value in np.unique(predictions):
        chosen = predictions == value
        assert y[chosen].mean() == pytest.approx(value, abs=2.5 / chosen.sum() ** 0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: binary.generate(jax.random.key(0), lag=0), "lag is 0"),
        (lambda: binary.generate(jax.random.key(0), length=3, lag=2), "at least 4 bits"),
        (lambda: binary.generate(jax.random.key(0), length=-5), "length is -5"),
        (lambda: binary.contexts(np.zeros(4), lag=-1), "lag is -1"),
        (lambda: binary.rows(np.zeros(10), np.zeros(10), row_length=3), "divisor of 10"),
        (lambda: binary.rows(np.zeros(10), np.zeros(10), row_length=0), "row_length is 0"),
        (lambda: binary.rows(np.zeros(10), np.zeros(9), row_length=1), r"\(10,\) and \(9,\)"),
        (lambda: binary.bayes_limit(visible=-1), "visible is -1"),
        (lambda: binary.bayes_limit(row_length=0), "row_length is 0"),
        (lambda: binary.data_limit(np.zeros((0, 5))), "no bits"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
