"""Asking the sides in turns, and what follows from their times."""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.agreement import compare
from benchmarks.floor import fraction, operations
from benchmarks.machine import Bystanders
from benchmarks.peers import OURS, Settings, left_out
from benchmarks.process import SideFailedError, WorkerProcess
from benchmarks.work import Row
from benchmarks.worker import FLOOR

FALL_ASLEEP, WATCH = 0.05, 0.05
"""Seconds before each measurement: the threads of the side before come to rest, and then nothing
runs but what others run on this machine."""

Say = Callable[[str], None]


def quartiles(values: Sequence[float]) -> dict[str, float]:
    """Median and quartiles."""
    if len(values) == 1:
        return {"median": values[0], "q1": values[0], "q3": values[0]}
    q1, median, q3 = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": median, "q1": q1, "q3": q3}


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> dict[str, float]:
    """Median and quartiles of our time over theirs, round by round: below 1 we are faster."""
    return quartiles([a / b for a, b in zip(ours, theirs, strict=True)])


def in_turns(
    sides: Sequence[str], rounds: int, measure: Callable[[str], float], seed: int = 0
) -> tuple[dict[str, list[float]], float | None]:
    """Measures every side once per round, in an order drawn anew for each.

    Returns:
        The seconds of each side, and how many cores were busy between the measurements.
    """
    order, rng, bystanders = list(sides), random.Random(seed), Bystanders()
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(rounds):
        rng.shuffle(order)
        for side in order:
            time.sleep(FALL_ASLEEP)
            bystanders.watch(WATCH)
            seconds[side].append(measure(side))
    return seconds, bystanders.cores


class Group:
    """One process per side, started once, asked in turns."""

    def __init__(self, sides: Sequence[str], settings: Settings, say: Say) -> None:
        self.sides = list(sides)
        self._settings, self._say = settings, say
        self._workers: dict[str, WorkerProcess] = {}

    def __enter__(self) -> Group:
        return self

    def __exit__(self, *exception: object) -> None:
        for worker in self._workers.values():
            worker.close()

    def measure_row(self, row: Row, rounds: int, min_seconds: float) -> dict[str, Any]:
        """Everything about one row: agreement, times, ratios, memory, the floor."""
        results: dict[str, dict[str, Any]] = {}
        with tempfile.TemporaryDirectory() as folder:
            self._build_all(row, Path(folder), results)
        timed = [side for side, result in results.items() if result["status"] == "timed"]
        repeats: dict[str, int] = {}
        for side in [*timed, FLOOR]:
            repeats[side] = self._worker(side).ask("calibrate", min_seconds=min_seconds)["repeats"]
        self._say(f"{row.name}: {rounds} rounds of {len(timed)} sides")
        seconds, busy = in_turns(
            [*timed, FLOOR],
            rounds,
            lambda side: self._worker(side).ask("measure", repeats=repeats[side])["seconds"],
        )
        chain = quartiles(seconds[FLOOR])
        for side in timed:
            result = results[side]
            result |= {"seconds": quartiles(seconds[side]), "rounds": seconds[side]}
            result |= {"repeats": repeats[side], **self._worker(side).ask("drop")}
            result["fraction_of_floor"] = fraction(
                row, result["seconds"]["median"], chain["median"]
            )
            if side != OURS and OURS in timed:
                result["ratio"] = ratio(seconds[OURS], seconds[side])
        self._worker(FLOOR).ask("drop")
        return describe(row, chain, results) | {"busy_elsewhere": busy}

    def _build_all(self, row: Row, folder: Path, results: dict[str, dict[str, Any]]) -> None:
        """Builds the row on every side; notes which of them fail or disagree."""
        convert = row.part("convert")
        weights = convert.initial_weights(row)
        ours: dict[str, np.ndarray] = {}
        for side in self.sides:
            if reason := left_out(side, row):
                results[side] = {"status": "left out", "reason": reason}
                continue
            self._say(f"{row.name}: {side} builds and is checked")
            given, found = folder / f"{side}.npz", folder / f"{side}-results.npz"
            np.savez(given, **convert.to_side(side, row, weights))  # pyright: ignore[reportArgumentType]
            try:
                answer = self._worker(side).ask(
                    "build", row=row.to_json(), weights=str(given), results=str(found)
                )
                theirs = _common(side, row, found)
            except SideFailedError as error:
                results[side] = {"status": "failed", "reason": str(error)}
                continue
            ours = ours or theirs
            agreement = compare(row.kind, ours, theirs)
            wrong = agreement.pop("disagrees")
            results[side] = {**answer, **agreement, "status": "disagrees" if wrong else "timed"}
            if wrong:
                results[side]["reason"] = wrong
        self._worker(FLOOR).ask("build", row=row.to_json(), weights="", results="")

    def _worker(self, side: str) -> WorkerProcess:
        worker = self._workers.get(side)
        if worker is None or not worker.is_alive:
            self._say(f"{side} starts")
            self._workers[side] = WorkerProcess(side, self._settings)
        return self._workers[side]


def describe(
    row: Row, chain: Mapping[str, float], results: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """The row's entry in the results."""
    rate = row.work.chained.operations / chain["median"]
    return {
        **row.to_json(),
        "num_params": row.part("work").num_params(row.work) if row.kind != "stream" else None,
        "floor": {
            "operations": operations(row),
            "operations_per_second": rate,
            "seconds": operations(row) / rate,
            "chain_seconds": dict(chain),
        },
        "sides": results,
    }


def _common(side: str, row: Row, path: Path) -> dict[str, np.ndarray]:
    """A side's results under the common names."""
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    prefix = "gradient."
    outputs = {n: a for n, a in arrays.items() if not n.startswith(prefix)}
    gradients = {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
    if gradients:
        common = row.part("convert").from_side(side, row, gradients)
        outputs |= {prefix + n: np.asarray(a) for n, a in common.items()}
    return outputs
