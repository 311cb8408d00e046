"""Whether a run may be continued: with the same settings and the same data only."""

from __future__ import annotations

import atexit
import dataclasses
import shutil
import tempfile
import time
import typing
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from rnnjax.training import hosts, records
from rnnjax.training.checkpoints import Tell
from rnnjax.training.errors import UsageError
from rnnjax.training.run_folder import (
    CONFIG,
    NO_RECORD,
    RunFolder,
    environment,
    holds_run,
    read_config,
    read_result,
)
from rnnjax.training.settings import Config
from rnnjax.typed_json import Fields

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


def saved_flags(workdir: str, config_type: type[Config]) -> dict[str, Any]:
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
            settings or data.
    """
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
    workdir = config.workdir or f"runs/{task}-{time.strftime('%Y%m%d-%H%M%S')}"
    if not _continues(config):
        folder = RunFolder(workdir)
        folder.write_config({"task": task, **dataclasses.asdict(config)}, dataset)
        return folder
    folder = RunFolder(workdir, resume=True)
    _check_settings(workdir, task, config)
    saved, here = read_config(workdir), environment()
    others = _differences(saved["dataset"], dataset, PLACES)
    if others:
        raise UsageError(
            f"--workdir={workdir} holds a run on other data: {_shown(others)}. Continue it where "
            "its data are, or name another folder to train anew."
        )
    elsewhere = _differences(saved["versions"], here["versions"], ())
    elsewhere += _differences({"devices": saved["devices"]}, {"devices": here["devices"]}, ())
    if elsewhere:
        tell(f"this run was begun elsewhere, so its last bits may differ: {_shown(elsewhere)}")
    return folder


def _continues(config: Config) -> bool:
    if config.workdir is None or config.resume == "never":
        return False
    if config.resume == "must" and not holds_run(config.workdir):
        raise UsageError(f"--workdir={config.workdir} holds no run to continue.")
    return holds_run(config.workdir)


def _check_settings(workdir: str, task: str, config: Config) -> None:
    here = {"task": task, **dataclasses.asdict(config)}
    differences = _differences(saved_flags(workdir, type(config)), here, config.without_effect)
    if not differences:
        return
    length = ""
    if {name for name, *_ in differences} & {"steps", "epochs"}:
        length = (
            " A run of another length is another run: its learning rate may fall differently from "
            "the first step."
        )
    raise UsageError(
        f"--workdir={workdir} holds a run with other settings: {_shown(differences)}. Give the "
        f"same flags to continue it, or name another folder to train anew.{length}"
    )


def _shown(differences: list[tuple[str, Any, Any]]) -> str:
    return "; ".join(
        f"{name} is {_brief(old)} there and {_brief(new)} here" for name, old, new in differences
    )


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:197]}..."


def _differences(
    old: Mapping[str, Any], new: Mapping[str, Any], free: Collection[str]
) -> list[tuple[str, Any, Any]]:
    # Not by the union of two sets, to keep the order in which the settings are declared.
    names = [name for name in {**new, **old} if name not in free]
    pairs = [(name, old.get(name, "absent"), new.get(name, "absent")) for name in names]
    return [(name, a, b) for name, a, b in pairs if a != b]
