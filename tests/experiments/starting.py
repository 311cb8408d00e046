"""Starts an experiment as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def start(
    name: str, *arguments: str, module: bool = False, stdin: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """Runs ``python experiments/<name>.py``, or ``python -m experiments.<name>``."""
    how = ["-m", f"experiments.{name}"] if module else [f"experiments/{name}.py"]
    done = subprocess.run(
        [sys.executable, *how, *arguments],
        cwd=ROOT,
        capture_output=True,
        input=stdin,
        timeout=600,
        env=os.environ | {"JAX_PLATFORMS": "cpu", "COLUMNS": "120"},
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def assert_refused(done: subprocess.CompletedProcess[str], message: str) -> None:
    """One sentence that holds `message`, exit code 2, no traceback."""
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
