"""Whether a side computes what the others do."""

from __future__ import annotations

from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]

FIRST = 1e-4
"""Largest difference of the first outputs and of the gradients, as a part of the largest entry.

Sums of float32 in another order differ by some 1e-6, over hundreds of steps by 1e-5; a wrong gate,
order or sign by about 1.
"""

LATER = 1e-2
"""Likewise of the losses after updates: PyTorch updates two biases where others have one."""


DRAWN = 0.05
"""Likewise of the mean surprise at what was drawn, in which some thousand draws differ by 1%;
whoever took the likeliest or drew evenly would be off by a quarter."""


def compare(row_kind: str, ours: Arrays, theirs: Arrays) -> dict[str, Any]:
    """The largest differences, and the sentence that says what is wrong, or None.

    Args:
        row_kind: of a training step, later outputs follow from updates; of a sample, from draws.
        ours: ``output.0``, ``output.1``, … and ``gradient.<common name>``.
        theirs: likewise; a gradient that they have no parameter for may be missing.
    """
    largest = {"first_output": 0.0, "later_outputs": 0.0, "gradients": 0.0}
    unknown = sorted(set(theirs) - set(ours))
    wrong = f"{unknown[0]} is not among ours" if unknown else None
    for name, expected in ours.items():
        head, _, rest = name.partition(".")
        if name not in theirs:
            if rest.endswith("b_hn"):
                continue
            return {"differences": largest, "disagrees": f"{name} is missing"}
        group, tolerance = "gradients", FIRST
        if head == "output":
            group = "first_output" if rest == "0" else "later_outputs"
            tolerance = FIRST if rest == "0" else _TOLERANCES.get(row_kind, FIRST)
        found = theirs[name]
        if found.shape != expected.shape:
            shapes = f"{found.shape}, not {expected.shape}"
            return {"differences": largest, "disagrees": f"{name} has the shape {shapes}"}
        if expected.dtype.kind in "iu":
            tolerance = 0.0  # what was chosen is the same or it isn't
        difference = difference_of(found, expected)
        largest[group] = max(largest[group], difference)
        if not difference <= tolerance and wrong is None:
            wrong = f"{name} differs by {difference:.1e} of its largest entry"
    return {"differences": largest, "disagrees": wrong}


_TOLERANCES = {"train": LATER, "sample": DRAWN}
"""Of later outputs, by the kind of row."""


def difference_of(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference of two arrays, as a part of the largest entry; NaN if one is there."""
    scale = float(np.abs(expected).max())
    return float(np.abs(found.astype(np.float64) - expected).max() / (scale or 1.0))
