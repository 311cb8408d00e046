"""Whether a run may be continued: with the same settings and the same data only."""

from __future__ import annotations

import atexit
import dataclasses
import shutil
import tempfile
import time
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnjax.devices import hosts
from rnnjax.errors import UsageError
from rnnjax.runs import records
from rnnjax.runs.agreement import agree
from rnnjax.runs.checkpoint_folder import FOLDER, places
from rnnjax.runs.checkpoints import Tell
from rnnjax.runs.folder import (
    CONFIG,
    NO_RECORD,
    RunFolder,
    environment,
    holds_run,
    new_folder,
    read_config,
    read_result,
)
from rnnjax.runs.identity import RUN_ID, Identity, differences, shown
from rnnjax.storage.typed_json import Fields
from rnnjax.training.settings import Config

PLACES = ("origin", "warning")
"""What a data set says of where it was found, which may change."""


def finished_result(
    task: str, config: Config, shape: Any = records.RESULT
) -> dict[str, Any] | None:
    """The result of the run in --workdir, if it has come to its end.

    Args:
        task: the experiment's name.
        config: its settings.
        shape: what the result must hold.

    Raises:
        UsageError: it is a run of other settings, there is none where there must be one, or its
            files are damaged.
    """
    if not _continues(config):
        return None
    _check_settings(str(config.workdir), task, config)
    return read_result(str(config.workdir), shape)


def saved_flags(workdir: str | Path, config_type: type[Config]) -> dict[str, Any]:
    """The settings of a run by name, as its folder has them.

    Args:
        workdir: the run's folder.
        config_type: whose fields say what each setting must be; others are given as they are.

    Raises:
        UsageError: it holds no run, or one whose ``config.json`` is damaged.
    """
    flags = read_config(workdir)["flags"]
    shape = Fields({"flags": Fields(optional=typing.get_type_hints(config_type))})
    file = Path(workdir).expanduser() / CONFIG
    return records.check(file, {"flags": flags}, shape, NO_RECORD)["flags"]


def open_run(task: str, config: Config, dataset: Mapping[str, Any], tell: Tell) -> RunFolder:
    """Opens the folder of a run, and records its settings and data if it is new.

    Args:
        task: the experiment's name.
        config: its settings; without a folder among them there will be a new one under runs/.
        dataset: what to record of the data, their "name" among it.
        tell: shows a warning.

    Raises:
        UsageError: it can't be written, or holds a run that is not to be continued with these
            settings or data; or the processes of this run have different data.
    """
    agree("data", _lasting(dataset))
    opened: list[RunFolder] = []

    def open_here() -> None:
        opened.append(_open(task, config, dataset, tell))

    hosts.on_main(open_here)
    if opened:
        return opened[0]
    # The first process alone writes the run; what the others write is forgotten.
    scratch = tempfile.mkdtemp(prefix="rnnjax-")
    atexit.register(shutil.rmtree, scratch, ignore_errors=True)
    return RunFolder(scratch)


def _open(task: str, config: Config, dataset: Mapping[str, Any], tell: Tell) -> RunFolder:
    workdir = config.workdir or new_folder(Path("runs"), f"{task}-{time.strftime('%Y%m%d-%H%M%S')}")
    settings = {"task": task, **dataclasses.asdict(config)}
    deciding = {k: v for k, v in settings.items() if k not in config.without_effect}
    deciding |= {f"dataset.{name}": value for name, value in _lasting(dataset).items()}
    if not _continues(config):
        folder = RunFolder(workdir)
        folder.identity = Identity.new(deciding)
        folder.write_config(settings, dataset)
        return folder
    _check_settings(workdir, task, config)
    saved, here = read_config(workdir), environment()
    others = differences(saved["dataset"], dataset, PLACES)
    if others:
        raise UsageError(
            f"--workdir={workdir} holds a run on other data: {shown(others)}. Continue it where "
            "its data are, or name another folder to train anew."
        )
    folder = RunFolder(workdir, resume=True)
    if saved.get(RUN_ID) is None:
        folder.adopt([place.path.name for place in places(folder.path / FOLDER)])
    # Again, now that nobody else writes there.
    folder.identity = Identity.recorded(read_config(workdir), deciding)
    elsewhere = differences(saved["versions"], here["versions"], ())
    elsewhere += differences({"devices": saved["devices"]}, {"devices": here["devices"]}, ())
    if elsewhere:
        tell(f"this run was begun elsewhere, so its last bits may differ: {shown(elsewhere)}")
    return folder


def _lasting(dataset: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in dataset.items() if name not in PLACES}


def _continues(config: Config) -> bool:
    if config.workdir is None or config.resume == "never":
        return False
    if config.resume == "must" and not holds_run(config.workdir):
        raise UsageError(f"--workdir={config.workdir} holds no run to continue.")
    return holds_run(config.workdir)


def _check_settings(workdir: str | Path, task: str, config: Config) -> None:
    here = {"task": task, **dataclasses.asdict(config)}
    others = differences(saved_flags(workdir, type(config)), here, config.without_effect)
    if not others:
        return
    length = ""
    if {name for name, *_ in others} & {"steps", "epochs"}:
        length = (
            " A run of another length is another run: its learning rate may fall differently from "
            "the first step."
        )
    raise UsageError(
        f"--workdir={workdir} holds a run with other settings: {shown(others)}. Give the "
        f"same flags to continue it, or name another folder to train anew.{length}"
    )
