"""Pairs of texts, and what is told of them."""

from __future__ import annotations

from rnnjax.data.pairs import PairDataset, Pairs, normalized

TWO = Pairs(("a b", "c"), (("x", "y z"), ("z",)))
ONE = Pairs(("d",), (("w",),))


def test_every_right_answer_is_an_example():
    assert TWO.examples() == [("a b", "x"), ("a b", "y z"), ("c", "z")]
    assert Pairs((), ()).examples() == []


def test_what_is_told():
    dataset = PairDataset("toy", "a test", "none needed", "letters", "sounds", TWO, ONE, ONE)
    assert dataset.described() == (
        "pairs    2 (with 3 answers) to train, 1 to validate, 1 to test; letters to sounds\n"
        "licence  none needed"
    )
    assert dataset.warning is dataset.best_exact is None


def test_single_blanks_stand_between_tokens():
    assert normalized("\ta\u00a0 b  c\r\n") == "a b c"
