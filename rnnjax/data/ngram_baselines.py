"""What counting reaches on a text: the figures that a language model has to beat."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

import numpy as np

from rnnjax.data.corpora import Corpus
from rnnjax.data.kneser_ney import KneserNey
from rnnjax.data.ngrams import Interpolated, WittenBell

LONGEST = {"byte": 7, "character": 7, "word": 3, "sign": 4}
"""Symbols of context at most: longer ones gain nothing on texts of some megabytes."""

MODELS: dict[str, Callable[..., Interpolated]] = {
    "Witten-Bell": WittenBell,
    "Kneser-Ney": KneserNey,
}


@functools.lru_cache(maxsize=2)  # of one corpus
def fitted(corpus: Corpus, name: str) -> Interpolated:
    """The model of a name in `MODELS`, of the training part."""
    longest = LONGEST[corpus.symbols.unit]
    return MODELS[name](corpus.train, len(corpus.symbols), longest, _starts(corpus, corpus.train))


def ngram_metrics(corpus: Corpus) -> dict[str, dict[str, float]]:
    """Loss, bits and perplexity per symbol of the test part, by the name of the model.

    Of each kind of smoothing the length of context that is best on the validation part; like a
    network, it sees all of the part that is before a symbol, and its first one is not scored.
    """
    found = {}
    for name in MODELS:
        model = fitted(corpus, name)
        context = int(_losses(model, corpus, corpus.validation).argmin())
        loss = float(_losses(model, corpus, corpus.test)[context])
        found[f"{name} {context + 1}-gram"] = {
            "test_loss": loss,
            "test_bits": loss / math.log(2),
            "test_perplexity": math.exp(loss),
        }
    return found


def _losses(model: Interpolated, corpus: Corpus, part: np.ndarray) -> np.ndarray:
    """Nats by length of context; the first symbol of all follows on nothing, and does not count."""
    counts = corpus.is_scored(part) & (np.arange(len(part)) > 0)
    return model.losses(part, _starts(corpus, part), mask=counts)


def _starts(corpus: Corpus, part: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.isin(part, corpus.symbols.starts))
