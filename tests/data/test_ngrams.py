"""Models of n-grams, against loops over dictionaries and exact fractions."""

from __future__ import annotations

import collections
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from rnnjax.data.kneser_ney import FALLBACK, KneserNey, discounts
from rnnjax.data.ngrams import MAX_ORDER, NgramCounts, WittenBell
from rnnjax.data.ragged import Ragged

V, ORDER = 5, 3
MODELS = pytest.mark.parametrize("model", [WittenBell, KneserNey])


def sequences_of(tokens, starts):
    bounds = [*sorted({0, *starts} - {len(tokens)}), len(tokens)]
    return [tuple(tokens[a:b]) for a, b in itertools.pairwise(bounds)]


def occurrences(sequences, length):
    return collections.Counter(
        s[i : i + length] for s in sequences for i in range(len(s) - length + 1)
    )


def followers(table, context):
    return {gram[-1]: n for gram, n in table.items() if gram[:-1] == context}


def witten_bell(sequences, context, token):
    """Witten and Bell's method C, of a context as long as given."""
    shorter = witten_bell(sequences, context[1:], token) if context else Fraction(1, V)
    after = followers(occurrences(sequences, len(context) + 1), context)
    if not after:
        return shorter
    total = sum(after.values()) + len(after)
    return Fraction(after.get(token, 0), total) + Fraction(len(after), total) * shorter


def reached_from(sequences, length):
    """For each n-gram how many different tokens are before it, the beginning as one more."""
    before = collections.defaultdict(set)
    for s in sequences:
        for i in range(len(s) - length + 1):
            before[s[i : i + length]].add(s[i - 1] if i else None)
    return {gram: len(tokens) for gram, tokens in before.items()}


def kneser_ney(sequences, context, token, longest=True):
    """Chen and Goodman's interpolated form with three discounts."""
    shorter = Fraction(1, V)
    if context:
        shorter = kneser_ney(sequences, context[1:], token, longest=False)
    table = (occurrences if longest else reached_from)(sequences, len(context) + 1)
    n = [sum(count == k for count in table.values()) for k in range(5)]
    taken = [Fraction(d) for d in FALLBACK]
    if n[1] and n[2] and n[3]:
        y = Fraction(n[1], n[1] + 2 * n[2])
        found = [k - (k + 1) * y * Fraction(n[k + 1], n[k]) for k in (1, 2, 3)]
        if all(0 < d <= k for k, d in enumerate(found, start=1)):
            taken = found
    after = followers(table, context)
    if not after:
        return shorter
    total = sum(after.values())
    share = after[token] - taken[min(after[token], 3) - 1] if token in after else 0
    rest = sum(taken[min(count, 3) - 1] for count in after.values())
    return share / Fraction(total) + rest / Fraction(total) * shorter


EXACT = {WittenBell: witten_bell, KneserNey: kneser_ney}


def drawn(seed, size, sharpness=1.0):
    """A stream in which some tokens follow on some others more often than others do."""
    rng = np.random.default_rng(seed)
    table = rng.dirichlet(np.full(V, 1 / sharpness), V)
    tokens = [0]
    for _ in range(size - 1):
        tokens.append(int(rng.choice(V, p=table[tokens[-1]])))
    return tokens


TRAIN = drawn(0, 90, sharpness=4.0)
TEST = [*TRAIN[7:14], *drawn(1, 22)]


@MODELS
@pytest.mark.parametrize(
    ("train_starts", "test_starts"), [([], []), ([0, 30, 31, 60, 60, 88, 90], [3, 4, 12])]
)
def test_every_order_equals_exact_fractions(model, train_starts, test_starts):
    sequences = sequences_of(TRAIN, train_starts)
    found = model(TRAIN, V, ORDER, train_starts or None).log_probs(TEST, test_starts or None)
    assert found.shape == (ORDER + 1, len(TEST))
    for n in range(ORDER + 1):
        exact = [
            EXACT[model](sequences, s[max(0, i - n) : i], s[i])
            for s in sequences_of(TEST, test_starts)
            for i in range(len(s))
        ]
        np.testing.assert_allclose(found[n], [math.log(p) for p in exact], rtol=0, atol=1e-12)


def test_the_estimated_discounts_are_among_what_was_compared():
    stream = NgramCounts(TRAIN, V, ORDER)
    estimated = [discounts(grams.counts)[1:].tolist() != [*FALLBACK] for grams in stream.grams]
    assert True in estimated
    assert False in estimated


@MODELS
@pytest.mark.parametrize(
    "context",
    [(), (0,), (TRAIN[-1],), tuple(TRAIN[3:6]), (4, 4, 4), (1, 4, 4), tuple(TRAIN[:9])],
)
def test_a_distribution_sums_to_one_and_is_what_the_tokens_get(model, context):
    fitted = model(TRAIN, V, ORDER)
    probs = fitted.distribution(context)
    assert probs.shape == (V,)
    assert probs.min() > 0
    assert probs.sum() == pytest.approx(1, abs=1e-12)
    each = [fitted.log_probs([*context, token])[-1, -1] for token in range(V)]
    np.testing.assert_allclose(np.log(probs), each, rtol=0, atol=1e-12)


