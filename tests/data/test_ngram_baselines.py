"""The n-grams that stand beside a language model."""

from __future__ import annotations

import math

import pytest

from rnnjax.data import brackets
from rnnjax.data.corpora import Corpus
from rnnjax.data.ngram_baselines import ngram_metrics
from rnnjax.data.symbols import Symbols


def test_the_length_of_context_is_chosen_on_validation():
    symbols = Symbols("character", tuple(brackets.SYMBOLS))
    train, validation, test = (
        symbols.encode(brackets.generate(size, size)) for size in (20_000, 4_000, 3_000)
    )
    found = ngram_metrics(Corpus("brackets", train, validation, test, symbols, "here", "none"))
    smoothings = {name.split()[0] for name in found}
    assert smoothings == {"Witten-Bell", "Kneser-Ney"}
    for name, figures in found.items():
        assert name.endswith("-gram")
        # They can't remember what was opened long ago, but a few symbols help.
        assert brackets.best_loss() < figures["test_loss"] < 1.7
        assert figures["test_perplexity"] == pytest.approx(math.exp(figures["test_loss"]))
        assert figures["test_bits"] == pytest.approx(figures["test_loss"] / math.log(2))
