"""What every experiment shares: flags, presets, and how mistakes are told.

An experiment describes its settings as a frozen dataclass that extends `Config`. Each field is
one flag; a preset is a mapping from names to values; a flag given on the command line wins over
the preset, and the preset over the default.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import shlex
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import jax
from absl import app, flags
from flax import linen as nn
from rich.console import Console
from rich.panel import Panel

from rnnjax import Cell, Layer, Stack, outset
from rnnjax.devices import hosts
from rnnjax.devices.cluster import LOST, Cluster
from rnnjax.devices.hosts import warn as warn
from rnnjax.devices.layout import Layout
from rnnjax.devices.precision import computing_in
from rnnjax.errors import DataError, ExportError, NonFiniteLossError, StorageError, UsageError
from rnnjax.experiment.command_line import merge as merge
from rnnjax.experiment.command_line import read_flags
from rnnjax.experiment.startup import (
    find_devices,
    keep_memory,
    keep_objects,
    set_cache,
    set_precision,
    use_cores,
)
from rnnjax.experiment.startup import lay_out as lay_out
from rnnjax.experiment.terminal import loading as loading
from rnnjax.experiment.terminal import open_console as open_console
from rnnjax.export import Model, check_folder, export_model
from rnnjax.reports import tables as reports
from rnnjax.reports.statistics import shown, summarise
from rnnjax.runs import records, resumption
from rnnjax.runs.agreement import agree_on_settings
from rnnjax.runs.files import storing
from rnnjax.runs.folder import CONFIG, RunFolder
from rnnjax.runs.interruption import Interrupted, raised
from rnnjax.training.fit import evaluation_line
from rnnjax.training.needs import check_disk
from rnnjax.training.nonfinite import skipped_updates
from rnnjax.training.optimizers import SCHEDULES as SCHEDULES
from rnnjax.training.parameters import initial_params as initial_params
from rnnjax.training.parameters import load_model as load_model
from rnnjax.training.parameters import load_run as load_run
from rnnjax.training.problem import Dataset as Dataset
from rnnjax.training.problem import Problem
from rnnjax.training.run_state import RunState
from rnnjax.training.settings import Config as Config
from rnnjax.training.settings import setting as setting
from rnnjax.training.train import run_length
from rnnjax.training.train import train as train

C = TypeVar("C", bound="Config")
D = TypeVar("D", bound=Dataset)


def launch(
    task: str,
    config_type: type[C],
    presets: Mapping[str, Mapping[str, Any]],
    run: Callable[[C], dict[str, Any]],
) -> NoReturn:
    """Reads the flags, runs the experiment and exits.

    The exit code is 2 after a mistake of the user's, 1 after NaN or on a full disk, and 143 or 130
    after SIGTERM or Ctrl-C.

    Args:
        task: the experiment's name.
        config_type: the experiment's settings.
        presets: named configurations, the first one's name for the help.
        run: the experiment.
    """

    def parse(arguments: list[str]) -> C:
        flags.FLAGS.mark_as_parsed()  # those of other libraries keep their defaults
        try:
            return read_flags(config_type, presets, arguments)
        except UsageError as error:
            fail(str(error))

    def main(config: C) -> None:
        outset.without_reader(end=not config.trains and config.export is None)
        set_precision(config)
        set_cache(config)
        use_cores(config)
        keep_memory()
        keep_objects()
        cluster = join(config)
        try:
            with raised(), storing("the run's folder"):
                agree_on_settings(task, config)
                if not is_finished(task, config):
                    run(config)
        except (UsageError, DataError, NonFiniteLossError, StorageError) as error:
            user_error = isinstance(error, UsageError | DataError)
            hosts.say(f"error: {error}")
            end(cluster, 2 if user_error else 1, getattr(error, "everywhere", False))
        except Interrupted as error:
            hosts.say(f"{error}{how_to_go_on(config, error)}")
            # Between two chunks all processes stop together; anywhere else each for itself.
            end(cluster, error.exit_code, error.run is not None)
        except Exception:
            if cluster is None:
                raise
            traceback.print_exc()
            cluster.give_up(LOST)
        end(cluster, 0, True)

    app.run(main, flags_parser=parse)
    raise AssertionError("app.run exits")


def join(config: Config) -> Cluster | None:
    """Waits for the other processes of the run, if there are to be any."""
    try:
        if not config.distributed:
            find_devices()
            return None
        return Cluster(
            config.coordinator,
            config.num_processes,
            config.process_id,
            timeout=config.startup_timeout,
        )
    except UsageError as error:
        fail(str(error))


def end(cluster: Cluster | None, code: int, together: bool) -> NoReturn:
    """Exits; with other processes in order if they do so too, or else at once."""
    if cluster is not None and not together:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # JAX would wait for the others
    if cluster is not None:
        cluster.leave()
    keep_objects()
    sys.exit(code)


def fail(message: str, code: int = 2) -> NoReturn:
    """Ends the script with one sentence."""
    print(f"error: {message}", file=sys.stderr)
    end(None, code, True)


def is_finished(task: str, config: Config) -> bool:
    """Whether training was asked for that is done already; says so."""
    result, shape = None, records.SHOWN_RESULT
    if config.trains:
        result = hosts.on_main(lambda: resumption.finished_result(task, config, shape))
    if result is not None and hosts.is_main():
        print(
            f"this run has finished: test loss {shown(result, 'test_loss')}, test accuracy "
            f"{shown(result, 'test_accuracy')} after {result['steps']:,} steps; everything is in "
            f"{config.workdir} (another --workdir trains anew)"
        )
    return result is not None


def how_to_go_on(config: Config, stop: Interrupted) -> str:
    """The command that continues a run, if anything of it is saved."""
    if stop.run is None:
        return ""
    more = [] if config.workdir is not None else [f"--workdir={stop.run}"]
    more += ["--resume=auto"] if config.resume == "never" else []
    command = shlex.join(["python", *sys.argv, *more])
    return f" after {stop.steps:,} updates, which are saved; go on with\n  {command}"


def saved_config(config: C) -> C:
    """The settings of the run in --workdir, to evaluate it with the data that `config` names."""
    saved = hosts.on_main(lambda: resumption.saved_flags(str(config.workdir), type(config)))
    task = saved.pop("task", "another task")
    names = {field.name for field in dataclasses.fields(config)}
    if strange := sorted(saved.keys() - names):
        raise UsageError(
            f"--workdir={config.workdir} holds a run of {task} with settings that this script does "
            f"not have ({', '.join(strange)[:200]}); take the script and the version that it is of."
        )
    here = {"workdir": config.workdir, "eval_only": True, "distributed": config.distributed}
    here["resume"] = "auto"  # nothing is trained
    if config.data_dir is not None:
        here["data_dir"] = config.data_dir
    try:
        found = type(config)(**saved | here)
    except UsageError as error:
        raise UsageError(f"{Path(str(config.workdir)) / CONFIG}: {error}") from None
    set_precision(found)
    return found


def export(console: Console, config: C, trained_model: Callable[[C], Model]) -> dict[str, Any]:
    """Writes the model of the run in --workdir to the folder --export.

    Args:
        console: shows what was written.
        config: the settings that were given.
        trained_model: the model of a run with these settings, its parameters loaded.
    """
    try:
        check_folder(str(config.export))
        exported = export_model(str(config.export), trained_model(saved_config(config)))
    except ExportError as error:
        raise UsageError(f"--export: {error}") from None
    if exported.left_out is not None:
        warn(exported.left_out)
    for name, difference in exported.differences.items():
        console.print(f"{name:16} differs from the model by {difference:.1e} at most")
    console.print(f"written to {config.export}: {', '.join(exported.files)}", soft_wrap=True)
    return {}


def load(load_data: Callable[..., D], config: Any, console: Console) -> D:
    """The data that --dataset and --data_dir name."""
    with loading(console) as progress:
        return load_data(config.dataset, config.data_dir, progress=progress)


def applying(config: Config, model: nn.Module) -> Callable[..., Any]:
    """``apply(params, inputs, …)``: what a model makes of inputs, in the numbers of --precision."""
    return computing_in(
        config.precision, lambda params, *xs, **more: model.apply({"params": params}, *xs, **more)
    )


def set_up(console: Console, config: Config, layout: Layout, problem: Problem) -> Any:
    """The initial parameters; says what is trained, on what, before anything takes time."""
    data, shapes = problem.dataset, jax.eval_shape(problem.init, jax.random.key(0))
    console.print(reports.params_table(shapes, problem.title))
    console.print(f"data     {data.name}: {data.origin}")
    console.print(f"devices  {', '.join(map(str, layout.mesh.devices.flat))}")
    if config.num_seeds > 1:
        console.print(f"seeds    {config.seed} to {config.seed + config.num_seeds - 1}, at once")
    if problem.needs is not None and not config.eval_only:
        console.print(f"memory   {problem.needs}", soft_wrap=True)
        run_length(config, problem.batches)
        if hosts.is_main():
            check_disk(config, problem.needs)
    if data.warning is not None:
        console.print(Panel(data.warning, title="other data than asked for", style="bold yellow"))
    return initial_params(config, layout, problem)


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


def build_layer(
    cell: Callable[..., Cell], num_features: int, hidden_size: int, num_layers: int, **options: Any
) -> Layer:
    """One cell of the given kind, or several in a `rnnjax.Stack`."""
    sizes = [num_features] + [hidden_size] * num_layers
    cells = [cell(d, h, **options) for d, h in itertools.pairwise(sizes)]
    return cells[0] if len(cells) == 1 else Stack(tuple(cells))


def run_title(config: Config, cell: str, data: Dataset) -> str:
    """What is trained on what; it stands beside the bar and above every picture."""
    layers = "" if config.num_layers == 1 else f"{config.num_layers} layers of "
    stand_in = " (A STAND-IN)" if data.warning is not None else ""
    seeds = "" if config.num_seeds == 1 else f", {config.num_seeds} seeds"
    return f"{layers}{cell} {config.hidden_size} on {data.name}{stand_in}{seeds}"


def open_run(task: str, config: Config, data: Dataset, **more: Any) -> RunFolder:
    """Opens the folder of a run; records its settings, and `more` about its data, if it is new."""
    dataset = {"name": data.name, "origin": data.origin, "warning": data.warning, **more}
    return resumption.open_run(task, config, dataset, warn)


def finish(
    folder: RunFolder,
    console: Console,
    task: str,
    config: Config,
    data: Dataset,
    fitted: RunState,
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """Writes ``result.json`` and says where everything lies."""
    last = fitted.history[-1]
    skipped = int(skipped_updates(fitted.train.opt_state).sum())
    kept = ("test_loss", "test_accuracy")
    metrics = {k: v for k, v in last.items() if k in kept} | dict(more)
    if config.num_seeds > 1:
        spread = more if "seeds" in more else last
        metrics["sd"] = {k: v for k, v in spread["sd"].items() if k in kept}
        metrics["seeds"] = {"seed": [config.seed + i for i in range(config.num_seeds)]} | {
            k: v for k, v in spread["seeds"].items() if k in kept
        }
    result = {
        "task": task,
        "preset": config.preset,
        "dataset": data.name,
        "warning": data.warning,
        "seed": config.seed,
        "steps": int(fitted.train.step),
        **({"skipped": skipped} if skipped else {}),
        "num_params": reports.count_params(fitted.params) // config.num_seeds,
        "train_seconds": round(fitted.train_seconds, 3),
        "compile_seconds": round(fitted.compile_seconds, 3),
        **metrics,
    }
    folder.write_result(result)
    speed = 1e3 * fitted.train_seconds / result["steps"]
    console.print(
        f"test loss {shown(result, 'test_loss')}, test accuracy {shown(result, 'test_accuracy')} "
        f"after {result['steps']:,} steps ({speed:.2f} ms each, compiled in "
        f"{fitted.compile_seconds:.1f} s)\nwritten to {folder.path}",
        soft_wrap=True,
    )
    return result
