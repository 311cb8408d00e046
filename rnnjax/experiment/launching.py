"""A script from its command line to its exit code."""

from __future__ import annotations

import functools
import os
import shlex
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from absl import app, flags

from rnnjax import outset
from rnnjax.devices import hosts
from rnnjax.devices.cluster import LOST, Cluster
from rnnjax.errors import DataError, NonFiniteLossError, StorageError, UsageError
from rnnjax.experiment.command_line import read_flags
from rnnjax.experiment.experiment import Experiment
from rnnjax.experiment.order import run
from rnnjax.experiment.result import is_finished
from rnnjax.experiment.startup import (
    find_devices,
    keep_memory,
    keep_objects,
    set_cache,
    set_precision,
    use_cores,
)
from rnnjax.runs.agreement import agree_on_settings
from rnnjax.runs.files import storing
from rnnjax.runs.interruption import Interrupted, raised
from rnnjax.training.settings import Config

Run = Callable[[Experiment, Any], Any]


def launch(experiment: Experiment, run: Run = run) -> NoReturn:
    """Reads the flags, runs the experiment and exits.

    The exit code is 2 after a mistake of the user's, 1 after NaN or on a full disk, and 143 or 130
    after SIGTERM or Ctrl-C.

    Args:
        experiment: what the script says of itself.
        run: ``run(experiment, config)``, where the order of a run is another one.
    """
    outset.begin()

    def parse(arguments: list[str]) -> Config:
        flags.FLAGS.mark_as_parsed()  # those of other libraries keep their defaults
        try:
            return read_flags(experiment.config, experiment.presets, arguments)
        except UsageError as error:
            fail(str(error))

    app.run(functools.partial(_main, experiment, run), flags_parser=parse)
    raise AssertionError("app.run exits")


def _main(experiment: Experiment, run: Run, config: Config) -> NoReturn:
    outset.without_reader(end=not config.trains and config.export is None)
    set_precision(config)
    set_cache(config)
    use_cores(config)
    keep_memory()
    keep_objects()
    cluster = join(config)
    try:
        with raised(), storing("the run's folder"):
            agree_on_settings(experiment.name, config)
            if not is_finished(experiment, config):
                run(experiment, config)
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
    outset.will_leave(code)
    sys.exit(code)


def fail(message: str, code: int = 2) -> NoReturn:
    """Ends the script with one sentence."""
    print(f"error: {message}", file=sys.stderr)
    end(None, code, True)


def how_to_go_on(config: Config, stop: Interrupted) -> str:
    """The command that continues a run, if anything of it is saved."""
    if stop.run is None:
        return ""
    more = [] if config.workdir is not None else [f"--workdir={stop.run}"]
    more += ["--resume=auto"] if config.resume == "never" else []
    command = shlex.join(["python", *sys.argv, *more])
    return f" after {stop.steps:,} updates, which are saved; go on with\n  {command}"
