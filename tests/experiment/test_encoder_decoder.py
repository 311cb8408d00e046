"""What experiments from sequence to sequence share: the models of the flags, pairs as arrays."""

# pyright: reportArgumentType=false

from __future__ import annotations

import dataclasses
import sys

import jax
import numpy as np
import pytest

import rnnjax.experiment as xp
from rnnjax import attention as at
from rnnjax.data.codes import END, START, WordVocabulary
from rnnjax.data.pairs import Pairs
from rnnjax.experiment import encoder_decoder as ed
from rnnjax.experiment.bleu import bleu, detokenised, raw_bleu
from rnnjax.models.own_words import with_own_words
from rnnjax.training.lengths import batches_by_length
from rnnjax.training.sequence_losses import symbol_losses
from tests.running import quick_jit

PAIRS = Pairs(
    ("a b c", "c", "b a", "a b c a b c"),
    (("x y",), ("z", "z z"), ("y x y",), ("x y z x y z",)),
)
ENCODING = ed.Encoding(
    WordVocabulary.of(PAIRS.sources, 1), WordVocabulary.of(["x x y y z"], 1), reverse=True
)
SMALL = {"hidden_size": 3, "embedding_size": 2, "max_length": 5}


def test_pairs_become_numbers_behind_a_start_and_before_an_end():
    arrays = ENCODING.arrays(PAIRS, longest=5)
    assert len(arrays.sources) == 4, "all but the last, with both answers of the second"
    source, before, target = (array[0].tolist() for array in arrays)
    symbols = ENCODING.source.symbols
    assert [symbols[n] for n in source] == ["c", "b", "a", "<pad>", "<pad>"]
    x, y = ENCODING.target.encode("x y")
    assert before == [START, x, y, 0, 0]
    assert target == [x, y, END, 0, 0]
    assert arrays.lengths.tolist() == [3, 2, 3, 4]
    assert ENCODING.arrays(PAIRS).sources.shape == (5, 7)
    with pytest.raises(xp.UsageError, match="--max_length=1: all pairs are longer"):
        ENCODING.arrays(PAIRS, longest=1)


@pytest.mark.parametrize(
    ("given", "decoder"),
    [
        ({"decoder": "plain", "bridge": "copy", "bidirectional": False, "num_layers": 2}, None),
        ({"decoder": "context"}, None),
        ({"decoder": "attending", "attention": "location"}, at.Attending),
        ({"decoder": "input_feeding", "tied": True, "readout": "plain"}, at.InputFeeding),
        ({"decoder": "conditional", "readout": "deep", "tied": True}, at.Conditional),
    ],
)
def test_every_decoder_of_the_flags_learns(given, decoder):
    config = dataclasses.replace(ed.Config(**SMALL, dropout=0.0, readout_dropout=0.0), **given)
    model = ed.build_model(config, len(ENCODING.source), len(ENCODING.target))
    assert decoder is None or isinstance(model.decoder, decoder)
    arrays = ENCODING.arrays(PAIRS, longest=5)
    layout = xp.Layout.single()
    _, cut = batches_by_length(arrays.lengths, 5, 4, 2, multiple=4)
    loss, sums = ed.learning(config, layout, model, cut, num_updates=10)
    params = xp.initializing(model, *ed.A_PAIR)(jax.random.key(0))
    rows, _ = quick_jit(lambda p: loss(p, (), arrays, jax.random.key(1), 0))(params)
    logits = _logits(model, params, arrays, arrays.before)
    each = np.asarray(symbol_losses(logits, arrays.targets))[arrays.targets > 0]
    np.testing.assert_allclose(rows.mean(), each.mean(), rtol=1e-5)
    found = ed.scoring(sums, arrays, layout, "validation")(params)
    np.testing.assert_allclose(found["validation_loss"], each.mean(), rtol=1e-5)
    np.testing.assert_allclose(found["validation_perplexity"], np.exp(each.mean()), rtol=1e-4)


def _logits(model, params, arrays, before):
    inputs = arrays.sources, arrays.sources > 0, before
    return quick_jit(lambda p: model.apply({"params": p}, *inputs))(params)


def test_a_decoder_reads_more_and_more_of_its_own_words():
    config = ed.Config(
        **SMALL, dropout=0.0, readout_dropout=0.0, right_words=0.0, right_words_schedule="linear"
    )
    model = ed.build_model(config, len(ENCODING.source), len(ENCODING.target))
    arrays = ENCODING.arrays(PAIRS, longest=5)
    layout = xp.Layout.single()
    _, cut = batches_by_length(arrays.lengths, 5, 4, 1, multiple=4)
    params = xp.initializing(model, *ed.A_PAIR)(jax.random.key(0))
    params = jax.tree.map(lambda a: 3 * a, params)  # so that words differ
    loss, _ = ed.learning(config, layout, model, cut, num_updates=10)
    of_step = quick_jit(lambda n: loss(params, (), arrays, jax.random.key(1), n)[0].mean())
    first, last = (float(of_step(n)) for n in (0, 10))
    read = {}
    mixed = quick_jit(
        lambda right: with_own_words(model, params, arrays.sources, arrays.before, right)
    )
    for name, is_right in {"right": True, "own": False}.items():
        chosen = np.full(arrays.before.shape, is_right)
        read[name] = mixed(chosen)
    for found, words in ((first, read["right"]), (last, read["own"])):
        logits = _logits(model, params, arrays, words)
        each = np.asarray(symbol_losses(logits, arrays.targets))[arrays.targets > 0]
        np.testing.assert_allclose(found, each.mean(), rtol=1e-5)
    assert abs(first - last) > 1e-3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bridge": "copy"}, "say --nobidirectional, or --bridge=tanh"),
        ({"attention": "dot"}, "--attention=dot: Dot: query and memory must have the same size"),
        ({"decoder": "conditional", "num_layers": 2}, "say --num_layers=1"),
    ],
)
def test_flags_that_contradict_are_told(given, message):
    with pytest.raises(xp.UsageError, match=message):
        ed.build_model(ed.Config(**SMALL | given), 9, 9)


def test_bleu_counts_words_as_they_stand():
    answers = ["a man &apos;s dog , running", "two"]
    assert bleu(answers, [[answers[0]], ["two"]]).score == pytest.approx(100)
    one = bleu(answers, [["a man &apos;s dog , sleeping"], ["two"]])
    assert 0 < one.score < 100
    assert "tok:none" in one.signature
    several = bleu(answers, [["nothing", answers[0]], ["two"]])
    assert several.score == pytest.approx(100)


def test_raw_texts_are_compared_without_case_and_split_again():
    answers = ["a man &apos;s t @-@ shirt , red .", "( two )"]
    assert detokenised(answers, "en") == ["a man's t-shirt, red.", "(two)"]
    assert detokenised(["l&apos; eau d &apos; or"], "fr")[0].startswith("l'eau")
    found = raw_bleu(answers, ["A man's T-shirt, red.", "(Two)"], "en")
    assert found.score == pytest.approx(100)
    assert "case:lc" in found.signature
    assert "tok:13a" in found.signature
    assert raw_bleu(answers, ["A man's T-shirt, blue.", "(Two)"], "en").score < 99


def test_a_library_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacremoses", None)
    with pytest.raises(xp.UsageError, match="needs the library sacremoses, which is not installed"):
        raw_bleu(["a"], ["a"], "en")
