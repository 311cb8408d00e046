"""Every way in which PyTorch's side of the benchmark writes translation computes what ours does."""

import numpy as np
import pytest

from benchmarks.agreement import compare
from benchmarks.peers import Settings, load
from benchmarks.translation import convert
from benchmarks.translation.work import CLIP_NORM, TranslationWork, make_batch
from benchmarks.work import Row
from tests.benchmarks.translation.transcription import search

WORK = TranslationWork("small", 3, 5, 6, 31, 4, 2)
TRAINING = Row("training", "train", WORK)


def built(side, row, **variant):
    given = convert.to_side(side, row, convert.initial_weights(row))
    return load(side, row).build(row, given, Settings(threads=1), **variant)


def results(side, **variant):
    program = built(side, TRAINING, **variant)
    gradients = convert.from_side(side, TRAINING, program.gradients())
    found = {f"gradient.{name}": np.asarray(a) for name, a in gradients.items()}
    return found | {f"output.{i}": program.to_numpy(program.run()).copy() for i in range(3)}


def test_a_training_step():
    ours = results("rnnjax", in_loop=False)
    for ahead in (False, True):
        agreement = compare("train", ours, results("torch", ahead=ahead, fused=ahead))
        assert agreement["disagrees"] is None
        assert agreement["differences"]["gradients"] < 1e-5


def test_the_gradient_is_clipped():
    program = built("torch", TRAINING, ahead=True, fused=False)
    assert program.clip_norm == CLIP_NORM
    program.clip_norm = 1e-3
    program.run()
    total = sum(float((p.grad**2).sum()) for p in program.model.parameters())
    assert total**0.5 == pytest.approx(1e-3, rel=1e-3)


@pytest.mark.parametrize(
    ("beam_size", "variant"),
    [
        (1, {"ahead": False}),
        (1, {"ahead": True}),
        (3, {"ahead": False, "each_first": False}),
        (3, {"ahead": True, "each_first": True}),
    ],
)
def test_a_search(beam_size, variant):
    work = TranslationWork("search", 9, 8, 6, 31, 4, 2, beam_size=beam_size)
    row = Row("search", "answer", work)
    program = built("torch", row, **variant)
    tokens, scores = program.found(program.run())
    weights = convert.initial_weights(row)
    for source, written, score in zip(make_batch(row)[0], tokens, scores, strict=True):
        expected, best = search(weights, source, beam_size, 8)
        assert written.tolist() == expected
        assert score == pytest.approx(best, rel=1e-5)
