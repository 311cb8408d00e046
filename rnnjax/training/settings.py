"""The settings that every training run has, whatever it learns.

Each field of a dataclass of settings is one flag of the script that uses it.
"""

from __future__ import annotations

import dataclasses
import functools
import typing
from collections.abc import Mapping
from typing import Any

from rnnjax.devices.precision import PRECISIONS
from rnnjax.errors import UsageError
from rnnjax.runs.interval import Interval
from rnnjax.training.fields import check, kind_of, shown
from rnnjax.training.fields import setting as setting
from rnnjax.training.optimizers import OPTIMIZERS, SCHEDULES

RESUME = ("auto", "never", "must")
"""Continue the run in the folder if there is one; refuse it; or refuse a folder without one."""

LAST_SEED = 2**32 - 1
"""Without float64, JAX takes the last 32 bits of a seed and leaves the others out."""

MOST_SEEDS = 10_000
"""Trained at once: every one's parameters are drawn by themselves, to be what it has alone."""

MOST_LAYERS = 64
"""One above the other: each is compiled by itself."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """The settings that all experiments have; their help says what they mean.

    Raises:
        UsageError: a value is out of its range, or does not go with another.
    """

    preset: str | None = setting(None, "a published configuration; flags given beside it win")
    workdir: str | None = setting(
        None,
        "folder of the run (default: a new one under runs/, named by task and time)",
        is_path=True,
        changes_result=False,
    )
    data_dir: str | None = setting(
        None,
        "folder with prepared TFDS data (default: where TFDS looks)",
        is_path=True,
        changes_result=False,
    )
    seed: int = setting(
        0,
        "random seed, of the first seed where there are several",
        at_least=0,
        at_most=LAST_SEED,
    )
    num_seeds: int = setting(
        1, "seeds to train at once: --seed and those after it", at_least=1, at_most=MOST_SEEDS
    )
    precision: str = setting(
        "f32",
        "numbers that the model computes with; parameters are kept in f32",
        choices=PRECISIONS,
    )
    num_devices: int | None = setting(
        None,
        "devices of a single process to spread seeds and batches over (default: all; without an "
        "accelerator the cores that a batch can be divided among)",
        at_least=1,
        changes_result=False,
    )
    hidden_size: int = setting(128, "units of each recurrent layer", at_least=1)
    num_layers: int = setting(1, "recurrent layers", at_least=1, at_most=MOST_LAYERS)
    initial_scale: float = setting(
        1.0, "factor on the initial weights, not on biases", positive=True
    )
    optimizer: str = setting("adam", "optimiser", choices=OPTIMIZERS)
    learning_rate: float = setting(1e-3, "learning rate of the first step", positive=True)
    schedule: str = setting("constant", "how the learning rate falls", choices=SCHEDULES)
    decay: float = setting(0.95, "with --schedule=decay, the factor per epoch", above=0, at_most=1)
    decay_after: int = setting(10, "the last epoch with the first learning rate", at_least=1)
    clip_norm: float | None = setting(None, "largest global norm of the gradient", positive=True)
    clip_value: float | None = setting(
        None, "largest absolute value of each number in the gradient", positive=True
    )
    average: float | None = setting(
        None,
        "evaluate and keep an average of the parameters with this decay, such as 0.999",
        above=0,
        below=1,
    )
    batch_size: int = setting(128, "examples per step", at_least=1)
    steps: int | None = setting(None, "updates in the whole run", at_least=1)
    epochs: int | None = setting(None, "passes over the training data, instead", at_least=1)
    eval_every: int | None = setting(
        None, "steps between evaluations (default: 500, or an epoch with --epochs)", at_least=1
    )
    eval_only: bool = setting(
        False,
        "evaluate the parameters saved in --workdir, train nothing",
        is_command=True,
        needs_run=True,
        changes_result=False,
    )
    export: str | None = setting(
        None,
        "new folder for the model of the run in --workdir, as StableHLO, ONNX and safetensors",
        is_path=True,
        is_command=True,
        needs_run=True,
        changes_result=False,
    )
    dry_run: bool = setting(
        False,
        "show what would be trained, on which data, and stop",
        is_command=True,
        changes_result=False,
    )
    resume: str = setting(
        "auto",
        "continue the run in --workdir",
        choices=RESUME,
        changes_result=False,
    )
    keep: int = setting(3, "newest checkpoints to keep", at_least=1, changes_result=False)
    checkpoint_every: str = setting(
        "1m", "steps (500) or time (30s, 5m, 1h) between checkpoints", changes_result=False
    )
    max_skipped: int = setting(
        5, "updates with NaN or Inf in a row to give up after", at_least=1, changes_result=False
    )
    debug_nans: bool = setting(
        False, "stop at the first NaN or Inf and name its operation", changes_result=False
    )

    compilation_cache: str = setting(
        "auto",
        "folder for compiled programs, which makes a second start fast (auto: the user's cache "
        "folder; off: none)",
        is_path=True,
        changes_result=False,
    )
    distributed: bool = setting(
        False, "train in several processes, each started with this flag", changes_result=False
    )
    coordinator: str | None = setting(
        None,
        "host:port of process 0 (default: what the environment says, on TPU pods and under SLURM)",
        changes_result=False,
    )
    num_processes: int | None = setting(
        None, "processes in all (default: likewise)", at_least=1, changes_result=False
    )
    process_id: int | None = setting(
        None, "number of this process, from 0 (default: likewise)", at_least=0, changes_result=False
    )
    startup_timeout: int = setting(
        60,
        "seconds to wait for the other processes",
        at_least=1,
        at_most=7 * 86_400,
        changes_result=False,
    )

    def __post_init__(self) -> None:
        kinds = _kinds(type(self))
        for field in dataclasses.fields(self):
            check(field, kinds[field.name], getattr(self, field.name))
        if self.seed + self.num_seeds - 1 > LAST_SEED:
            raise UsageError(
                f"--seed={self.seed} with --num_seeds={self.num_seeds} goes beyond the last seed, "
                f"{LAST_SEED:,}."
            )
        self._check_commands()
        self._check_processes()
        try:
            Interval.parse(self.checkpoint_every)
        except ValueError as error:
            raise UsageError(f"--checkpoint_every: {error}") from None

    def _check_commands(self) -> None:
        commands = self.commands
        if len(commands) > 1:
            first, second = commands[:2]
            raise UsageError(
                f"--{first} and --{second} are two things to do; give one of them at a time."
            )
        needs_run = {f.name for f in dataclasses.fields(self) if f.metadata["needs_run"]}
        for name in (*commands, *["resume"] * (self.resume == "must")):
            if name in needs_run | {"resume"} and self.workdir is None:
                raise UsageError(f"--{name} needs --workdir, the folder of a run.")
        if needs_run & {*commands} and self.resume != "auto":
            raise UsageError(
                f"--resume={self.resume} says how training goes on, but with --{commands[0]} there "
                "is none; leave one of them out."
            )

    def _check_processes(self) -> None:
        given = (self.coordinator, self.num_processes, self.process_id)
        if all(value is None for value in given):
            return
        if not self.distributed or any(value is None for value in given):
            raise UsageError(
                "--coordinator, --num_processes and --process_id go together, and with "
                "--distributed."
            )
        host, _, port = str(self.coordinator).rpartition(":")
        if not (host and port.isdecimal()):
            raise UsageError(
                f"--coordinator={shown(self.coordinator)} is no address; expected host:port, such "
                "as node1:12345."
            )
        if (self.process_id or 0) >= (self.num_processes or 0):
            raise UsageError(
                f"--process_id={self.process_id} must be below --num_processes="
                f"{self.num_processes}; they count from 0."
            )

    @classmethod
    def suited_to(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """The defaults that settings bring with them, as a data set may; none by default.

        Args:
            given: what was said, by flags or by a preset; it wins over these.
        """
        return {}

    @property
    def without_effect(self) -> set[str]:
        """The settings on which the outcome of a run does not depend."""
        return {f.name for f in dataclasses.fields(self) if not f.metadata["changes_result"]}

    @property
    def num_runs(self) -> int:
        """How many runs are trained at once."""
        return self.num_seeds

    @property
    def commands(self) -> list[str]:
        """What these settings ask for instead of training, by the names of their flags."""
        return [
            f.name
            for f in dataclasses.fields(self)
            if f.metadata["is_command"] and getattr(self, f.name) not in (None, False)
        ]

    @property
    def trains(self) -> bool:
        """Whether these settings ask for training."""
        return not self.commands


def command(description: str) -> Any:
    """A setting that asks for something to be done with the run in --workdir, not for training.

    Args:
        description: for the help.
    """
    return setting(None, description, is_command=True, needs_run=True, changes_result=False)


@functools.cache
def _kinds(config_type: type[Config]) -> dict[str, Any]:
    """The types of the values of all settings."""
    return {name: kind_of(hint) for name, hint in typing.get_type_hints(config_type).items()}
