"""Checkpoints of a run: written by Orbax in the background, vouched for by a manifest.

A checkpoint is a folder ``checkpoints/<updates done>`` with three of Orbax's items: ``state`` (all
arrays that the run needs to go on), ``params`` (the parameters to evaluate and to predict with) and
``record`` (JSON); and the manifest, written last. One without a sound manifest is never read.
"""

from __future__ import annotations

import copy
import logging
import os
import re
import shutil
import sys
import warnings
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from rnnjax.training import records
from rnnjax.training.errors import StorageError, UsageError
from rnnjax.training.manifest import find_damage, write_manifest
from rnnjax.typed_json import Fields

FOLDER = "checkpoints"
PARAMS_STEP = "params_step"

Tell = Callable[[str], Any]
"""Shows the user a warning."""


class Checkpoints:
    """The checkpoints of one run.

    Args:
        run: the run's folder.
        keep: how many checkpoints to keep, the newest ones.
        tell: is given a sentence about each checkpoint that is damaged or was not finished.
    """

    def __init__(
        self, run: str | os.PathLike[str], *, keep: int = 3, tell: Tell = warnings.warn
    ) -> None:
        self.run = Path(run).expanduser().absolute()
        self._folder = self.run / FOLDER
        self._keep = keep
        self._tell = tell
        self._worker = ThreadPoolExecutor(1, "checkpoint")
        self._saving: Future[None] | None = None

    def save(
        self, step: int, state: Any, params: Any, *, params_step: int, record: dict[str, Any]
    ) -> None:
        """Saves in the background, and deletes checkpoints that are older than those to keep.

        It waits for the one before, if that is still being written. Where this step has a
        checkpoint, nothing happens, because a run of the same settings has the same state there.

        Args:
            step: updates done.
            state: a pytree of arrays, in the memory of this process; they must not change.
            params: the parameters to evaluate and predict with.
            params_step: after how many updates they were these.
            record: anything that JSON can hold.

        Raises:
            StorageError: this one or the one before could not be written.
        """
        self.wait()
        if (self._folder / str(step)).exists():
            return
        # A copy, because the run goes on adding to its record.
        record = copy.deepcopy({PARAMS_STEP: params_step, **record})
        items = ocp.args.Composite(
            # Under a name, because Orbax refuses a tree that is a single array.
            state=ocp.args.StandardSave({"state": state}),
            params=ocp.args.StandardSave({"params": params}),
            record=ocp.args.JsonSave(record),
        )
        self._saving = self._worker.submit(self._write, self._folder / str(step), items)

    def wait(self) -> None:
        """Waits for the checkpoint that is being written, if any.

        Raises:
            StorageError: it could not be written.
        """
        saving, self._saving = self._saving, None
        if saving is not None:
            saving.result()

    def check(self) -> None:
        """Raises what `wait` would, but does not wait."""
        if self._saving is not None and self._saving.done():
            self.wait()

    def newest(self) -> int | None:
        """The step of the newest sound checkpoint; None if there is none.

        The user is told of each newer one that is not sound.
        """
        return _newest_sound(self._folder, self._tell)

    def restore(self, step: int, like: Any) -> tuple[Any, dict[str, Any]]:
        """Reads a sound checkpoint, and deletes newer ones and unfinished writes.

        Args:
            step: what `newest` said.
            like: a state of the same structure and shapes, in the memory of this process.

        Returns:
            The state and the record.

        Raises:
            UsageError: it is the state of something else.
        """
        folder = self._folder / str(step)
        state, record = _read(folder, "state", like), _read(folder, "record", None)
        # What is newer is not sound, and would be mistaken for this run's later checkpoints.
        self.discard_after(step)
        return state, record

    def discard_after(self, step: int) -> None:
        """Deletes the checkpoints after a step, and what unfinished writes have left."""
        for path in self._folder.glob("*"):
            if not path.name.isdecimal() or int(path.name) > step:
                shutil.rmtree(path, ignore_errors=True)

    def _write(self, path: Path, items: ocp.args.Composite) -> None:
        try:
            with _checkpointer() as checkpointer:
                checkpointer.save(path, items)
            write_manifest(path)
        except Exception as error:  # a full disk looks different in each layer below Orbax
            self.discard_after(int(path.name) - 1)
            raise StorageError(
                f"the checkpoint of step {path.name} could not be written to {path.parent} "
                f"({_reason(error)}); the earlier ones are sound, so make room and give the same "
                "command again."
            ) from error
        for step in _steps(self._folder)[self._keep :]:
            shutil.rmtree(self._folder / str(step), ignore_errors=True)


