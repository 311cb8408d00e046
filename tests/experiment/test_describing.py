"""What is learnt of descriptions, and how they are judged."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from rnnjax import LSTM
from rnnjax.attention import Additive, Attending
from rnnjax.data.codes import END, PAD, START, WordVocabulary
from rnnjax.data.described_pictures import DescribedPictures, Part
from rnnjax.devices.layout import Layout
from rnnjax.errors import UsageError
from rnnjax.experiment import describing as ds
from rnnjax.models import PictureDescriber
from rnnjax.training.sequence_losses import scoring_symbols

TEXTS = (("a b", "b a a"), ("b",))
WORDS = WordVocabulary.of(["a b a"], min_count=1)
PART = Part(np.arange(2 * 4 * 4, dtype=np.uint8).reshape(2, 4, 4, 1), TEXTS)
A, B = 4, 5


def test_descriptions_become_numbers():
    found = ds.examples(PART, WORDS, 4)
    assert found.targets.tolist() == [
        [[A, B, END, PAD], [B, A, A, END]],
        [[B, END, PAD, PAD], [PAD] * 4],
    ]
    assert found.before.tolist() == [
        [[START, A, B, PAD], [START, B, A, A]],
        [[START, B, PAD, PAD], [PAD] * 4],
    ]
    with pytest.raises(UsageError, match="--max_length=3: a description has 4 words"):
        ds.examples(PART, WORDS, 3)


class Fixed(nn.Module):
    """Logits that depend on the word before alone, so that losses can be counted by hand."""

    @nn.compact
    def __call__(self, pictures: jax.Array, before: jax.Array, training: bool = False) -> Any:
        del pictures, training
        return self.param("table", nn.initializers.normal(), (6, 6))[before]


def losses_of(table, texts):
    """Of each text the sum over its words, and its end."""
    log = table - np.log(np.exp(table).sum(axis=1, keepdims=True))
    return [-sum(log[a, b] for a, b in zip([START, *t], [*t, END], strict=True)) for t in texts]


def test_losses_are_of_one_description_to_learn_and_of_all_to_score():
    table = np.random.default_rng(0).normal(size=(6, 6))
    params, data = {"table": jnp.asarray(table, jnp.float32)}, ds.examples(PART, WORDS, 4)
    model: Any = Fixed()
    loss, sums = ds.learning(SimpleNamespace(precision="f32"), model)
    one, two, other = losses_of(table, [[A, B], [B, A, A], [B]])
    np.testing.assert_allclose(sums(params, data), [[one + two, 7], [other, 2]], rtol=1e-5)
    score = scoring_symbols(sums, data, Layout.single(), "test")(params)
    np.testing.assert_allclose(score["test_loss"], (one + two + other) / 9, rtol=1e-5)
    np.testing.assert_allclose(score["test_perplexity"], np.exp((one + two + other) / 9), rtol=1e-5)
    # Rows whose mean is that over the symbols of whichever description was drawn.
    either = {
        tuple(np.round([2 * first / (n + 2), 2 * other / (n + 2)], 4))
        for first, n in ((one, 3), (two, 4))
    }
    drawn = {
        tuple(np.round(loss(params, (), data, jax.random.key(i))[0], 4).tolist()) for i in range(12)
    }
    assert np.allclose(sorted(drawn), sorted(either), atol=2e-4)


def test_scenes_are_judged_by_their_sentences_too():
    truth = "the digit two is at the top left"
    part = Part(PART.pictures, ((truth,), (truth,)))
    said = [truth, "the digit two is at the top right"]
    data: Any = SimpleNamespace(name="seven_segments")
    found = ds.judged(data, part, said)
    assert found == {
        "exact": 0.5, "f1": 0.9375, "sentence": 0.5, "digits": 1.0, "relation": 0.5
    }  # fmt: skip
    data.name = "emoji"
    assert ds.judged(data, part, said).keys() == {"exact", "f1"}


def test_further_tests_stand_beside_the_nearest_picture():
    train = Part(PART.pictures, (("a",), ("b",)))
    data = DescribedPictures("emoji", train, train, train, {"new": PART}, "", "")
    told = ds.further(data, {"new": ["a b", "a"]})
    assert told == {
        "new": {"exact": 0.5, "f1": 0.5, "nearest_exact": 0.5, "nearest_f1": pytest.approx(5 / 6)}
    }


def test_looks_and_sheets(tmp_path):
    decoder = Attending(LSTM(3, 4), Additive(4, 5, 6))
    model = PictureDescriber(6, decoder, 3, channels=(5,))
    example = PART.pictures, np.ones((2, 2), np.int32)
    shapes = jax.eval_shape(model.init, jax.random.key(0), *example)["params"]
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda a: rng.normal(size=a.shape).astype(np.float32), shapes)
    wide = np.zeros((4, 7, 1), np.uint8)
    found = ds.looks(model, params, wide, [A, B])
    assert found.shape == (3, 2, 4)
    np.testing.assert_allclose(found.sum(axis=(1, 2)), 1, rtol=1e-5)
    # The first two words are looked for before either of them is read, the end after them.
    other = ds.looks(model, params, wide, [B, B])
    np.testing.assert_allclose(other[:2], found[:2], rtol=1e-6)
    assert np.abs(other[2] - found[2]).max() > 1e-4
    kind = ds.Kind(4, 7, 1, "english")
    assert ds.Kind.from_json(kind.to_json()) == kind
    assert kind.shape == (4, 7, 1)
    assert ds.draw_looks(tmp_path / "a.png", model, params, wide, "a b", WORDS, kind) is None
    written = {"one": ["a b", "a"], "two": ["a", "b"]}
    assert ds.draw_sheet(tmp_path / "b.png", "title", PART, written, kind, each=1) is None
    assert all((tmp_path / name).stat().st_size > 1000 for name in ("a.png", "b.png"))


def test_a_sheet_has_right_ones_and_wrong_ones(tmp_path, monkeypatch):
    part = Part(np.zeros((5, 2, 2, 1), np.uint8), tuple((text,) for text in "aabba"))
    drawn = []
    monkeypatch.setattr(ds, "contact_sheet", lambda *given: drawn.append(given))
    ds.draw_sheet(tmp_path, "t", part, {"x": list("aaaaa")}, ds.Kind(2, 2, 1, "english"), each=2)
    ((_, _, pictures, truths, written),) = drawn
    assert truths == [["a"], ["a"], ["b"], ["b"]]
    assert written == {"x": ["a"] * 4}
    assert len(pictures) == 4
