"""A run of before, read back: its settings, its parameters, its files, its model as an export."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from rnnjax.devices import hosts
from rnnjax.devices.layout import Layout
from rnnjax.errors import ExportError, UsageError
from rnnjax.experiment.experiment import Experiment
from rnnjax.experiment.startup import set_precision
from rnnjax.export import check_folder, export_model
from rnnjax.reports.statistics import summarise
from rnnjax.runs import resumption
from rnnjax.runs.files import write_text
from rnnjax.runs.folder import CONFIG, read_config
from rnnjax.storage.files import read_bytes
from rnnjax.training.fit import evaluation_line
from rnnjax.training.parameters import load_run
from rnnjax.training.problem import Problem
from rnnjax.training.settings import Config

C = TypeVar("C", bound=Config)


def saved_config(config: C) -> C:
    """The settings of the run in --workdir, to use it with the data that `config` names.

    What a script's own settings say of the use, not of the training, is as in `config`.

    Raises:
        UsageError: there is no run, or one of another script or another version.
    """
    saved = hosts.on_main(lambda: resumption.saved_flags(str(config.workdir), type(config)))
    names = {field.name for field in dataclasses.fields(config)}
    task = saved.get("task", "another task")
    if "task" not in names:  # a script may have a setting of this name, which is kept in its place
        saved.pop("task", None)
    if strange := sorted(saved.keys() - names):
        raise UsageError(
            f"--workdir={config.workdir} holds a run of {task} with settings that this script does "
            f"not have ({', '.join(strange)[:200]}); take the script and the version that it is of."
        )
    here = {"workdir": config.workdir, "eval_only": True, "distributed": config.distributed}
    here["resume"] = "auto"  # nothing is trained
    common = {field.name for field in dataclasses.fields(Config)}
    for field in dataclasses.fields(config):
        about = field.metadata
        if not (field.name in common or about["changes_result"] or about["is_command"]):
            here[field.name] = getattr(config, field.name)
    if config.data_dir is not None:
        here["data_dir"] = config.data_dir
    try:
        found = type(config)(**saved | here)
    except UsageError as error:
        raise UsageError(f"{Path(str(config.workdir)) / CONFIG}: {error}") from None
    set_precision(found)
    return found


def saved_dataset(config: Config) -> str:
    """The name of the data that the run in --workdir was trained on."""
    return read_config(str(config.workdir))["dataset"]["name"]


def evaluate_saved(
    console: Console, config: Config, layout: Layout, problem: Problem, like: Any
) -> Any:
    """The parameters of the run in --workdir; shows how good they are."""
    step, params = load_run(config, layout, like)
    # Where the test set is what is watched, once is enough.
    watched = {} if problem.evaluate is problem.test else problem.evaluate(params)
    metrics = summarise({**watched, **problem.test(params)})
    console.print(evaluation_line({"step": step, **metrics}))
    return params


def export(experiment: Experiment, console: Console, config: Config) -> None:
    """Writes the model of the run in --workdir to the folder --export.

    Raises:
        UsageError: there is no such run, the folder can't be written, or this task has no model to
            export.
    """
    if experiment.trained_model is None:
        raise UsageError(f"--export: the task {experiment.name} doesn't say what its model is.")
    try:
        check_folder(str(config.export))
        exported = export_model(str(config.export), experiment.trained_model(saved_config(config)))
    except ExportError as error:
        raise UsageError(f"--export: {error}") from None
    if exported.left_out is not None:
        hosts.warn(exported.left_out)
    for name, difference in exported.differences.items():
        console.print(f"{name:16} differs from the model by {difference:.1e} at most")
    console.print(f"written to {config.export}: {', '.join(exported.files)}", soft_wrap=True)


def digests(files: Mapping[str, str]) -> dict[str, str]:
    """The SHA-256 of texts, by the names of their files."""
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Writes what belongs to a run beside its parameters, such as a vocabulary."""
    for name, text in files.items():
        write_text(folder / name, text)


def read_file(config: Config, name: str) -> str:
    """A text that belongs to the run in --workdir, as it was when the run was trained.

    Raises:
        UsageError: it can't be read, or is another one by now.
    """
    return read_text(str(config.workdir), name)


def read_text(workdir: str, name: str) -> str:
    """A text that belongs to the run in a folder; raises as `read_file`."""
    path = Path(workdir).expanduser() / name
    try:
        text = read_bytes(path).decode()
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read ({error}); train again.") from None
    if digests({name: text})[name] != read_config(workdir)["dataset"].get("files", {}).get(name):
        raise UsageError(
            f"{path} is not the one that the parameters beside it were trained with; put the "
            "original file back, or train again."
        )
    return text


def check_files(config: Config, files: Mapping[str, str]) -> None:
    """Compares what belongs to the run in --workdir with the same of the data here.

    Raises:
        UsageError: they differ, so the parameters mean something else than here.
    """
    for name, text in files.items():
        if read_file(config, name) != text:
            raise UsageError(
                f"{name} of the data here is not that of {config.workdir}, so its parameters mean "
                "something else here; evaluate with the data of that run."
            )
