"""What is shown of answers: the tokens of texts, and where a model looked for an answer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from rnnjax.data.codes import WordVocabulary
from rnnjax.data.subwords import Subwords
from rnnjax.experiment import looked_at
from rnnjax.experiment.experiment import Outcome
from tests.experiment.test_encoder_decoder import ENCODING, PAIRS


def test_words_and_pieces_are_shown_as_they_are_read():
    words = WordVocabulary.of(["a b"], 1)
    assert looked_at.tokens(words, "a new b") == ["a", "new", "b"]
    pieces = Subwords.learnt(["ab ab abc"], 2)
    assert looked_at.tokens(pieces, "ab abc") == ["ab", "ab", "-c"]


@pytest.mark.parametrize("num_seeds", [1, 2])
def test_the_first_seed_is_drawn(monkeypatch, num_seeds):
    problem: Any = SimpleNamespace(
        title="mine", model="model", dataset=SimpleNamespace(test=PAIRS),
        predict=lambda params: [["x", "z", "y", "x"], []][:num_seeds],
    )  # fmt: skip
    config = SimpleNamespace(decoder="attending", num_seeds=num_seeds)
    run = Outcome(Console(), config, problem, {"w": np.arange(num_seeds)})
    drawn = []

    def aligning(model, encoding):
        assert (model, encoding) == ("model", ENCODING)

        def looked(params, sources, answers):
            assert np.asarray(params["w"]).ravel().tolist() == [0]
            return [np.zeros((2, len(source.split()))) for source in sources]

        return looked

    monkeypatch.setattr(looked_at.ed, "aligning", aligning)
    monkeypatch.setattr(looked_at, "attention_matrices", lambda *given, **_: drawn.append(given))
    looked_at.draw_attention(None, run, ENCODING, [2, 0], title=str.upper)  # pyright: ignore
    ((_, title, looked),) = drawn
    assert title == "mine"
    assert [(own.rows, own.columns, own.title) for own in looked] == [
        (["y", "end"], ["b", "a"], "B A"), (["x", "end"], ["a", "b", "c"], "A B C"),
    ]  # fmt: skip
    run.config.decoder = "context"
    looked_at.draw_attention(None, run, ENCODING, [0])  # pyright: ignore
    assert len(drawn) == 1
