"""Best path, prefix beam search and occupancy beside sums over all paths."""

from __future__ import annotations

import collections
import itertools

import jax
import numpy as np
import pytest

from rnnjax.decoding.ctc import NOTHING, best_path, occupancy, prefix_beam_search

BLANK, CLASSES, TIME = 1, 3, 5
LENGTHS = (5, 3, 4)
"""Of three rows, the last of which is padded in front."""


def collapsed(path):
    return tuple(k for k, _ in itertools.groupby(path) if k != BLANK)


def paths_of(log_probs):
    """Every path of steps ``[T, C]``, and the logarithm of its probability."""
    for path in itertools.product(range(CLASSES), repeat=len(log_probs)):
        yield path, sum(log_probs[t, k] for t, k in enumerate(path))


def sequences_of(log_probs):
    """log p of every sequence, by its tokens."""
    found = collections.defaultdict(list)
    for path, score in paths_of(log_probs):
        found[collapsed(path)].append(score)
    return {tokens: np.logaddexp.reduce(scores) for tokens, scores in found.items()}


@pytest.fixture
def given(x64):
    del x64
    logits = 2 * np.random.default_rng(3).normal(size=(3, TIME, CLASSES))
    mask = np.arange(TIME) < np.array(LENGTHS)[:, None]
    mask[2] = mask[2, ::-1]
    log_probs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    return logits, mask, [own[there] for own, there in zip(log_probs, mask, strict=True)]


def test_the_search_finds_every_sequence_with_the_sum_of_its_paths(given):
    logits, mask, steps = given
    found = jax.tree.map(
        np.asarray,
        prefix_beam_search(logits, mask, blank=BLANK, beam_size=70, max_length=TIME,
                           num_results=70),
    )  # fmt: skip
    for row, own in enumerate(steps):
        exact = sequences_of(own)
        told = {
            tuple(tokens[:n].tolist()): score
            for tokens, n, score in zip(
                found.tokens[row], found.lengths[row], found.scores[row], strict=True
            )
            if score > -np.inf
        }
        assert told.keys() == exact.keys()
        assert (found.scores[row] > -np.inf).sum() == len(exact)  # nothing twice
        np.testing.assert_allclose([told[k] for k in exact], [*exact.values()], atol=1e-10)
        assert np.all(np.diff(found.scores[row][: len(exact)]) <= 0)
        assert (found.tokens[row, 0, found.lengths[row, 0] :] == NOTHING).all()


def test_the_likeliest_sequence_is_not_that_of_the_likeliest_path():
    probabilities = np.array([[[0.4, 0.6], [0.4, 0.6]]])
    logits, mask = np.log(probabilities), np.ones((1, 2), bool)
    path = best_path(logits, mask, blank=1)
    assert path.lengths.tolist() == [0]  # two blanks, .36
    found = prefix_beam_search(logits, mask, blank=1, beam_size=2, max_length=1)
    assert found.tokens[0, 0].tolist() == [0]
    np.testing.assert_allclose(np.exp(found.scores[0, 0]), 0.64, rtol=1e-6)


def test_the_best_path_is_joined_and_placed(given):
    logits, mask, steps = given
    found = jax.tree.map(np.asarray, best_path(logits, mask, blank=BLANK))
    for row, own in enumerate(steps):
        path, _ = max(paths_of(own), key=lambda item: item[1])
        count = found.lengths[row]
        assert tuple(found.tokens[row, :count].tolist()) == collapsed(path)
        assert (found.tokens[row, count:] == NOTHING).all()
        begins = [
            t for t, k in enumerate(path) if k != BLANK and (t == 0 or path[t - 1] != k)
        ]  # fmt: skip
        first = int(mask[row].argmax())
        assert found.steps[row, :count].tolist() == [first + t for t in begins]


def test_occupancy_is_the_share_of_the_paths(given):
    logits, mask, steps = given
    labels = np.array([[2, 2], [0, 2], [0, 0]])
    padding = np.array([[False, False], [False, False], [False, True]])
    found = np.asarray(occupancy(logits, mask, labels, padding, blank=BLANK))
    np.testing.assert_allclose(found.sum(axis=-1), mask, atol=1e-10)
    for row, own in enumerate(steps):
        wanted = tuple(labels[row][~padding[row]].tolist())
        exact = np.zeros((len(own), 2 * labels.shape[1] + 1))
        for path, score in paths_of(own):
            if collapsed(path) != wanted:
                continue
            begun = 0
            for t, k in enumerate(path):
                begun += k != BLANK and (t == 0 or path[t - 1] != k)
                exact[t, 2 * begun - (k != BLANK)] += np.exp(score)
        exact /= exact.sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(found[row][mask[row]], exact, atol=1e-10)


def test_sizes_that_can_not_be_are_told():
    nothing = np.zeros((1, 2, 2)), np.ones((1, 2), bool)
    for sizes in ({"beam_size": 1, "num_results": 2}, {"beam_size": 0}, {"max_length": 0}):
        with pytest.raises(ValueError, match=r"max_length=\d must be at least 1"):
            prefix_beam_search(*nothing, blank=0, **{"beam_size": 1, "max_length": 1} | sizes)