@MODELS
def test_a_symbol_that_never_occurs_is_possible(model):
    probs = model(TRAIN, V + 2, ORDER).distribution(TRAIN[:3])
    assert probs[V] == probs[V + 1] > 0
    assert probs.sum() == pytest.approx(1, abs=1e-12)


@MODELS
def test_nothing_reaches_across_a_start(model):
    sequences = Ragged.from_sequences([TRAIN[:40], TRAIN[40:]])
    apart = model(sequences.values, V, ORDER, sequences.offsets)
    whole = model(TRAIN, V, ORDER)
    assert not np.array_equal(apart.log_probs(TEST), whole.log_probs(TEST))
    both = apart.log_probs([*TEST, *TEST], [len(TEST)])
    np.testing.assert_array_equal(both, np.tile(apart.log_probs(TEST), 2))
    assert not np.array_equal(both, apart.log_probs([*TEST, *TEST]))


@MODELS
def test_losses_are_means_of_the_tokens_that_count(model):
    fitted = model(TRAIN, V, ORDER)
    log_probs, mask = fitted.log_probs(TEST), np.arange(len(TEST)) % 3 == 1
    np.testing.assert_allclose(fitted.losses(TEST), -log_probs.mean(axis=1), rtol=1e-14)
    np.testing.assert_allclose(
        fitted.losses(TEST, mask=mask), -log_probs[:, mask].mean(axis=1), rtol=1e-14
    )


def test_keys_of_a_large_vocabulary_stay_apart():
    size, order = 2**31, 8
    tokens = np.array([size - 1, 0, 1, size - 2] * 5, np.uint32)
    counts = NgramCounts(tokens, size, order)
    assert [len(grams.keys) for grams in counts.grams] == [4] * (order + 1)
    assert WittenBell(tokens, size, order).losses(tokens)[-1] < 1


def test_more_context_than_there_are_tokens_changes_nothing():
    short = [0, 1]
    found = WittenBell(short, V, 6).log_probs(TEST)
    np.testing.assert_array_equal(found[2:], np.tile(found[1], (5, 1)))


def test_discounts_fall_back_where_counts_of_counts_give_none():
    assert discounts(np.array([1, 1, 1, 1, 2, 2, 3, 4])).tolist() == [0, 0.5, 1.25, 1]
    assert discounts(np.array([7, 8, 9])).tolist() == [0, *FALLBACK]
    assert discounts(np.array([1] * 10 + [2, 3])).tolist() == [0, *FALLBACK]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([], V, 1), "There are no tokens"),
        (([0.5], V, 1), "float64 of shape"),
        (([[1]], V, 1), r"shape \(1, 1\)"),
        (([0, V], V, 1), "Token 5 is none of the 5 symbols"),
        (([0, -1], V, 1), "Token -1 is none"),
        (([0], V, -1), "order is -1"),
        (([0], V, MAX_ORDER + 1), f"0 to {MAX_ORDER} tokens"),
        (([0], 0, 1), "num_symbols is 0"),
        (([0, 1], V, 1, [0, 3]), "from 0 to 3, but there are 2 tokens"),
    ],
)
@MODELS
def test_what_cannot_be_counted_is_refused(model, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        model(*arguments)


def test_what_cannot_be_scored_is_refused():
    model = WittenBell(TRAIN, V, 1)
    with pytest.raises(ValueError, match="Token 9 is none"):
        model.log_probs([1, 9])
    with pytest.raises(ValueError, match="Token 9 is none"):
        model.distribution([9])
    with pytest.raises(ValueError, match=r"mask has shape \(1,\)"):
        model.losses([1, 2], mask=[True])
    for tokens, mask in (([1, 2], [False, False]), ([], None)):
        with pytest.raises(ValueError, match="No token counts"):
            model.losses(tokens, mask=mask)
    assert model.log_probs([]).shape == (2, 0)


@MODELS
def test_going_on_token_by_token_is_the_same(model):
    """In several rows at once, of which some end with what never occurred."""
    counted = model(TRAIN, V, ORDER, [0, 7])
    rows = np.array([[0, 1, 2, 0, 3], [4, 4, 4, 4, 4], TRAIN[:5]])
    ended = np.zeros((3, 1), np.int64)
    for t in range(rows.shape[1]):
        probs, ended = counted.continued(ended, rows[:, t])
        assert ended.shape == (3, min(t + 1, ORDER) + 1)
        wanted = [counted.log_probs(row)[-1, t] for row in rows]
        np.testing.assert_allclose(np.log(probs), wanted, rtol=1e-12)
