"""The folder that a run leaves behind."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import filelock
import jax

from rnnjax.errors import UsageError
from rnnjax.runs import records
from rnnjax.runs.files import storing, write_text
from rnnjax.runs.identity import ADOPTED, RUN_ID, Identity
from rnnjax.runs.ownership import Claim
from rnnjax.storage import typed_json
from rnnjax.storage.files import make_folder, sync

CONFIG, METRICS, RESULT = "config.json", "metrics.jsonl", "result.json"

# What to do where one of them does not hold what it must.
NO_RECORD = "that is no record of a run, so put the right one back, or name another folder"
WRITTEN_ANEW = (
    f"move {RESULT} away and give the same command again, which takes the last checkpoint and "
    "writes this file anew"
)


class RunFolder:
    """Writes ``config.json``, ``metrics.jsonl``, ``result.json`` and TensorBoard events.

    The events are written if tensorboardX is installed. As long as the process lives, no other one
    can open the folder; and where it isn't the run's any more, nothing is written to it.

    Args:
        path: the folder; it is made if it does not exist.
        resume: whether it may hold a run already, to be continued.

    Attributes:
        identity: of the run, known when its settings are written or given.

    Raises:
        UsageError: the folder can't be written, holds a run that is not to be continued, or another
            process is writing to it.
    """

    def __init__(self, path: str | os.PathLike[str], *, resume: bool = False) -> None:
        self._path = Path(path).expanduser().absolute()
        self.identity = Identity.new()
        if holds_run(path) and not resume:
            raise UsageError(
                f"--workdir={path} already holds a run; name another folder to train anew, or add "
                "--eval_only to evaluate what is there."
            )
        strange = [] if holds_run(path) else _would_be_overwritten(self._path)
        if strange or (self._path.exists() and not self._path.is_dir()):
            there = f" (it holds {', '.join(strange[:3])})" if strange else ""
            raise UsageError(
                f"--workdir={path} is not an empty folder that a run could be written to{there}; "
                "name another one."
            )
        try:
            make_folder(self._path)
            self._claim = Claim(self._path)
        except filelock.Timeout:
            raise UsageError(
                f"another process is writing to --workdir={path}; wait for it, or stop it."
            ) from None
        except OSError as error:
            raise UsageError(
                f"--workdir={path} can't be written ({error.strerror}); name a folder where you "
                "may create files."
            ) from None
        self._events: Any = None

    @property
    def path(self) -> Path:
        """The folder, to write to.

        Raises:
            StorageError: it isn't this run's any more.
        """
        self.check()
        return self._path

    def check(self) -> None:
        """Raises `StorageError` where the folder was deleted, or belongs to another run by now."""
        self._claim.check()

    def adopt(self, checkpoints: Sequence[str]) -> None:
        """Gives a run its id that was begun before runs had one.

        Args:
            checkpoints: the names of those that it has.
        """
        config = read_config(self.path)
        added = {RUN_ID: Identity.new().run_id, ADOPTED: list(checkpoints)}
        self._write_json(CONFIG, config | added)

    def write_config(self, config: Mapping[str, Any], dataset: Mapping[str, Any]) -> None:
        """Records the flags, the versions, the commit, the devices and the data really used."""
        self._write_json(
            CONFIG,
            {
                "format": records.FORMAT,
                "flags": dict(config),
                "dataset": dict(dataset),
                RUN_ID: self.identity.run_id,
                **environment(),
                "commit": _commit(),
                "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            },
        )

    def begin_log(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Begins ``metrics.jsonl`` with the evaluations that there were before, if any."""
        write_text(self.path / METRICS, "".join(typed_json.to_text(m) + "\n" for m in history))
        self._events = _event_writer(self.path, history[-1]["step"] + 1 if history else 0)

    def log(self, metrics: Mapping[str, Any]) -> None:
        """Appends one object to ``metrics.jsonl``; it must have a ``step``."""
        with (
            storing(self.path / METRICS),
            open(self.path / METRICS, "a", encoding="utf-8") as file,
        ):
            file.write(typed_json.to_text(metrics) + "\n")
        if self._events is not None:
            for name, value in metrics.items():
                if name != "step" and isinstance(value, int | float):
                    self._events.add_scalar(name, value, metrics["step"])

    def write_result(self, result: Mapping[str, Any]) -> None:
        """Writes ``result.json``, whole or not at all, when the disk has all of the metrics."""
        if (self.path / METRICS).exists():
            with storing(self.path / METRICS):
                sync(self.path / METRICS)
        self._write_json(RESULT, result)
        if self._events is not None:
            self._events.close()

    def _write_json(self, name: str, content: Mapping[str, Any]) -> None:
        write_text(self.path / name, typed_json.to_text(content, indent=2) + "\n")


