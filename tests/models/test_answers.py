"""The answers of an encoder and a decoder, whoever else is asked for."""

# linen's `apply` returns a union.
# pyright: reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from rnnjax.models.answers import answer
from tests.models.test_encoder_decoder import MODELS, V, W
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


def brute_force(model, params_of_all, source, max_steps, alpha, beta):
    """The best of all answers, scored by whole targets of every model."""
    targets = np.stack(np.meshgrid(*[np.arange(W)] * max_steps, indexing="ij"), -1)
    targets = targets.reshape(-1, max_steps)
    before = np.concatenate((np.full((len(targets), 1), START), targets[:, :-1]), 1)
    sources = np.repeat(source[None], len(targets), 0)
    probs, weights = [], []
    for params in params_of_all:
        logits: Any = model.apply({"params": params}, sources, sources > 0, before)
        probs.append(jax.nn.softmax(logits))
        known: Any = model.apply({"params": params}, sources, sources > 0, method="encode")
        encoded, carry = known
        own = []
        for t in range(max_steps):
            stepped: Any = model.apply(
                {"params": params}, encoded, carry, before[:, t], method="step"
            )
            carry, _, at = stepped
            own.append(at)
        weights.append(np.stack(own, 1))
    mean, looked = np.mean(probs, axis=0), np.mean(weights, axis=0)
    each = np.log(np.take_along_axis(mean, targets[..., None], 2)[..., 0])
    ended = np.cumsum(targets == END, axis=1) - (targets == END) > 0
    lengths = (~ended).sum(1)
    total = np.where(ended, 0, each).sum(1) / ((5 + lengths) / 6) ** alpha
    covered = np.where(ended[..., None], 0, looked).sum(1)
    total += beta * np.log(np.minimum(covered, 1)).sum(1)
    best = total.argmax()
    return total[best], targets[best, : lengths[best]]


@pytest.mark.parametrize(("members", "beta"), [(1, 0.7), (2, 0.0), (2, 0.7)])
def test_ensembles_and_penalties_find_the_best_of_all_answers(members, beta):
    model, first = drawn("attending")
    other = jax.tree.map(lambda a: a[..., ::-1] * 1.1, first)
    every = [first, other][:members]
    params = jax.tree.map(lambda *a: np.stack(a), *every) if members > 1 else first
    sources = [np.array([4, 7, 3]), np.array([5, 3])]
    found = answer(
        model, params, sources, start=START, end=END, max_steps=3, beam_size=W**2,
        length_penalty=0.8, coverage_penalty=beta, is_ensemble=members > 1, batch_size=2,
    )  # fmt: skip
    for i, source in enumerate(sources):
        score, tokens = brute_force(model, every, source, 3, 0.8, beta)
        np.testing.assert_allclose(found.scores[i, 0], score, atol=1e-6)
        assert found.tokens[i][0].tolist() == tokens[tokens != END].tolist()


def test_a_penalty_on_places_needs_attention(sources):
    model, params = drawn("copied")
    with pytest.raises(ValueError, match="needs a decoder with attention"):
        answer(model, params, sources, start=1, end=2, max_steps=3, coverage_penalty=0.1)
