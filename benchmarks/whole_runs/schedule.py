"""The article's run: 4,001 batches of 50 in file order, evaluated after step 0, 500, … 4,000."""

from __future__ import annotations

import argparse
import json
from typing import NamedTuple

import numpy as np

STEPS, BATCH, EVERY = 4001, 50, 500


class Images(NamedTuple):
    """Pixels from 0 to 1, float32 ``[N, 28, 28]``, and labels, int32 ``[N]``."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


def read() -> tuple[Images, int]:
    """The images in the file ``--data``, and the number of ``--steps``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True, help=".npz with the fields of Images, as bytes")
    parser.add_argument("--steps", type=int, default=STEPS)
    arguments = parser.parse_args()
    with np.load(arguments.data, allow_pickle=False) as a:
        train, test = (a[name].astype(np.float32) / 255 for name in ("train", "test"))
        return Images(train, a["train_labels"], test, a["test_labels"]), arguments.steps


def pieces(steps: int) -> list[range]:
    """The steps between two evaluations; the first piece is one step."""
    ends = [*range(1, steps, EVERY), steps]
    return [range(a, b) for a, b in zip([0, *ends], ends, strict=False) if a < b]


def tell(history: list[tuple[int, float, float]]) -> None:
    """Prints each evaluation's step, loss and accuracy, and the last one as JSON."""
    for step, loss, accuracy in history:
        print(f"step {step:5} loss {loss:.4f} accuracy {accuracy:.4f}")
    print(json.dumps({"test_loss": history[-1][1], "test_accuracy": history[-1][2]}))
