"""A copy of the source with a fault in it, and what the tests say to it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.mutation.mutant import Mutant

ROOT = Path(__file__).parents[2]

FOLDERS = ("rnnjax", "tests", "experiments", "benchmarks")
"""What is copied, beside the files of the root."""

PASSED, FAILED, NO_TESTS, TIMED_OUT = "passed", "failed", "no tests", "timed out"

_OUTCOMES = {0: PASSED, 1: FAILED, 2: FAILED, 5: NO_TESTS}
"""By pytest's exit codes: 2 is a file that can't be imported, 5 that no test was chosen."""


class Verdict(NamedTuple):
    """What the tests said."""

    outcome: str
    by: str
    """The first test that failed."""
    why: str
    """Its error, in one line."""
    seconds: float


@contextlib.contextmanager
def copy_of_source(mutant: Mutant | None) -> Iterator[Path]:
    """A temporary copy of the source with the fault in it."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as work:
        copy = Path(work)
        for folder in FOLDERS:
            shutil.copytree(
                ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__")
            )
        for path in ROOT.iterdir():
            if path.is_file() and not path.name.startswith("."):
                shutil.copy2(path, copy)
        if mutant is not None:
            path = copy / mutant.file
            path.write_text(mutant.applied(path.read_text()))
        yield copy


def run_tests(
    mutant: Mutant | None,
    paths: Sequence[str],
    *,
    marker: str,
    keyword: str = "",
    timeout: float,
    cache: Path | None = None,
) -> Verdict:
    """Runs tests on a copy of the source until the first one fails, in a process of its own.

    Args:
        mutant: the fault; None for the source as it is.
        paths: test files, in their order.
        marker: as for ``pytest -m``.
        keyword: as for ``pytest -k``.
        timeout: seconds after which the process is ended.
        cache: where compiled programs are kept from run to run.

    Raises:
        RuntimeError: pytest itself failed.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
    command += ["-m", marker, "-k", keyword, *paths]
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONDONTWRITEBYTECODE": "1"}
    if cache is not None:
        environment["JAX_COMPILATION_CACHE_DIR"] = str(cache)
        environment["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        environment["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    start = time.monotonic()
    with copy_of_source(mutant) as copy:
        process = subprocess.Popen(
            command,
            cwd=copy,
            env=environment | {"PYTHONPATH": str(copy), "COLUMNS": "300"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            said, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # with the processes that tests have started
            process.communicate()
            return Verdict(TIMED_OUT, "", "", time.monotonic() - start)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    seconds = time.monotonic() - start
    if process.returncode < 0:  # the fault made the process die
        return Verdict(FAILED, "the whole process", f"signal {-process.returncode}", seconds)
    if process.returncode not in _OUTCOMES:
        raise RuntimeError(f"pytest ended with {process.returncode}:\n{said[-4000:]}")
    outcome = _OUTCOMES[process.returncode]
    by, why = _first_failure(said) if outcome == FAILED else ("", "")
    return Verdict(outcome, by, why, seconds)


def _first_failure(said: str) -> tuple[str, str]:
    """The test and its error, from the summary that pytest ends with."""
    for line in said.splitlines():
        if line.startswith(("FAILED ", "ERROR ")):
            test, _, error = line.split(" ", 1)[1].partition(" - ")
            return test.strip(), error
    return "unknown", said[-200:]


def files_of(paths: Iterable[str]) -> list[str]:
    """The test files among these files and folders; of the package, every module."""
    found = []
    for path in paths:
        place = ROOT / path
        pattern = "*.py" if path.startswith("rnnjax") else "test_*.py"
        files = sorted(place.rglob(pattern)) if place.is_dir() else [place]
        found += [file.relative_to(ROOT).as_posix() for file in files]
    return list(dict.fromkeys(found))
