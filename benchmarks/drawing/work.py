"""The drawing that is measured, and the points that it reads.

Knows NumPy only, like `benchmarks.work`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.chained import Chained

if TYPE_CHECKING:
    from benchmarks.work import Row

NUM_FEATURES = 5
"""Of a point: two offsets, and one of three states of the pen, one-hot."""

END = 2
"""The pen's state after the last point, and before the first."""

CLIP_NORM = 1.0
"""The largest norm of the gradient."""

FLOOR = 0.01
"""The least deviation of a Gaussian."""


@dataclasses.dataclass(frozen=True)
class DrawingWork:
    """An LSTM that reads points, and a mixture of Gaussians with correlations for each next one.

    Attributes:
        name: as ``--work`` takes it.
        batch: B, drawings side by side.
        steps: T, points of each.
        hidden_size: H.
        components: K, Gaussians.
    """

    name: str
    batch: int
    steps: int
    hidden_size: int
    components: int

    @property
    def outputs(self) -> int:
        """Numbers that say a mixture and what the pen does."""
        return 6 * self.components + 3

    @property
    def chained(self) -> Chained:
        """The products that the floor's rate is measured by: those with the state's matrix."""
        return Chained(self.batch, self.hidden_size, 4, 1)


ROWS = {"draw_train": ("train", DrawingWork("draw_train", 100, 60, 256, 20))}
"""What is done in each row, and with what."""


def num_params(work: DrawingWork) -> int:
    """How many numbers the model has to learn."""
    h = work.hidden_size
    return 4 * h * (NUM_FEATURES + h + 1) + (h + 1) * work.outputs


def make_batch(row: Row) -> tuple[np.ndarray, np.ndarray]:
    """Offsets ``[B, T, 2]`` and the pen's states ``[B, T]``; the same ones in every process."""
    work, rng = row.work, np.random.default_rng(7)
    offsets = rng.standard_normal((work.batch, work.steps, 2), np.float32)
    pens = (rng.random((work.batch, work.steps)) < 0.3).astype(np.int32)
    pens[:, -1] = END
    return offsets, pens
