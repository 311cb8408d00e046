"""What counting reaches on a text: the figures that a language model has to beat."""

from __future__ import annotations

import math
from collections.abc import Callable

from rnnjax.data.corpora import Corpus
from rnnjax.data.kneser_ney import KneserNey
from rnnjax.data.ngrams import Interpolated, WittenBell

LONGEST = {"byte": 7, "character": 7, "word": 3}
"""Symbols of context at most: longer ones gain nothing on texts of some megabytes."""

MODELS: dict[str, Callable[..., Interpolated]] = {
    "Witten-Bell": WittenBell,
    "Kneser-Ney": KneserNey,
}


def ngram_metrics(corpus: Corpus) -> dict[str, dict[str, float]]:
    """Loss, bits and perplexity per symbol of the test part, by the name of the model.

    Of each kind of smoothing the length of context that is best on the validation part; like a
    network, it sees all of the part that is before a symbol, and its first one is not scored.
    """
    found = {}
    for name, kind in MODELS.items():
        longest = LONGEST[corpus.symbols.unit]
        model = kind(corpus.train, len(corpus.symbols), longest)
        context = int(model.log_probs(corpus.validation)[:, 1:].mean(axis=1).argmax())
        loss = -float(model.log_probs(corpus.test)[context, 1:].mean())
        found[f"{name} {context + 1}-gram"] = {
            "test_loss": loss,
            "test_bits": loss / math.log(2),
            "test_perplexity": math.exp(loss),
        }
    return found
