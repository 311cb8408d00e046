"""A run on a disk that is too small."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.survival.runs import Run, Running, differences, finished_checkpoints

OFTEN = "--checkpoint_every=60"


def small_disk(work: Path) -> str:
    """Trains on a file system of 4 MB until it is full, and goes on where there is room."""
    flags = ("--dataset=digits", "--hidden_size=64", "--steps=900", "--eval_every=200")
    calm, starved = Run("mnist_rnn", flags, work / "calm"), Run("mnist_rnn", flags, work / "run")
    calm.finish()
    mount = work / "mount"
    mount.mkdir()
    inside = Run("mnist_rnn", flags, mount / "run")
    # In a mount namespace of its own, which needs no rights; what is there is copied out at last.
    script = (
        f'mount -t tmpfs -o size=4m none "{mount}" && "$@"; code=$?; '
        f'cp -r "{inside.folder}" "{starved.folder}"; exit $code'
    )
    command = ["unshare", "-rm", "sh", "-c", script, "sh", *inside.command, OFTEN, "--keep=50"]
    process = subprocess.Popen(
        command,
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"JAX_PLATFORMS": "cpu"},
    )
    code, said = Running(process, starved.folder).wait()
    if not starved.folder.exists():
        return f"not tried, because nothing could be mounted here: {said.strip()[-200:]}"
    told = [line for line in said.splitlines() if "could not be written" in line]
    sound = finished_checkpoints(starved.folder)
    if code != 1 or len(told) != 1 or "Traceback" in said or not sound:
        return f"FAILED with code {code}, {len(sound)} checkpoints: {said[-2000:]}"
    starved.finish("--resume=must")
    found = differences(calm.folder, starved.folder)
    if found:
        return f"FAILED: {', '.join(found)} differ"
    return f"survived; {len(sound)} sound checkpoints, then: {told[0]}"
