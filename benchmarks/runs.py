"""Whole processes beside each other: from the start of Python to the result.

``whole`` is the keras50 run of every side that has one; ``seeds`` is rnnjax's own, eight seeds at
once beside eight runs in turn.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import in_turns, quartiles, ratio
from benchmarks.peers import OURS, SIDES
from benchmarks.process import ROOT, SideFailedError, environment

PEER_RUNS = {"torch": "torch_run", "keras_tensorflow": "keras_run", "keras_jax": "keras_run"}
NUM_SEEDS = 8
SEEDS_SIDES = ("at once", "in turn")


class Runner:
    """Starts runs on the same images; the arrays lie in a folder of its own.

    Args:
        data_dir: the prepared TFDS folder, or None for where TFDS looks.
        steps: other than the article's 4,001, to try it out.
    """

    def __init__(self, folder: Path, data_dir: str | None, steps: int | None = None) -> None:
        self._folder, self._data_dir, self._steps = folder, data_dir, steps
        self._count = 0

    def save_images(self) -> None:
        """Writes the images for the peers, so that none of them imports JAX to read them."""
        from rnnjax.data import mnist

        data = mnist.load("mnist", self._data_dir)
        np.savez(
            self._folder / "images.npz",
            train=data.train_images,
            train_labels=data.train_labels,
            test=data.test_images,
            test_labels=data.test_labels,
        )

    def run_side(self, side: str) -> dict[str, float]:
        """One whole run of a side: seconds, peak memory and test accuracy.

        Raises:
            SideFailedError: it ended with an error.
        """
        if side == OURS:
            return self.run_ours()
        command = [sys.executable, "-m", f"benchmarks.whole_runs.{PEER_RUNS[side]}"]
        command.append(f"--data={self._folder / 'images.npz'}")
        measured, output = self._run(command, dict(SIDES[side].environment))
        return measured | json.loads(output.splitlines()[-1])

    def run_ours(self, *more: str) -> dict[str, float]:
        """One run of the experiment, with all that it leaves behind."""
        self._count += 1
        workdir = self._folder / f"run-{self._count}"
        command = [sys.executable, str(ROOT / "experiments" / "mnist_rnn.py"), "--preset=keras50"]
        command += [f"--workdir={workdir}", *more]
        if self._data_dir is not None:
            command.append(f"--data_dir={self._data_dir}")
        measured, _ = self._run(command, {})
        result = json.loads((workdir / "result.json").read_text(encoding="utf-8"))
        training = result["train_seconds"] + result["compile_seconds"]
        return measured | {
            "training_seconds": training,
            "test_accuracy": result["test_accuracy"],
        }

    def _run(self, command: list[str], more: dict[str, str]) -> tuple[dict[str, float], str]:
        if self._steps is not None:
            command = [*command, f"--steps={self._steps}"]
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8") as out,
            tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log,
        ):
            start = time.perf_counter()
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=log,
                env=environment("cpu", more), text=True,
            )  # fmt: skip
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            for file in (out, log):
                file.seek(0)
            if process.returncode:
                lines = [line.strip() for line in log if line.strip()]
                raise SideFailedError(
                    f"the run ended with code {process.returncode}: "
                    f"{lines[-1] if lines else 'no message'}"
                )
            # Linux counts kilobytes.
            return {"seconds": seconds, "peak_memory": usage.ru_maxrss * 1024}, out.read()


def measure_whole(runner: Runner, sides: list[str], rounds: int) -> dict[str, Any]:
    """The whole run of each side, in turns."""
    results: dict[str, dict[str, Any]] = {}
    for side in [side for side in sides if side == OURS or side in PEER_RUNS]:
        # The first run of a side reads its files from the disk; the others find them in memory.
        results[side] = _attempt(lambda side=side: runner.run_side(side))
    measured, busy = _measure(results, rounds, runner.run_side)
    for side, result in measured.items():
        if side != OURS and OURS in measured:
            result["ratio"] = ratio(measured[OURS]["rounds"], result["rounds"])
    return {"name": "whole", "kind": "run", "busy_elsewhere": busy, "sides": results}


def measure_seeds(runner: Runner, rounds: int) -> dict[str, Any]:
    """Eight seeds at once beside eight runs in turn, as processes and as training alone."""

    def run(side: str) -> dict[str, float]:
        if side == "at once":
            return runner.run_ours(f"--num_seeds={NUM_SEEDS}")
        runs = [runner.run_ours(f"--seed={seed}") for seed in range(NUM_SEEDS)]
        return {
            "seconds": sum(r["seconds"] for r in runs),
            "training_seconds": sum(r["training_seconds"] for r in runs),
            "peak_memory": max(r["peak_memory"] for r in runs),
            "test_accuracy": float(np.mean([r["test_accuracy"] for r in runs])),
        }

    results = {"at once": _attempt(lambda: run("at once"))}
    if results["at once"]["status"] == "timed":
        results["in turn"] = {"status": "timed"}
    measured, busy = _measure(results, rounds, run)
    if len(measured) == 2:
        once, turn = (measured[side] for side in SEEDS_SIDES)
        turn["ratio"] = ratio(once["rounds"], turn["rounds"])
        turn["ratio_of_training"] = ratio(once["training"], turn["training"])
    return {"name": "seeds", "kind": "run", "busy_elsewhere": busy, "sides": results}


def _attempt(run: Callable[[], dict[str, float]]) -> dict[str, Any]:
    try:
        run()
    except SideFailedError as error:
        return {"status": "failed", "reason": str(error)}
    return {"status": "timed"}


def _measure(
    results: dict[str, dict[str, Any]], rounds: int, run: Callable[[str], dict[str, float]]
) -> tuple[dict[str, dict[str, Any]], float | None]:
    """Measures what is to be timed, in turns; returns those results, and `in_turns`'s cores."""
    timed = {side: result for side, result in results.items() if result["status"] == "timed"}
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in timed}

    def measure(side: str) -> float:
        runs[side].append(run(side))
        return runs[side][-1]["seconds"]

    seconds, busy = in_turns(list(timed), rounds, measure)
    for side, result in timed.items():
        result |= {"seconds": quartiles(seconds[side]), "rounds": seconds[side]}
        result["peak_memory"] = max(r["peak_memory"] for r in runs[side])
        result["test_accuracy"] = [r["test_accuracy"] for r in runs[side]]
        if "training_seconds" in runs[side][0]:
            result["training"] = [r["training_seconds"] for r in runs[side]]
    return timed, busy
