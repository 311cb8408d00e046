"""The folder that a run leaves behind."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from rnnjax.training.errors import UsageError

CONFIG, METRICS, RESULT = "config.json", "metrics.jsonl", "result.json"


class RunFolder:
    """Writes ``config.json``, ``metrics.jsonl``, ``result.json`` and TensorBoard events.

    The events are written if tensorboardX is installed.

    Args:
        path: the folder; it is made if it does not exist.

    Raises:
        UsageError: the folder can't be written, or already holds a run.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).expanduser().absolute()
        if (self.path / CONFIG).exists():
            raise UsageError(
                f"--workdir={path} already holds a run; name another folder to train anew, or add "
                "--eval_only to evaluate what is there."
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / METRICS).touch(exist_ok=False)
        except FileExistsError:
            raise UsageError(
                f"--workdir={path} is not an empty folder that a run could be written to; name "
                "another one."
            ) from None
        except OSError as error:
            raise UsageError(
                f"--workdir={path} can't be written ({error.strerror}); name a folder where you "
                "may create files."
            ) from None
        self._events = _event_writer(self.path)

    def write_config(self, config: Mapping[str, Any], dataset: Mapping[str, Any]) -> None:
        """Records the flags, the versions, the commit, the devices and the data really used."""
        self._write_json(
            CONFIG,
            {
                "flags": dict(config),
                "dataset": dict(dataset),
                "versions": _versions(),
                "commit": _commit(),
                "devices": [f"{d.platform}:{d.device_kind}" for d in jax.devices()],
                "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            },
        )

    def log(self, metrics: Mapping[str, Any]) -> None:
        """Appends one object to ``metrics.jsonl``; it must have a ``step``."""
        with open(self.path / METRICS, "a", encoding="utf-8") as file:
            file.write(json.dumps(metrics) + "\n")
        if self._events is not None:
            for name, value in metrics.items():
                if name != "step" and isinstance(value, int | float):
                    self._events.add_scalar(name, value, metrics["step"])

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Writes ``result.json``, whole or not at all."""
        self._write_json(RESULT, result)
        if self._events is not None:
            self._events.close()

    def _write_json(self, name: str, content: Mapping[str, Any]) -> None:
        part = self.path / f".{name}.part"
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        part.replace(self.path / name)


def read_config(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads what `RunFolder.write_config` wrote.

    Raises:
        UsageError: the folder holds no run, or its ``config.json`` is damaged.
    """
    file = Path(path).expanduser() / CONFIG
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError:
        raise UsageError(
            f"--workdir={path} holds no run (there is no readable {CONFIG} in it); name the "
            "folder of a finished one."
        ) from None
    except ValueError:
        raise UsageError(f"{file} is damaged: it is no JSON; train again.") from None


def _versions() -> dict[str, str]:
    packages = ("rnnjax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")
    installed = {p: v for p in packages if (v := _version(p)) is not None}
    return {"python": platform.python_version()} | installed


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the source tree that this package runs from, if it is a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10
        )
    except OSError:
        return None
    return done.stdout.strip() or None


def _event_writer(path: Path) -> Any:
    try:
        from tensorboardX import SummaryWriter  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    return SummaryWriter(str(path))
