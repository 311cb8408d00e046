"""The parent's end of a worker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.peers import SIDES, Settings

ROOT = Path(__file__).parents[1]


class SideFailedError(RuntimeError):
    """A side could not do what it was asked to; the message is for people."""


class WorkerProcess:
    """A process that runs one side, asked for one thing at a time."""

    def __init__(self, side: str, settings: Settings) -> None:
        self.side = side
        self._log = tempfile.TemporaryFile(  # noqa: SIM115 - closed with the process
            "w+", encoding="utf-8", errors="replace"
        )
        more = dict(SIDES[side].environment) if side in SIDES else {}
        command = [sys.executable, "-m", "benchmarks.worker", f"--side={side}"]
        self._process = subprocess.Popen(
            [*command, f"--settings={json.dumps(asdict(settings))}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=environment(settings.device, more),
        )
        self._answer()

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Sends a request and waits for the answer.

        Raises:
            SideFailedError: it failed, or the process died.
        """
        assert self._process.stdin is not None
        try:
            print(json.dumps({"do": do, **arguments}), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            raise SideFailedError(self._epitaph()) from None
        return self._answer()

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        """Ends the process, which leaves when its input ends."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SideFailedError(self._epitaph())
        answer = json.loads(line)
        if "error" in answer:
            raise SideFailedError(answer["error"])
        return answer

    def _epitaph(self) -> str:
        code = self._process.wait()
        self._log.seek(0)
        lines = [line.strip() for line in self._log if line.strip()]
        return f"its process ended with code {code}: {lines[-1] if lines else 'no message'}"


def environment(device: str, more: dict[str, str]) -> dict[str, str]:
    """The environment of a side's process: this tree to import from, and the device."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    devices = (
        {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
        if device == "cpu"
        # Each takes the memory that it needs, so that all of them fit.
        else {
            "JAX_PLATFORMS": "cuda",
            "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
            "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        }
    )
    return os.environ | {"PYTHONPATH": path} | devices | more
