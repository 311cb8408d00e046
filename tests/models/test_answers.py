"""The answers of an encoder and a decoder, whoever else is asked for."""

# linen's `apply` returns a union.
# pyright: reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

from rnnjax import SimpleRNN
from rnnjax import attention as at
from rnnjax.models import EncoderDecoder
from rnnjax.models.answers import alignments, answer
from tests.models.test_encoder_decoder import MODELS, E, H, V, W
from tests.running import quick_jit

pytestmark = pytest.mark.usefixtures("x64")

START, END = 1, 2
DOT = EncoderDecoder(
    V, W, SimpleRNN(E, H), at.Attending(SimpleRNN(E, H), at.Dot(H, H)), E, bridge="copy"
)


@pytest.fixture(scope="module")
def sources():
    rng = np.random.default_rng(3)
    return [rng.integers(3, V, n) for n in (5, 1, 9, 3, 2, 5, 12)]


def drawn(name: str) -> Any:
    model = DOT if name == "dot" else MODELS[name]
    example = np.ones((1, 2), np.int32)
    key = jax.random.key(1)
    params = jax.eval_shape(model.init, key, example, example > 0, example)["params"]
    rng = np.random.default_rng(5)
    return model, jax.tree.map(lambda a: rng.normal(size=a.shape) * 2, params)


@pytest.mark.parametrize(("name", "beam_size"), [("copied", 3), ("context", 1), ("location", 3)])
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
    first = first | {"bias": first["bias"] + 4 * np.eye(W)[END]}  # so that some answers end
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
    assert members > 1 or any(len(best) < 3 for best, *_ in found.tokens)


def test_a_penalty_on_places_needs_attention(sources):
    model, params = drawn("copied")
    with pytest.raises(ValueError, match="needs a decoder with attention"):
        answer(model, params, sources, start=1, end=2, max_steps=3, coverage_penalty=0.1)


@pytest.mark.parametrize("name", ["attending", "input feeding", "location"])
def test_alignments_are_where_the_model_looks_before_each_number(name, sources):
    model, params = drawn(name)
    targets = [np.random.default_rng(i).integers(3, 7, n) for i, n in enumerate((3, 9, 1))]
    found = alignments(model, params, sources[:3], targets, start=START)
    for source, target, weights in zip(sources, targets, found, strict=False):
        assert weights.shape == (len(target), len(source))
        np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-12)  # nothing on padding
        known: Any = model.apply(
            {"params": params}, source[None], source[None] > 0, method="encode"
        )
        encoded, carry = known
        for number, own in zip([START, *target], weights, strict=False):
            read = np.array([number])
            stepped: Any = model.apply({"params": params}, encoded, carry, read, method="step")
            carry, _, wanted = stepped
            np.testing.assert_allclose(own, wanted[0], atol=1e-12)


def test_alignments_are_the_written_out_attention():
    """A plain tanh cell that asks for its state by dot products, in NumPy."""
    model, params = drawn("dot")
    source, target = np.array([3, 7, 4, 4]), np.array([5, 3, 6])
    (weights,) = alignments(model, params, [source], [target], start=START)
    read, write = params["read"], params["write"]
    h, states = np.zeros(H), []
    for number in source:
        x = params["sources"]["embedding"][number]
        h = np.tanh(x @ read["w_x"] + h @ read["w_h"] + read["b"])
        states.append(h)
    memory, s = np.array(states), h
    for row, number in zip(weights, [START, *target], strict=False):
        scores = memory @ s
        expected = np.exp(scores - scores.max())
        expected /= expected.sum()
        np.testing.assert_allclose(row, expected, atol=1e-10)
        z = params["targets"]["embedding"][number] @ write["cell"]["w_x"]
        z = z + expected @ memory @ write["more"] + write["cell"]["b"]
        s = np.tanh(z + s @ write["cell"]["w_h"])


def test_a_decoder_without_attention_looks_nowhere(sources):
    model, params = drawn("copied")
    with pytest.raises(ValueError, match="Stack has no attention"):
        alignments(model, params, sources[:1], [np.array([3])], start=START)
