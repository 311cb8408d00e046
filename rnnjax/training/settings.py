"""The settings that every training run has, whatever it learns.

Each field of a dataclass of settings is one flag of the script that uses it.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from rnnjax.training.errors import UsageError
from rnnjax.training.interval import Interval
from rnnjax.training.optimizers import OPTIMIZERS, SCHEDULES
from rnnjax.training.precision import PRECISIONS

RESUME = ("auto", "never", "must")
"""Continue the run in the folder if there is one; refuse it; or refuse a folder without one."""


def setting(
    default: Any,
    description: str,
    *,
    at_least: float | None = None,
    choices: Any = None,
    changes_result: bool = True,
) -> Any:
    """A field of a `Config` that is a flag.

    Args:
        default: its value where nothing else is said.
        description: its help.
        at_least: the smallest number that it may be.
        choices: the values that it may have.
        changes_result: whether the outcome of a run depends on it; a run can be continued with
            another value of a setting that does not.
    """
    metadata = {"help": description, "at_least": at_least, "choices": choices}
    metadata["changes_result"] = changes_result
    return dataclasses.field(default=default, metadata=metadata)


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
        changes_result=False,
    )
    data_dir: str | None = setting(
        None, "folder with prepared TFDS data (default: where TFDS looks)", changes_result=False
    )
    seed: int = setting(0, "random seed, of the first seed where there are several", at_least=0)
    num_seeds: int = setting(1, "seeds to train at once: --seed and those after it", at_least=1)
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
    num_layers: int = setting(1, "recurrent layers", at_least=1)
    initial_scale: float = setting(1.0, "factor on the initial weights, not on biases")
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
    eval_only: bool = setting(
        False, "evaluate the parameters saved in --workdir, train nothing", changes_result=False
    )
    export: str | None = setting(
        None,
        "new folder for the model of the run in --workdir, as StableHLO, ONNX and safetensors",
        changes_result=False,
    )
    dry_run: bool = setting(
        False, "show what would be trained, on which data, and stop", changes_result=False
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
        60, "seconds to wait for the other processes", at_least=1, changes_result=False
    )

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))
        for name in ("learning_rate", "clip_norm", "initial_scale"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise UsageError(f"--{name} must be a positive number, not {value}.")
        if self.average is not None and not 0 < self.average < 1:
            raise UsageError(f"--average must lie between 0 and 1, not at {self.average}.")
        needs_run = {"eval_only": self.eval_only, "export": self.export is not None}
        for name, wanted in (*needs_run.items(), ("resume", self.resume == "must")):
            if wanted and self.workdir is None:
                raise UsageError(f"--{name} needs --workdir, the folder of a run.")
        self._check_processes()
        try:
            Interval.parse(self.checkpoint_every)
        except ValueError as error:
            raise UsageError(f"--checkpoint_every: {error}") from None

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
                f"--coordinator={self.coordinator} is no address; expected host:port, such as "
                "node1:12345."
            )
        if (self.process_id or 0) >= (self.num_processes or 0):
            raise UsageError(
                f"--process_id={self.process_id} must be below --num_processes="
                f"{self.num_processes}; they count from 0."
            )

    @property
    def without_effect(self) -> set[str]:
        """The settings on which the outcome of a run does not depend."""
        return {f.name for f in dataclasses.fields(self) if not f.metadata["changes_result"]}

    @property
    def num_runs(self) -> int:
        """How many runs are trained at once."""
        return self.num_seeds

    @property
    def trains(self) -> bool:
        """Whether these settings ask for training."""
        return not (self.eval_only or self.dry_run or self.export is not None)


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
