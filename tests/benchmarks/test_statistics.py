"""Medians, quartiles, ratios, and the order in which the sides are asked."""

import pytest

from benchmarks.measure import in_turns, quartiles, ratio


def test_quartiles():
    assert quartiles([5.0, 1.0, 2.0, 4.0, 3.0]) == {"median": 3, "q1": 2, "q3": 4}
    assert quartiles([2.0]) == {"median": 2, "q1": 2, "q3": 2}


def test_a_ratio_is_of_pairs():
    """A machine that slows down for both sides changes no ratio."""
    theirs = [2.0, 4.0, 40.0, 2.0]
    assert ratio([t / 4 for t in theirs], theirs) == {"median": 0.25, "q1": 0.25, "q3": 0.25}
    # The ratio of the medians would be 1, that of the means 0.87.
    assert ratio([1.0, 4.0, 8.0], [4.0, 1.0, 10.0])["median"] == pytest.approx(0.8)


def test_every_side_has_its_turn_in_every_round():
    asked = []

    def measure(side):
        asked.append(side)
        return float(len(asked))

    seconds, busy = in_turns("abc", 6, measure)
    rounds = [asked[i : i + 3] for i in range(0, 18, 3)]
    assert all(sorted(order) == ["a", "b", "c"] for order in rounds)
    assert len({tuple(order) for order in rounds}) > 2
    assert seconds["b"] == [i + 1.0 for i, side in enumerate(asked) if side == "b"]
    assert busy is None or busy >= 0
