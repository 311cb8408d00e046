"""A small state, saved and read back, and what lies in a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from rnnjax.runs.checkpoints import Checkpoints, load_params
from rnnjax.runs.identity import Identity

RUN = Identity.new({"task": "t", "seed": 0})
PARAMS = {"w": np.arange(6, dtype=np.float32).reshape(2, 3)}


def state_of(step: int) -> Any:
    """What a run has come to after so many updates."""
    return {"step": np.array(step, np.int32), "params": params_of(step)}


def params_of(step: int) -> Any:
    """Its parameters then."""
    return {"w": PARAMS["w"] + step}


def save(run: Path, *steps: int, identity: Identity = RUN, **options: Any) -> list[str]:
    """Begins or goes on in a folder and saves after some steps; what was said."""
    told: list[str] = []
    checkpoints = Checkpoints(run, identity, tell=told.append, **options)
    checkpoints.begin()
    for step in steps:
        checkpoints.save(step, state_of(step), params_of(step), params_step=step, record={})
    checkpoints.wait()
    return told


def newest(run: Path, identity: Identity = RUN) -> tuple[int | None, list[str]]:
    """The step that a run would go on from, its state being as it should; and what was said."""
    told: list[str] = []
    checkpoints = Checkpoints(run, identity, tell=told.append)
    step = checkpoints.newest()
    if step is not None:
        state, _ = checkpoints.restore(step, state_of(0))
        assert state["step"] == step
        np.testing.assert_array_equal(state["params"]["w"], params_of(step)["w"])
        assert load_params(run, PARAMS, told.append, identity)[0] == step
    return step, told


def contents(folder: Path) -> dict[str, Any]:
    """All that lies in a folder: bytes of files, targets of links."""
    found: dict[str, Any] = {}
    for path, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            entry = Path(path) / name
            key = entry.relative_to(folder).as_posix()
            if entry.is_symlink():
                found[key] = os.readlink(entry)
            else:
                found[key] = entry.read_bytes() if entry.is_file() else None
    return found


def names(run: Path) -> list[str]:
    """What lies in the folder of checkpoints."""
    return sorted(path.name for path in (run / "checkpoints").iterdir())
