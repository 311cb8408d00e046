"""Small runs of every experiment in float64, and the same ones in several processes."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.survival.runs import Run, Running

SMALL = {
    "mnist_rnn": ("--dataset=digits", "--hidden_size=16", "--steps=60", "--eval_every=20"),
    "binary_sequence": (
        "--batch_size=16", "--row_length=200", "--steps=100", "--eval_every=50", "--cell=gru",
    ),
    "imdb_sentiment": (
        "--dataset=grammar", "--max_length=24", "--eval_length=60", "--hidden_size=8",
        "--embedding_size=16", "--num_validation=1000", "--eval_every=30", "--steps=60",
    ),
}  # fmt: skip
"""Batches of different lengths, masks, dropout and shuffling; a recurrent state that is carried."""

PRECISE = "--precision=f64"


def run_of(experiment: str, folder: Path, *more: str) -> Run:
    """One of the small runs."""
    return Run(experiment, (*SMALL[experiment], PRECISE, *more), folder)


def start_together(run: Run, count: int, *more: str) -> list[Running]:
    """Starts a run as so many processes."""
    return start_apart(run, [more] * count)


def start_apart(run: Run, flags: Sequence[Sequence[str]]) -> list[Running]:
    """Starts a run as several processes, each with flags of its own."""
    address = f"--coordinator=localhost:{free_port()}", f"--num_processes={len(flags)}"
    return [
        run.start(*more, "--distributed", *address, f"--process_id={i}")
        for i, more in enumerate(flags)
    ]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def without_noise(said: str) -> str:
    """What a process said, without gloo's lines."""
    return "\n".join(line for line in said.splitlines() if not re.match(r"\[Gloo\]", line))


def metrics(folder: Path) -> list[dict[str, Any]]:
    """The metrics of each evaluation, but for the time that they took."""
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [
        {k: v for k, v in json.loads(line).items() if not k.endswith("seconds")} for line in lines
    ]
