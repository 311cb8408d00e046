"""The machine and the versions that a result belongs to."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers import SIDES


def num_threads() -> int:
    """The cores that this process may use, and so the threads of every side."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def describe(sides: Sequence[str]) -> dict[str, object]:
    """Processor, cores, system, and the versions of what the sides stand on."""
    names = {name for side in sides for name in SIDES[side].versions}
    return {
        "processor": processor(),
        "cores": num_threads(),
        "load_at_start": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: v for name in sorted(names) if (v := version(name)) is not None},
    }


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor()


def version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


class Bystanders:
    """How many cores are busy while this benchmark waits, with other people's work that is."""

    def __init__(self) -> None:
        self._busy, self._seconds = 0.0, 0.0

    def watch(self, seconds: float) -> None:
        """Sleeps, and counts what the processors do meanwhile."""
        before, start = _busy_seconds(), time.perf_counter()
        time.sleep(seconds)
        after, end = _busy_seconds(), time.perf_counter()
        if before is not None and after is not None:
            self._busy += after - before
            self._seconds += end - start

    @property
    def cores(self) -> float | None:
        """Cores busy on average; None where the system keeps no such count."""
        return self._busy / self._seconds if self._seconds else None


def _busy_seconds() -> float | None:
    """What all processors together have worked since the start, as Linux counts it."""
    try:
        line = Path("/proc/stat").read_text(encoding="utf-8").partition("\n")[0]
    except OSError:
        return None
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, line.split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