def load_params(
    run: str | os.PathLike[str], like: Any, tell: Tell = warnings.warn
) -> tuple[int, Any]:
    """Loads the parameters to evaluate and predict with from a run's newest sound checkpoint.

    Args:
        run: the run's folder; the run need not have finished.
        like: parameters of the model that they are for, or their shapes.
        tell: is given a sentence about each newer checkpoint that is not sound.

    Returns:
        After how many updates they were these, and the parameters.

    Raises:
        UsageError: there is no sound checkpoint, or its parameters do not fit the model.
    """
    folder = Path(run).expanduser().absolute() / FOLDER
    step = _newest_sound(folder, tell)
    if step is None:
        raise UsageError(f"{run} holds no sound checkpoint; train first.")
    params = _read(folder / str(step), "params", like)
    record = _read(folder / str(step), "record", None)
    advice = "it is no record of this version, so train again"
    records.check(folder / str(step) / "record", record, Fields({PARAMS_STEP: int}), advice)
    return record[PARAMS_STEP], params


def _steps(folder: Path) -> list[int]:
    """The steps that have a checkpoint, sound or not, the newest first."""
    return sorted((int(p.name) for p in folder.glob("*") if p.name.isdecimal()), reverse=True)


def _newest_sound(folder: Path, tell: Tell) -> int | None:
    for step in _steps(folder):
        damage = find_damage(folder / str(step))
        if damage is None:
            return step
        tell(f"the checkpoint {folder / str(step)} {damage}, so an earlier one is taken")
    return None


def _read(folder: Path, item: str, like: Any) -> Any:
    """One item of a checkpoint: "record", or arrays as those of `like`."""
    with _checkpointer() as checkpointer:
        try:
            wanted: Any = ocp.args.JsonRestore()
            if item != "record":
                saved = checkpointer.metadata(folder).item_metadata[item]
                if saved is None:
                    raise ValueError("its metadata are missing")
                # Compared here, because a restore that fails leaves a trail of asyncio errors.
                _check_arrays(_arrays(saved.tree[item]), _arrays(like))
                wanted = ocp.args.StandardRestore({item: like})
            found = checkpointer.restore(folder, ocp.args.Composite(**{item: wanted}))[item]
            return found if item == "record" else found[item]
        except (ValueError, KeyError, TypeError, OSError, RecursionError) as error:
            raise UsageError(
                f"the {item} in {folder} can't be loaded into this model: {_reason(error)}."
            ) from None


def _checkpointer() -> ocp.Checkpointer:
    # Orbax logs the traceback of each thread that a failure goes through, and then raises it.
    for name in ("absl", "asyncio"):
        logging.getLogger(name).addFilter(_is_wanted)
    if not isinstance(sys.unraisablehook, _WithoutClosedLoops):
        sys.unraisablehook = _WithoutClosedLoops(sys.unraisablehook)
    # A write that has failed leaves those behind it unbegun, and Python says so when it exits.
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    alone: dict[str, Any] = {}
    if jax.process_count() > 1:
        # Orbax would wait for all processes, but one has everything and writes it.
        here = jax.process_index()
        alone["multiprocessing_options"] = ocp.options.MultiprocessingOptions(
            primary_host=here, active_processes={here}, barrier_sync_key_prefix=f"process{here}"
        )
    handler = ocp.CompositeCheckpointHandler(
        composite_options=ocp.CompositeOptions(**alone),
        state=ocp.StandardCheckpointHandler(**alone),
        params=ocp.StandardCheckpointHandler(**alone),
        record=ocp.JsonCheckpointHandler(**alone),
    )
    return ocp.Checkpointer(handler, **alone)


class _WithoutClosedLoops:
    """Prints exceptions but those of writes that were under way when another one had failed.

    TensorStore has them printed from its own threads, some time later, so they can't be caught.
    """

    def __init__(self, inner: Callable[..., Any]) -> None:
        self._inner = inner

    def __call__(self, unraisable: Any) -> None:
        if str(unraisable.exc_value) != "Event loop is closed":
            self._inner(unraisable)


def _is_wanted(record: logging.LogRecord) -> bool:
    failure = record.exc_info[1] if record.exc_info else None
    return "orbax" not in record.pathname and "os_error_code=" not in str(failure)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    # TensorStore names every layer that it went through, and at the end what is wrong.
    if found := re.search(r"os_error_code='(\d+)'", str(error)):
        return os.strerror(int(found[1]))
    return (str(error).splitlines() or [type(error).__name__])[0]


def _arrays(tree: Any) -> dict[str, str]:
    leaves = jax.tree.leaves_with_path(tree, is_leaf=lambda leaf: hasattr(leaf, "shape"))
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): f"{leaf.dtype}{list(leaf.shape)}"
        for path, leaf in leaves
    }


def _check_arrays(saved: dict[str, str], wanted: dict[str, str]) -> None:
    for name in sorted(saved.keys() | wanted.keys()):
        if saved.get(name) != wanted.get(name):
            raise ValueError(
                f"{name} is {saved.get(name, 'absent')} there and {wanted.get(name, 'absent')} here"
            )
