"""Brackets that are well nested, and the loss of who knows all of them."""

from __future__ import annotations

import math

import pytest

from rnnjax.data import brackets


def test_each_closes_what_was_opened_last_and_none_is_too_deep():
    open_, deepest = [], 0
    for symbol in brackets.generate(20_000, seed=1):
        place = brackets.SYMBOLS.index(symbol)
        if place < brackets.KINDS:
            open_.append(place)
        else:
            assert open_.pop() == place - brackets.KINDS
        deepest = max(deepest, len(open_))
    assert deepest == brackets.MAX_DEPTH


def test_the_best_loss_is_that_of_the_true_probabilities():
    """The mean surprise over a long text comes near; the depth is all that it depends on."""
    total, depth, text = 0.0, 0, brackets.generate(300_000, seed=2)
    for symbol in text:
        opens = brackets.SYMBOLS.index(symbol) < brackets.KINDS
        free = 0 < depth < brackets.MAX_DEPTH
        total += (math.log(2) if free else 0.0) + (math.log(brackets.KINDS) if opens else 0.0)
        depth += 1 if opens else -1
    assert total / len(text) == pytest.approx(brackets.best_loss(), abs=3e-3)


def test_seeds_differ_and_repeat():
    assert brackets.generate(50, 3) == brackets.generate(50, 3) != brackets.generate(50, 4)
    for mistake in ((0, 0), (5, -1)):
        with pytest.raises(ValueError, match="ask for one symbol or more"):
            brackets.generate(*mistake)
