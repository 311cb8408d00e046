"""rnnjax as the benchmark has it, beside a transcription, and what is compared of draws."""

from typing import Any

import numpy as np
import pytest

from benchmarks.agreement import compare
from benchmarks.language import convert, ours
from benchmarks.language.work import LanguageWork, make_batch
from benchmarks.language.written import compared, surprise
from benchmarks.peers import Settings
from benchmarks.work import Row
from tests.slow import slow_but

SETTINGS = Settings(threads=1)
LETTERS = LanguageWork("letters", 40, 30, 11, 6)
WORDS = LanguageWork("words", 3, 5, 40, 8, 7, (10, 25), 2.0)


def logits_of(weights, symbols):
    """Two layers and a dense one in NumPy, ``[T, B]`` to ``[T, B, V]``."""
    w: Any = {name: a.astype(np.float64) for name, a in weights.items()}
    size, found = len(w["rnn.0.w_h"]), []
    states = [(np.zeros((symbols.shape[1], size)),) * 2 for _ in range(2)]
    for each in symbols:
        x = np.eye(len(w["rnn.0.w_x"]))[each]
        for i, (h, c) in enumerate(states):
            z = x @ w[f"rnn.{i}.w_x"] + h @ w[f"rnn.{i}.w_h"] + w[f"rnn.{i}.b"]
            gates = np.split(z, 4, axis=-1)
            i_, f, o = (1 / (1 + np.exp(-gates[k])) for k in (0, 1, 3))
            c = f * c + i_ * np.tanh(gates[2])
            x = o * np.tanh(c)
            states[i] = x, c
        found.append(x @ w["to_logits.kernel"] + w["to_logits.bias"])
    return np.stack(found)


def built(work, kind, **variant):
    row = Row(work.name, kind, work)
    weights = convert.initial_weights(row)
    return row, weights, ours.build(row, weights, SETTINGS, **variant)


@pytest.mark.parametrize("looks_up", slow_but({True}, [False, True]))
def test_writing(looks_up):
    row, weights, program = built(LETTERS, "sample", looks_up=looks_up)
    drawn = program.to_numpy(program.run())
    assert drawn.shape == (30, 40)
    logits, surprised = compared(row, program, drawn)  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(logits, logits_of(weights, make_batch(row)[0].T), atol=1e-5)
    # 1,200 draws tell their distribution from an even one, and from the likeliest symbol alone.
    before = np.concatenate((np.zeros((1, 40), int), drawn[:-1]))
    expected = logits_of(weights, before)
    log_p = expected - np.logaddexp.reduce(expected, axis=-1, keepdims=True)
    of_drawn = np.take_along_axis(log_p, drawn[..., None], axis=-1)
    assert surprised == pytest.approx(-of_drawn.mean(), rel=1e-5)
    entropy = -(np.exp(log_p) * log_p).sum(-1).mean()
    assert surprised == pytest.approx(entropy, rel=0.05)
    even = np.random.default_rng(0).integers(0, 11, drawn.shape)
    assert surprise(program, even) > 1.1 * entropy  # pyright: ignore[reportArgumentType]


def test_the_loss_of_a_training_step():
    row, weights, program = built(LETTERS, "train", in_loop=False)
    x, y = (a.T for a in make_batch(row))
    logits = logits_of(weights, x)
    of_y = np.take_along_axis(logits, y[..., None], axis=-1)[..., 0]
    loss = (np.logaddexp.reduce(logits, axis=-1) - of_y).mean()
    assert float(program.run()) == pytest.approx(loss, rel=1e-5)
    assert float(program.run()) < loss


@pytest.mark.slow
def test_words_in_the_loop_take_the_same_steps():
    _, weights, single = built(WORDS, "train", in_loop=False)
    _, _, loop = built(WORDS, "train", in_loop=True)
    for _ in range(3):
        assert float(loop.run()) == pytest.approx(float(single.run()), rel=1e-5)
    found, expected = loop.gradients(), single.gradients()
    assert found.keys() == expected.keys() == weights.keys()
    for name, gradient in expected.items():
        np.testing.assert_allclose(found[name], gradient, atol=1e-6)


def test_draws_may_differ_and_their_distribution_not():
    logits, drawn = np.arange(6, dtype=np.float32), np.array(2.0)
    mine = {"output.0": logits, "output.1": drawn}
    assert compare("sample", mine, mine | {"output.1": drawn * 1.02})["disagrees"] is None
    assert "output.1" in str(compare("sample", mine, mine | {"output.1": drawn * 1.2})["disagrees"])
    assert "output.0" in str(
        compare("sample", mine, mine | {"output.0": 1.01 * logits})["disagrees"]
    )