def new_folder(parent: Path, name: str) -> Path:
    """Makes a folder that nobody else has: ``name``, or ``name-2`` and so on.

    Raises:
        UsageError: it can't be made.
    """
    path, number = parent / name, 1
    try:
        make_folder(parent)
        while True:
            try:
                path.mkdir()
                return path
            except FileExistsError:
                number += 1
                path = parent / f"{name}-{number}"
    except OSError as error:
        raise UsageError(
            f"{path} can't be made ({error.strerror}); name a folder where you may create files "
            "with --workdir."
        ) from None


def _would_be_overwritten(path: Path) -> list[str]:
    """What in a folder without a run has the name of something that a run writes."""
    if not path.is_dir():
        return []
    try:
        names = sorted(p.name for p in path.iterdir())
    except OSError:
        return []  # opening it will tell
    return [name for name in names if name in (METRICS, RESULT) or name.endswith(".png")]


def holds_run(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds a run, finished or not."""
    return (Path(path).expanduser() / CONFIG).exists()


def environment() -> dict[str, Any]:
    """The versions and the devices, on which the last bits of a result depend."""
    devices = [f"{d.platform}:{d.device_kind}" for d in jax.devices()]
    return {"versions": _versions(), "devices": devices}


def read_result(path: str | os.PathLike[str], shape: Any = records.RESULT) -> dict[str, Any] | None:
    """Reads ``result.json``; None where the run has not come to an end.

    Args:
        path: the run's folder.
        shape: what it must hold.

    Raises:
        UsageError: it is damaged, or of something else.
    """
    try:
        return records.read(Path(path).expanduser() / RESULT, shape, WRITTEN_ANEW)
    except FileNotFoundError:
        return None


def read_config(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads what `RunFolder.write_config` wrote.

    Raises:
        UsageError: the folder holds no run, or its ``config.json`` is damaged, of a later version,
            or another program's.
    """
    try:
        return records.read(Path(path).expanduser() / CONFIG, records.CONFIG, NO_RECORD)
    except FileNotFoundError:
        raise UsageError(
            f"--workdir={path} holds no run (there is no readable {CONFIG} in it); name the "
            "folder of a finished one."
        ) from None


def read_metrics(path: str | os.PathLike[str], shape: Any = records.EVALUATION) -> list[Any]:
    """Reads ``metrics.jsonl``: the metrics of each evaluation.

    Args:
        path: the run's folder.
        shape: what a line must hold.

    Raises:
        UsageError: it is not there or damaged.
    """
    file = Path(path).expanduser() / METRICS
    try:
        return list(records.read_lines(file, shape, WRITTEN_ANEW))
    except FileNotFoundError:
        raise UsageError(f"{file} is not there; {WRITTEN_ANEW}.") from None


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


def _event_writer(path: Path, first_step: int) -> Any:
    try:
        from tensorboardX import SummaryWriter  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    # What an interrupted run has written from this step on does not count.
    return SummaryWriter(str(path), purge_step=first_step)
