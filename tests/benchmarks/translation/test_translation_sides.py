"""rnnjax as the benchmark has it, beside a transcription."""

import numpy as np
import pytest

from benchmarks.peers import Settings, load
from benchmarks.translation import convert
from benchmarks.translation.work import TranslationWork, make_batch
from benchmarks.work import Row
from tests.benchmarks.translation.transcription import Sentence, search
from tests.slow import slow_but

SETTINGS = Settings(threads=1)
WORK = TranslationWork("small", 3, 5, 6, 31, 4, 2)
TRAINING = Row("training", "train", WORK)
SEARCHES = {
    size: Row("search", "answer", TranslationWork("search", 9, 8, 6, 31, 4, 2, beam_size=size))
    for size in (1, 3)
}


def built(side, row, **variant):
    weights = convert.initial_weights(row)
    given = convert.to_side(side, row, weights)
    return load(side, row).build(row, given, SETTINGS, **variant)


@pytest.fixture(scope="module")
def training():
    return built("rnnjax", TRAINING, in_loop=False)


@pytest.mark.slow
def test_the_loss_of_a_training_step(training):
    weights, surprises = convert.initial_weights(TRAINING), []
    for source, before, target in zip(*make_batch(TRAINING), strict=True):
        sentence = Sentence(weights, source)
        h = sentence.first
        for last, symbol in zip(before, target, strict=True):
            h, log_probs = sentence.step(h, last)
            surprises.append(-log_probs[symbol])
    first = float(training.run())
    assert first == pytest.approx(np.mean(surprises), rel=1e-5)
    assert float(training.run()) < first


@pytest.mark.slow
def test_the_loop_takes_the_same_steps(training):
    single, loop = (built("rnnjax", TRAINING, in_loop=way) for way in (False, True))
    for _ in range(3):
        assert float(loop.run()) == pytest.approx(float(single.run()), rel=1e-5)
    found, expected = loop.gradients(), single.gradients()
    assert found.keys() == expected.keys() == convert.initial_weights(TRAINING).keys()
    for name, gradient in expected.items():
        np.testing.assert_allclose(found[name], gradient, atol=1e-6)


@pytest.mark.parametrize("beam_size", slow_but({3}, SEARCHES))
def test_the_search(beam_size):
    row = SEARCHES[beam_size]
    program = built("rnnjax", row)
    tokens, scores = program.found(program.run())
    weights, differ = convert.initial_weights(row), 0
    for source, written, score in zip(make_batch(row)[0], tokens, scores, strict=True):
        expected, best = search(weights, source, beam_size, 8)
        assert written.tolist() == expected
        assert score == pytest.approx(best, rel=1e-5)
        differ += expected != search(weights, source, 1, 8)[0]
    assert differ or beam_size == 1  # the likeliest symbols are not always the best sentence
