"""What every experiment shares: flags, presets, and how mistakes are told.

An experiment describes its settings as a frozen dataclass that extends `Config`. Each field is
one flag; a preset is a mapping from names to values; a flag given on the command line wins over
the preset, and the preset over the default.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import sys
import time
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn, Protocol, TypeVar

import jax
from absl import app, flags, logging
from rich.console import Console
from rich.panel import Panel
from rich.progress import Progress, TaskID

from rnnjax import Cell, Layer, Stack
from rnnjax.data.source import DataError
from rnnjax.data.source import Progress as DataProgress
from rnnjax.training import reports
from rnnjax.training.batches import Batches
from rnnjax.training.checkpoints import save_params
from rnnjax.training.errors import UsageError
from rnnjax.training.fit import FitResult, Metrics, evaluation_steps, fit
from rnnjax.training.loop import LossFn, NonFiniteLossError, Trainer, init_state
from rnnjax.training.optimizers import OPTIMIZERS, SCHEDULES, build_optimizer
from rnnjax.training.run_folder import RunFolder, read_config

C = TypeVar("C", bound="Config")


class Dataset(Protocol):
    """What every data set says of itself."""

    @property
    def name(self) -> str: ...
    @property
    def origin(self) -> str: ...
    @property
    def warning(self) -> str | None: ...


def setting(
    default: Any, description: str, *, at_least: float | None = None, choices: Any = None
) -> Any:
    """A field of a `Config` that is a flag: its default, its help and what it may be."""
    metadata = {"help": description, "at_least": at_least, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The settings that all experiments have."""

    preset: str | None = setting(None, "a published configuration; flags given beside it win")
    workdir: str | None = setting(
        None, "folder of the run (default: a new one under runs/, named by task and time)"
    )
    data_dir: str | None = setting(
        None, "folder with prepared TFDS data (default: where TFDS looks)"
    )
    seed: int = setting(0, "random seed", at_least=0)
    hidden_size: int = setting(128, "units of each recurrent layer", at_least=1)
    num_layers: int = setting(1, "recurrent layers", at_least=1)
    optimizer: str = setting("adam", "optimiser", choices=OPTIMIZERS)
    learning_rate: float = setting(1e-3, "learning rate of the first step")
    schedule: str = setting("constant", "how the learning rate falls", choices=SCHEDULES)
    clip_norm: float | None = setting(None, "largest global norm of the gradient")
    average: float | None = setting(
        None, "evaluate and keep an average of the parameters with this decay, such as 0.999"
    )
    batch_size: int = setting(128, "examples per step", at_least=1)
    steps: int | None = setting(None, "updates in the whole run", at_least=1)
    epochs: int | None = setting(None, "passes over the training data, instead", at_least=1)
    eval_every: int | None = setting(
        None, "steps between evaluations (default: 500, or an epoch with --epochs)", at_least=1
    )
    eval_only: bool = setting(False, "evaluate the parameters saved in --workdir, train nothing")
    dry_run: bool = setting(False, "show what would be trained, on which data, and stop")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))
        for name in ("learning_rate", "clip_norm"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise UsageError(f"--{name} must be a positive number, not {value}.")
        if self.average is not None and not 0 < self.average < 1:
            raise UsageError(f"--average must lie between 0 and 1, not at {self.average}.")
        if self.eval_only and self.workdir is None:
            raise UsageError("--eval_only needs --workdir, the folder of a finished run.")


def _check(field: dataclasses.Field[Any], value: Any) -> None:
    least, choices = field.metadata["at_least"], field.metadata["choices"]
    if value is None:
        return
    if least is not None and value < least:
        raise UsageError(f"--{field.name} must be at least {least}, not {value}.")
    if choices is not None and value not in choices:
        raise UsageError(
            f"--{field.name}={value} is unknown; expected one of: {', '.join(sorted(choices))}."
        )


def launch(
    config_type: type[C],
    presets: Mapping[str, Mapping[str, Any]],
    run: Callable[[C], dict[str, Any]],
) -> NoReturn:
    """Reads the flags, runs the experiment and exits: 2 after a mistake of the user's.

    Args:
        config_type: the experiment's settings.
        presets: named configurations, the first one's name for the help.
        run: the experiment.
    """
    _define_flags(config_type, presets)

    def parse(arguments: list[str]) -> C:
        try:
            stray = flags.FLAGS(arguments)[1:]
        except flags.Error as error:
            fail(str(error))
        if not flags.FLAGS["verbosity"].present:
            # Orbax and TFDS tell every file they touch; a user wants to hear of trouble only.
            logging.set_verbosity(logging.WARNING)
        if stray:
            fail(f"stray argument {stray[0]!r}; every setting is a flag, as in --name=value.")
        try:
            return config_from_flags(config_type, presets)
        except UsageError as error:
            fail(str(error))

    def main(config: C) -> None:
        try:
            run(config)
        except (UsageError, DataError) as error:
            fail(str(error))
        except NonFiniteLossError as error:
            fail(str(error), code=1)

    app.run(main, flags_parser=parse)
    raise AssertionError("app.run exits")


def fail(message: str, code: int = 2) -> NoReturn:
    """Ends the script with one sentence."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)


def config_from_flags(config_type: type[C], presets: Mapping[str, Mapping[str, Any]]) -> C:
    """Puts the settings together: flags that were given, then the preset, then the defaults."""
    given = {
        f.name: flags.FLAGS[f.name].value
        for f in dataclasses.fields(config_type)
        if flags.FLAGS[f.name].present
    }
    return merge(config_type, presets, given)


def merge(
    config_type: type[C], presets: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any]
) -> C:
    """The settings that follow from those given, among them perhaps the preset's name.

    Raises:
        UsageError: the preset is unknown, a value is out of its range, or both --steps and
            --epochs were given.
    """
    name = given.get("preset")
    if name is not None and name not in presets:
        raise UsageError(
            f"--preset={name} is unknown; expected one of: {', '.join(sorted(presets))}."
        )
    if given.get("steps") is not None and given.get("epochs") is not None:
        raise UsageError("give --steps or --epochs, not both.")
    values: dict[str, Any] = {}
    for settings in (presets[name] if name is not None else {}, given):
        # The length of the run is one setting with two names: the last one given counts.
        for length, other in (("steps", "epochs"), ("epochs", "steps")):
            if settings.get(length) is not None:
                values[other] = None
        values |= settings
    return config_type(**values)


def saved_config(config: C) -> C:
    """The settings of the run in --workdir, to evaluate it with the data that `config` names."""
    saved = read_config(str(config.workdir))["flags"]
    here = {"workdir": config.workdir, "eval_only": True}
    if config.data_dir is not None:
        here["data_dir"] = config.data_dir
    names = {field.name for field in dataclasses.fields(config)}
    try:
        return type(config)(**({k: v for k, v in saved.items() if k in names} | here))
    except TypeError as error:
        raise UsageError(f"--workdir={config.workdir} holds a run of another task.") from error


@contextlib.contextmanager
def loading(console: Console) -> Iterator[DataProgress]:
    """Shows how far downloads, decoding and tokenising are, for as long as they take."""
    with Progress(*Progress.get_default_columns(), console=console, transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        yield show


def show_setup(console: Console, title: str, params: Any, data: Dataset) -> None:
    """Says what is trained, on which data and devices, before anything takes time."""
    console.print(reports.params_table(params, title))
    console.print(f"data     {data.name}: {data.origin}")
    console.print(f"devices  {', '.join(map(str, jax.devices()))}")
    if data.warning is not None:
        console.print(Panel(data.warning, title="other data than asked for", style="bold yellow"))


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
    return f"{layers}{cell} {config.hidden_size} on {data.name}{stand_in}"


def new_run(task: str, config: Config, data: Dataset, **more: Any) -> RunFolder:
    """Opens the folder of a new run and records its settings, and `more` about its data."""
    workdir = config.workdir or f"runs/{task}-{time.strftime('%Y%m%d-%H%M%S')}"
    folder = RunFolder(workdir)
    flags_used = dataclasses.asdict(config)
    folder.write_config(
        {"task": task, **flags_used},
        {"name": data.name, "origin": data.origin, "warning": data.warning, **more},
    )
    return folder


def train(
    config: Config,
    folder: RunFolder,
    console: Console,
    title: str,
    params: Any,
    loss: LossFn,
    batches: Batches,
    data: Any,
    key: jax.Array,
    evaluate: Callable[[Any], Metrics],
    carry: Any = (),
    best_by: str | None = None,
    keep_best: bool = False,
) -> FitResult:
    """Trains as the settings say, and saves the last parameters, or the best ones."""
    if config.epochs is not None:
        num_steps = config.epochs * batches.steps_per_epoch
        every = config.eval_every or batches.steps_per_epoch
        steps = [*range(every - 1, num_steps - 1, every), num_steps - 1]
    elif config.steps is None:
        raise UsageError("give --steps or --epochs, the length of the run.")
    else:
        num_steps = config.steps
        steps = evaluation_steps(num_steps, config.eval_every or 500)
    optimizer = build_optimizer(
        config.optimizer,
        config.learning_rate,
        schedule=config.schedule,
        num_steps=num_steps,
        clip_norm=config.clip_norm,
        average=config.average,
    )
    trainer = Trainer(loss, optimizer, batches, data, key, carry)
    state = init_state(params, optimizer, carry)
    fitted = fit(
        trainer,
        state,
        evaluate,
        steps,
        title=title,
        console=console,
        log=folder.log,
        best_by=best_by,
    )
    if keep_best:
        save_params(folder.path, fitted.best_step + 1, fitted.best_params)
    else:
        save_params(folder.path, num_steps, fitted.params)
    return fitted


def finish(
    folder: RunFolder,
    console: Console,
    task: str,
    config: Config,
    data: Dataset,
    fitted: FitResult,
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """Writes ``result.json`` and says where everything lies."""
    last = fitted.history[-1]
    result = {
        "task": task,
        "preset": config.preset,
        "dataset": data.name,
        "warning": data.warning,
        "seed": config.seed,
        "steps": int(fitted.state.step),
        "num_params": reports.count_params(fitted.params),
        "train_seconds": round(fitted.train_seconds, 3),
        "compile_seconds": round(fitted.compile_seconds, 3),
        **{k: v for k, v in last.items() if k in ("test_loss", "test_accuracy")},
        **more,
    }
    folder.write_result(result)
    speed = 1e3 * fitted.train_seconds / result["steps"]
    console.print(
        f"test loss {result['test_loss']:.4f}, test accuracy {result['test_accuracy']:.4f} after "
        f"{result['steps']:,} steps ({speed:.2f} ms each, compiled in "
        f"{fitted.compile_seconds:.1f} s)\nwritten to {folder.path}"
    )
    return result


def _define_flags(config_type: type[Config], presets: Mapping[str, Any]) -> None:
    types_by_name = typing.get_type_hints(config_type)
    definitions = {
        int: flags.DEFINE_integer,
        float: flags.DEFINE_float,
        str: flags.DEFINE_string,
        bool: flags.DEFINE_bool,
    }
    for field in dataclasses.fields(config_type):
        choices = presets if field.name == "preset" else field.metadata["choices"]
        description = field.metadata["help"]
        if choices is not None:
            description += f": {', '.join(choices)}"
        define = definitions[_without_none(types_by_name[field.name])]
        define(field.name, field.default, description)


def _without_none(annotation: Any) -> type:
    if isinstance(annotation, types.UnionType):
        return next(t for t in typing.get_args(annotation) if t is not type(None))
    return annotation
