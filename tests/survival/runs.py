"""Runs of the experiments as processes of their own, to be killed, and compared bit by bit."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp

from rnnjax.runs.checkpoint_folder import FOLDER, Place, places
from rnnjax.runs.manifest import NAME

ROOT = Path(__file__).parents[2]
PATIENCE = 300.0

LIMIT = """
import os, resource, sys
size = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclasses.dataclass(frozen=True)
class Run:
    """A command and the folder that it writes to."""

    experiment: str
    flags: tuple[str, ...]
    folder: Path

    @property
    def command(self) -> list[str]:
        """The command as it was first given."""
        script = f"experiments/{self.experiment}.py"
        return [sys.executable, script, f"--workdir={self.folder}", *self.flags]

    def start(self, *more: str, largest_file: int | None = None) -> Running:
        """Starts it, or goes on with it.

        Args:
            more: flags of this process alone.
            largest_file: bytes that a file of this process may have, as if the disk were full.
        """
        limit = [] if largest_file is None else [sys.executable, "-c", LIMIT, str(largest_file)]
        process = subprocess.Popen(
            [*limit, *self.command, *more],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=os.environ | {"JAX_PLATFORMS": "cpu", "COLUMNS": "120", "PYTHONUNBUFFERED": "1"},
        )
        return Running(process, self.folder)

    def finish(self, *more: str) -> str:
        """Runs it to its end; what it said."""
        code, said = self.start(*more).wait()
        assert code == 0, said
        return said


@dataclasses.dataclass
class Running:
    """A process at work."""

    process: subprocess.Popen[str]
    folder: Path

    def wait(self) -> tuple[int, str]:
        """Its exit code, and all that it has said."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out + err

    def wait_for(self, start: str) -> None:
        """Waits until it has printed a line that starts so, or has ended."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(start):
                break

    def wait_until(self, condition: Callable[[Path], bool]) -> bool:
        """Waits until something holds of its folder; False if the process has ended before."""
        deadline = time.monotonic() + PATIENCE
        while not condition(self.folder):
            if self.process.poll() is not None:
                return False
            assert time.monotonic() < deadline
            time.sleep(0.002)
        return True


def finished_checkpoints(folder: Path) -> list[int]:
    """The steps that have a checkpoint with a manifest."""
    return sorted(place.step for place in _finished(folder))


def _finished(folder: Path) -> list[Place]:
    return [p for p in places(folder / FOLDER) if (p.path / NAME).exists()]


def is_saving(folder: Path) -> bool:
    """Whether a checkpoint is half-written, or was when the process died."""
    return any(folder.glob(f"{FOLDER}/.saving-*"))


def differences(one: Path, other: Path) -> list[str]:
    """In what two finished runs differ, but for the time that they took."""
    found = []
    for name, times in (
        ("metrics.jsonl", {"eval_seconds"}),
        ("result.json", {"train_seconds", "compile_seconds"}),
    ):
        if _without(one / name, times) != _without(other / name, times):
            found.append(name)
    arrays, others = _arrays(one), _arrays(other)
    for name in sorted(arrays.keys() | others.keys()):
        a, b = arrays.get(name), others.get(name)
        if a is None or b is None or (a.dtype, a.shape, a.tobytes()) != (
            b.dtype, b.shape, b.tobytes(),
        ):  # fmt: skip
            found.append(name)
    return found


def _without(path: Path, names: set[str]) -> list[Any]:
    """The JSON in a file, one value or one per line; NaN equals itself when written as text."""
    text = path.read_text()
    values = text.splitlines() if path.suffix == ".jsonl" else [text]
    return [
        json.dumps({k: v for k, v in json.loads(value).items() if k not in names})
        for value in values
    ]


def _arrays(run: Path) -> dict[str, np.ndarray]:
    """Every array of the newest checkpoint: parameters, optimiser, recurrent state, best."""
    step, _, newest = _finished(run)[0]
    found = {"the checkpoint's step": np.asarray(step)}
    for item in ("state", "params"):
        with ocp.PyTreeCheckpointer() as checkpointer, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it takes the sharding from the checkpoint, as wanted
            tree = checkpointer.restore(newest / item)
        for path, leaf in jax.tree.leaves_with_path(tree):
            found[jax.tree_util.keystr(path, simple=True, separator="/")] = np.asarray(leaf)
    assert len(found) > 5
    return found
