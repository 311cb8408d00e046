"""The layers that are measured, and the sequences that they read.

Knows NumPy only, like `benchmarks.work`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.chained import Chained

if TYPE_CHECKING:
    from benchmarks.work import Row

CLIP_NORM = 1.0
"""The largest norm of the gradient."""

SHARE_OF_KEYS = 0.05
"""Of a frame's keys those that sound."""

NUM_LABELS = 5
"""Digits of a string."""


@dataclasses.dataclass(frozen=True)
class TaggingWork:
    """LSTM layers and a dense layer over all their outputs.

    Attributes:
        name: as ``--work`` takes it.
        loss: "keys", the sum of the cross-entropies of the next frame's keys, or "ctc", that of a
            string of labels without their places; the last output is the blank.
        batch: B, sequences side by side.
        steps: T, of each; one more frame is there to be foretold.
        input_size: D.
        hidden_size: H, in each direction.
        num_layers: L.
        bidirectional: whether each layer reads both ways.
        outputs: O, keys, or labels and the blank.
    """

    name: str
    loss: str
    batch: int
    steps: int
    input_size: int
    hidden_size: int
    num_layers: int
    bidirectional: bool
    outputs: int

    @property
    def num_directions(self) -> int:
        """Ways in which each layer reads."""
        return 1 + self.bidirectional

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Features that each layer reads."""
        width = self.hidden_size * self.num_directions
        return (self.input_size, *(width for _ in range(self.num_layers - 1)))

    @property
    def chained(self) -> Chained:
        """The products that the floor's rate is measured by: those with the state's matrix."""
        return Chained(self.batch, self.hidden_size, 4, 1)


ROWS = {
    "chorales_train": (
        "train", TaggingWork("chorales_train", "keys", 8, 60, 88, 200, 2, False, 88)
    ),
    "ctc_train": ("train", TaggingWork("ctc_train", "ctc", 32, 95, 80, 128, 2, True, 11)),
}  # fmt: skip
"""What is done in each row, and with what: the published sizes for chorales, those of the defaults
of ``experiments/speech_digits.py``."""


def num_params(work: TaggingWork) -> int:
    """How many numbers the model has to learn, with PyTorch's two biases."""
    h = work.hidden_size
    layers = sum(4 * h * (d + h + 2) for d in work.layer_sizes) * work.num_directions
    return layers + (h * work.num_directions + 1) * work.outputs


def make_batch(row: Row) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and targets, the same ones in every process.

    Of chorales frames ``[B, T, D]`` and those a step later; of strings features ``[B, T, D]`` and
    labels ``[B, 5]``.
    """
    work, rng = row.work, np.random.default_rng(7)
    if work.loss == "keys":
        shape = (work.batch, work.steps + 1, work.input_size)
        frames = (rng.random(shape) < SHARE_OF_KEYS).astype(np.float32)
        return frames[:, :-1], frames[:, 1:]
    features = rng.standard_normal((work.batch, work.steps, work.input_size), np.float32)
    return features, rng.integers(0, work.outputs - 1, (work.batch, NUM_LABELS), np.int32)
