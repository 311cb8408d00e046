"""The answers of an encoder and a decoder, whoever else is asked for."""

# linen's `apply` returns a union.
# pyright: reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from rnnjax.models.answers import answer
from tests.models.test_encoder_decoder import MODELS, V
from tests.running import quick_jit

pytestmark = pytest.mark.usefixtures("x64")

START, END = 1, 2


@pytest.fixture(scope="module")
def sources():
    rng = np.random.default_rng(3)
    return [rng.integers(3, V, n) for n in (5, 1, 9, 3, 2, 5, 12)]


def drawn(name: str) -> Any:
    model = MODELS[name]
    example = np.ones((1, 2), np.int32)
    params = model.init(jax.random.key(1), example, example > 0, example)["params"]
    rng = np.random.default_rng(5)
    return model, jax.tree.map(lambda a: rng.normal(size=a.shape) * 2, params)


@pytest.mark.parametrize("name", ["copied", "context", "location"])
@pytest.mark.parametrize("beam_size", [1, 3])
def test_an_answer_is_that_to_the_source_alone(name, beam_size, sources):
    model, params = drawn(name)
    options: dict[str, Any] = {"start": START, "end": END, "max_steps": 6, "beam_size": beam_size}
    options |= {"num_results": beam_size, "length_penalty": 0.6}
    together = answer(model, params, sources, batch_size=4, **options)
    assert len(together.tokens) == len(sources)
    for i, source in enumerate(sources):
        alone = answer(model, params, [source], batch_size=1, **options)
        np.testing.assert_allclose(together.scores[i], alone.scores[0], atol=1e-10)
        for own, other in zip(together.tokens[i], alone.tokens[0], strict=True):
            np.testing.assert_array_equal(own, other)


def test_one_beam_takes_the_most_probable_number_each_time(sources):
    model, params = drawn("attending")
    found = answer(model, params, sources, start=START, end=END, max_steps=5)
    run = quick_jit(
        lambda source, mask, before: model.apply({"params": params}, source, mask, before)
    )
    for source, (tokens,) in zip(sources, found.tokens, strict=True):
        filled = np.pad(source, (0, 12 - len(source)))[None]
        written = np.full((1, 6), START)
        for t in range(5):
            logits: Any = run(filled, filled > 0, written[:, :5])
            written[0, t + 1] = int(logits[0, t].argmax())
        wanted = written[0, 1:].tolist()
        assert tokens.tolist() == (wanted[: wanted.index(END)] if END in wanted else wanted)
