r"""Noisy polygons, whose best possible score is known.

A drawing is a triangle, a square or a hexagon, each with probability 1/3: a first point, and twelve
steps of length 1 round to it again. Every coordinate has noise:

.. math:: x_t = s_{k,t} + \epsilon_t, \qquad \epsilon_t \sim N(0, 0.1^2 I), \quad s_{k,0} = 0

The law is known, so each drawing has a likelihood: the mean over the three polygons of a product
of normal densities. Its entropy is :math:`\ln(2 \pi e\, 0.1^2) = -1.7673` nats a point, and
:math:`\ln 3` for the polygon, of each drawing once.
"""

from __future__ import annotations

import numpy as np

from rnnjax.data.drawings import DRAWS, END, Drawings, DrawingsDataset

CORNERS, STEPS, DEVIATION = (3, 4, 6), 12, 0.1
POINTS = STEPS + 1
SIZES = {"train": 4000, "validation": 500, "test": 500}


def sides() -> np.ndarray:
    """The points of each polygon without noise, from one to the next, ``[3, POINTS, 2]``."""
    found = []
    for corners in CORNERS:
        angles = 2 * np.pi * np.arange(corners) / corners
        turns = np.repeat(angles, STEPS // corners)
        steps = np.stack((np.cos(turns), np.sin(turns)), axis=1)
        found.append(np.concatenate((np.zeros((1, 2)), steps)))
    return np.stack(found)


def log_likelihoods(offsets: np.ndarray) -> np.ndarray:
    """Log density of drawings ``[N, POINTS, 2]`` under their law, in nats ``[N]``."""
    squares = ((offsets[:, None] - sides()) ** 2).sum(axis=(2, 3))
    constant = POINTS * np.log(2 * np.pi * DEVIATION**2)
    total = np.logaddexp.reduce(-squares / (2 * DEVIATION**2), axis=1)
    return total - constant - np.log(len(CORNERS))


def stand_in(warning: str | None = None, *, seed: int = 0) -> DrawingsDataset:
    """Drawings, and what their own law makes of those to test with.

    Args:
        warning: of the data set.
        seed: of which polygons there are, and of the noise.
    """
    rng = np.random.default_rng(seed)
    parts = {}
    pens = np.array([DRAWS] * STEPS + [END], np.int32)
    for part, size in SIZES.items():
        kinds = rng.integers(len(CORNERS), size=size)
        offsets = sides()[kinds] + DEVIATION * rng.normal(size=(size, POINTS, 2))
        parts[part] = Drawings(offsets.astype(np.float32), np.tile(pens, (size, 1)))
    best = -float(log_likelihoods(parts["test"].offsets.astype(np.float64)).mean()) / POINTS
    return DrawingsDataset(
        "polygons", "made up by a program", "none needed", 1.0, **parts, warning=warning,
        best_loss=best,
    )  # fmt: skip
