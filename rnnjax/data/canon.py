r"""A canon that a program makes up: the second voice repeats the first, an octave lower.

The first voice walks on the seven degrees of a scale, which close to a ring: a step down, the same
or a step up, with probability 1/3 each. The second follows eight frames later. Who knows the past
knows that each of three keys is next with probability 1/3, and all others:

.. math:: 3\, h(\tfrac13) = 3 \left( \tfrac13 \ln 3 + \tfrac23 \ln \tfrac32 \right) = 1.9095

nats per frame, if keys are independent given the past.
"""

from __future__ import annotations

import math

import numpy as np

from rnnjax.data.music_pieces import LOWEST_KEY, NUM_KEYS, Music, Pieces

BEST_LOSS = math.log(3) + 2 * math.log(1.5)
DELAY, LENGTH = 8, 64
SCALE = np.array([60, 62, 64, 65, 67, 69, 71]) - LOWEST_KEY
NUM_TRAIN, NUM_HELD_OUT = 400, 100


def canon(rng: np.random.Generator, length: int) -> np.ndarray:
    """A piano roll uint8 ``[length, 88]``; the second voice is silent at first."""
    steps = rng.integers(-1, 2, length)
    degrees = (rng.integers(len(SCALE)) + steps.cumsum()) % len(SCALE)
    roll = np.zeros((length, NUM_KEYS), np.uint8)
    roll[np.arange(length), SCALE[degrees]] = 1
    roll[np.arange(DELAY, length), SCALE[degrees[:-DELAY]] - 12] = 1
    return roll


def stand_in(warning: str | None = None, *, seed: int = 0) -> Music:
    """Made-up canons.

    Args:
        warning: of the data set.
        seed: of the walks.

    >>> stand_in().train.frames.shape
    (400, 64, 88)
    """
    rng = np.random.default_rng(seed)
    train, validation, test = (
        Pieces.of([canon(rng, LENGTH) for _ in range(number)])
        for number in (NUM_TRAIN, NUM_HELD_OUT, NUM_HELD_OUT)
    )
    return Music(
        name="canon", origin="made up by a program", licence="none needed", train=train,
        validation=validation, test=test, per_quarter=2, warning=warning, best_loss=BEST_LOSS,
    )  # fmt: skip
