"""What a run of pairs leaves for others."""

# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import numpy as np

import rnnjax.experiment as xp
from rnnjax.data.codes import END, WordVocabulary
from rnnjax.experiment import encoder_decoder as ed
from rnnjax.experiment import pair_tasks
from rnnjax.export.stablehlo import stablehlo_function, to_stablehlo
from tests.experiment.test_encoder_decoder import ENCODING, SMALL


def test_an_exported_run_answers_as_the_run_does(monkeypatch):
    config = ed.Config(**SMALL, beam_size=2, reverse_source=True)
    model = ed.build_model(config, len(ENCODING.source), len(ENCODING.target))
    params = xp.initializing(model, *ed.A_PAIR)(jax.random.key(0))
    params["to_logits"]["bias"] = params["to_logits"]["bias"].at[END].set(-1)  # not at once
    monkeypatch.setattr(pair_tasks, "trained", lambda config, kind: (model, params, ENCODING))
    exported = pair_tasks.exported(config, WordVocabulary, "title", "a word", "its sounds")
    file = to_stablehlo(exported.serve, exported.inputs)
    texts = ["a b c", "c"]
    sources = np.array([[*ENCODING.sources(["a b c"])[0]], [ENCODING.sources(["c"])[0][0], 0, 0]])
    found = stablehlo_function(file, exported.inputs)({"sources": sources.astype(np.int32)})
    asked = ed.answering(config, model, ENCODING)(params, texts)
    assert found.keys() == exported.outputs.keys()
    for row, (own, *_) in enumerate(asked.tokens):
        assert found["answers"][row][: len(own)].tolist() == own.tolist()
        assert found["lengths"][row] >= len(own)
    assert max(len(own[0]) for own in asked.tokens) > 1
    np.testing.assert_allclose(found["scores"], asked.scores[:, 0], rtol=1e-5)
    assert "read from their end" in exported.notes
    assert set(exported.files) == {"source.json", "target.json"}
