"""One side's process: does what it is asked to on standard input, one JSON object per line.

    python -m benchmarks.worker --side=torch --settings='{"threads": 2}'

Between two requests it waits for the next and computes nothing. Arrays travel as ``.npz`` files.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import memory, peers
from benchmarks.language.written import compared
from benchmarks.work import Row
from rnnjax.experiment.startup import keep_memory

FLOOR = "floor"
"""The side that runs `benchmarks.floor.Chain`."""

CALLS_COMPARED = 3
"""The first calls, whose results are compared: of a training step the losses before its updates."""

QUICK_SECONDS = 0.1
"""How long each variant is tried, three times, before the fastest is taken."""


class Worker:
    """The state of the process: the program of the row at hand."""

    def __init__(self, side: str, settings: peers.Settings) -> None:
        self._side, self._settings = side, settings
        self._module = None if side == FLOOR else peers.load(side)
        self._row: Row | None = None
        self._program: Any = None
        self._watches_memory = False
        if side == peers.OURS or settings.keep_memory:
            keep_memory()
        if self._module is None:
            from benchmarks.peers.jax_program import configure

            configure(settings)
        else:
            self._module.prepare(settings)

    def build(self, row: dict[str, Any], weights: str, results: str) -> dict[str, Any]:
        """Builds the row's program, runs it for the first time and writes down its results."""
        self._row = Row.from_json(row)
        self._program = None
        self._watches_memory = memory.forget_peak()
        before = memory.resident()
        if self._module is None:
            from benchmarks.floor import Chain

            self._program = Chain(self._row)
            self._time(1)
            return {}
        arrays = _load(weights)
        built, module = [], peers.load(self._side, self._row)
        for variant in module.variants(self._row):
            start = time.perf_counter()
            program = module.build(self._row, arrays, self._settings, **variant)
            ready = time.perf_counter()
            first = program.run()
            program.wait(first)
            end = time.perf_counter()
            if self._row.kind == "sample":
                outputs = compared(self._row, program, program.to_numpy(first))
            elif self._row.kind == "answer":
                outputs = program.found(first)
            else:
                outputs = [program.to_numpy(first).copy()]
                for _ in range(CALLS_COMPARED - 1):
                    outputs.append(program.to_numpy(program.run()).copy())
            seconds = {"build_seconds": ready - start, "first_call_seconds": end - ready}
            built.append((program, variant, outputs, seconds))
        tried = self._try([program for program, *_ in built])
        best = int(np.argmin(tried))
        self._program, variant, outputs, seconds = built[best]
        gradients = self._program.gradients() if self._row.kind == "train" else {}
        named = {f"output.{i}": a for i, a in enumerate(outputs)}
        np.savez(results, **named, **{f"gradient.{n}": a for n, a in gradients.items()})
        others = [
            {"variant": v, "seconds": t, **s} for (_, v, _, s), t in zip(built, tried, strict=True)
        ]
        del built
        peak = self._peak()
        return {
            **seconds,
            "variant": variant,
            "variants": others,
            "memory_before": before,
            "peak_memory_with_compilation": peak,
        }

    def calibrate(self, min_seconds: float) -> dict[str, Any]:
        """How often to repeat so that a measurement lasts long enough; begins to watch memory."""
        repeats = 1
        while (seconds := self._time(repeats)) * repeats < min_seconds:
            repeats = max(repeats + 1, int(1.2 * min_seconds / seconds))
        memory.forget_peak()
        return {"repeats": repeats, "seconds": seconds}

    def measure(self, repeats: int) -> dict[str, Any]:
        return {"seconds": self._time(repeats)}

    def drop(self) -> dict[str, Any]:
        """Lets go of the program; says how much memory it took."""
        peak = self._peak()
        self._program = None
        return {"peak_memory": peak}

    def _peak(self) -> int | None:
        """The most memory since it was last forgotten, if it could be."""
        return memory.peak() if self._watches_memory else None

    def _try(self, programs: list[Any]) -> list[float]:
        """The seconds of each variant, in turns."""
        if len(programs) == 1:
            return [0.0]
        seconds = [[] for _ in programs]
        for _ in range(3):
            for mine, program in zip(seconds, programs, strict=True):
                self._program = program
                once = self._time(1)
                repeats = int(QUICK_SECONDS / once)
                mine.append(self._time(repeats) if repeats > 1 else once)
        return [min(mine) for mine in seconds]

    def _time(self, repeats: int) -> float:
        """Seconds for each of so many runs."""
        program = self._program
        run, wait = program.run, program.wait
        # Whoever streams needs each output before the next input; who trains does not.
        each = self._row is not None and self._row.kind == "stream"
        many = getattr(program, "run_many", None)  # a side with a loop of its own
        start = time.perf_counter()
        if many is not None:
            wait(many(repeats))
            return (time.perf_counter() - start) / repeats
        result = run()
        for _ in range(repeats - 1):
            if each:
                wait(result)
            result = run()
        wait(result)
        return (time.perf_counter() - start) / repeats


def _load(path: str) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--side", required=True)
    parser.add_argument("--settings", required=True)
    arguments = parser.parse_args()
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = Worker(arguments.side, peers.Settings(**json.loads(arguments.settings)))
    commands: dict[str, Callable[..., dict[str, Any]]] = {
        "build": worker.build,
        "calibrate": worker.calibrate,
        "measure": worker.measure,
        "drop": worker.drop,
    }
    print(json.dumps({}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = commands[request.pop("do")](**request)
        except Exception as error:  # whatever a framework raises is this row's result
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
