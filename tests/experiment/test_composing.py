"""Pieces that are composed: how they begin, what is kept, which files they become."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import io

import jax
import numpy as np
import pytest
from rich.console import Console

from rnnjax import GRU
from rnnjax.data.music_pieces import Music, Pieces
from rnnjax.errors import UsageError
from rnnjax.experiment import composing
from rnnjax.models import PianoRollModel, VoicesModel

PITCHES = (-1, 60, 62, 64)
VOICES = VoicesModel(GRU(VoicesModel.input_size(4, 16, 2), 3), 4, 4, 16, 2, dense_size=2)
ROLLS = PianoRollModel(GRU(88, 3), 88)


def music(frames, pitches=()):
    part = Pieces.of(frames)
    return Music(name="x", origin="", licence="", train=part, validation=part, test=part,
                 per_quarter=4, pitches=pitches)  # fmt: skip


def drawn(model, frames):
    rng = np.random.default_rng(0)
    shapes = jax.eval_shape(model.init, jax.random.key(0), frames)["params"]
    return jax.tree.map(lambda a: np.float32(rng.normal(size=a.shape)), shapes)


def test_a_kept_voice_is_that_of_the_piece_and_the_others_are_drawn():
    rng = np.random.default_rng(0)
    data = music([rng.integers(0, 4, (n, 4)) for n in (5, 9)], PITCHES)
    params = drawn(VOICES, np.zeros((1, 2, 4), int))
    how = {"piece": 1, "length": 20, "voices": "soprano, bass"}
    found = [composing.composed(VOICES, params, data, seed=s, **how) for s in (1, 2)]
    real = data.test.frames[1]
    assert found[0].shape == (9, 4)
    np.testing.assert_array_equal(found[0][:, [0, 3]], real[:, [0, 3]])
    np.testing.assert_array_equal(found[0][0], real[0])
    assert (found[0] != found[1]).any()
    likely = composing.likely_keys(VOICES, params, real, PITCHES)
    assert likely.shape == (8, 88)
    assert set(np.flatnonzero(likely.sum(axis=0)).tolist()) == {39, 41, 43}
    with pytest.raises(UsageError, match="'solo' is none of soprano, alto, tenor, bass"):
        composing.kept_voices("solo", PITCHES)
    with pytest.raises(UsageError, match="a roll has none"):
        composing.kept_voices("bass", ())
    with pytest.raises(UsageError, match="there are 2 test pieces"):
        composing.composed(VOICES, params, data, piece=2, length=3, seed=0)


def test_a_roll_is_composed_and_a_silent_one_writes_nothing(tmp_path):
    data = music([np.eye(88, dtype=np.uint8)[:3]])
    params = drawn(ROLLS, np.zeros((1, 2, 88)))
    found = composing.composed(ROLLS, params, data, piece=0, length=4, seed=0)
    assert found.shape == (4, 88)
    np.testing.assert_array_equal(found[0], data.test.frames[0, 0])
    likely = composing.likely_keys(ROLLS, params, found, ())
    assert (likely.shape, 0 < likely.min() < likely.max() < 1) == ((3, 88), True)
    said = io.StringIO()
    files = composing.write(Console(file=said), tmp_path, "x", "", data, 0 * found, found)
    assert (files, list(tmp_path.iterdir())) == ([], [])
    assert "silent" in said.getvalue()
