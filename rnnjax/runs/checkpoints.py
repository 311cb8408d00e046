"""Checkpoints of a run: written by Orbax in the background, vouched for by a manifest.

A checkpoint is a folder ``checkpoints/<updates done>`` with three of Orbax's items: ``state`` (all
arrays that the run needs to go on), ``params`` (the parameters to evaluate and to predict with) and
``record`` (JSON, with the identity of the run); and the manifest. It is written under another name,
read back, and renamed when all of that is done. One without a sound manifest is never read, nor one
of another run. Where something else stands in its place, a checkpoint is called ``60-2``.
"""

from __future__ import annotations

import contextlib
import copy
import errno
import os
import warnings
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rnnjax.errors import StorageError, UsageError
from rnnjax.runs import records
from rnnjax.runs.checkpoint_folder import (
    FOLDER,
    Place,
    clear_work,
    entries,
    free_place,
    new_work,
    places,
    remove,
    unfinished,
)
from rnnjax.runs.checkpoint_items import (
    PARAMS,
    STATE,
    Items,
    read_item,
    read_record,
    reason,
    write_items,
)
from rnnjax.runs.identity import Identity
from rnnjax.runs.leases import reading
from rnnjax.runs.manifest import NAME, find_damage, write_manifest
from rnnjax.storage.files import make_folder, sync
from rnnjax.storage.typed_json import Fields

PARAMS_STEP = "params_step"

ATTEMPTS = 100
"""How often a reader looks again, because the run has removed what it was about to read."""

Tell = Callable[[str], Any]
"""Shows the user a warning."""


class Checkpoints:
    """The checkpoints of one run.

    Args:
        run: the run's folder.
        identity: of the run; without one, only what this very object has saved is surely its own.
        keep: how many checkpoints to keep, the newest ones.
        tell: is given a sentence about everything that is left where it is.
        check: raises `StorageError` where the folder is not this run's any more. Where it is
            given, the run's folder is there, and is not made again.
    """

    def __init__(
        self,
        run: str | os.PathLike[str],
        identity: Identity | None = None,
        *,
        keep: int = 3,
        tell: Tell = warnings.warn,
        check: Callable[[], None] | None = None,
    ) -> None:
        self.run = Path(run).expanduser().absolute()
        self._identity = identity or Identity(None)
        self._folder = self.run / FOLDER
        self._keep = keep
        self._tell = tell
        self._is_owned = check is not None
        self._check_owner = check or (lambda: None)
        self._told: set[str] = set()
        self._worker = ThreadPoolExecutor(1, "checkpoint")
        self._saving: Future[None] | None = None
        # Those that are surely this run's and sound; None before anyone has looked.
        self._own: set[Path] | None = None

    def begin(self) -> None:
        """Removes what this run left unfinished when it was interrupted; names what isn't its own.

        Raises:
            StorageError: there can't be checkpoints here.
        """
        self._check_owner()
        self._make_folder()
        clear_work(self._folder, self._identity.run_id)
        called_so = {place.path for place in places(self._folder)}
        others = [path.name for path in entries(self._folder) if path not in called_so]
        if others:
            more = ", …" if len(others) > 3 else ""
            self._tell_once(
                f"{self._folder} holds what this run did not write, which stays there: "
                f"{', '.join(others[:3])}{more}"
            )

    def save(
        self, step: int, state: Any, params: Any, *, params_step: int, record: dict[str, Any]
    ) -> None:
        """Saves in the background, and then removes own checkpoints older than those to keep.

        It waits for the one before, if that is still being written. Where this run has a sound
        checkpoint of this step, nothing happens, because it has the same state there.

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
        self._check_owner()
        there = [place for place in places(self._folder) if place.step == step]
        if any(_objection(place, self._identity) is None for place in there):
            return
        # A copy, because the run goes on adding to its record.
        record = copy.deepcopy({PARAMS_STEP: params_step, **self._identity.record, **record})
        self._saving = self._worker.submit(self._write, step, Items(state, params, record))

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
        """The step of the newest sound checkpoint of this run; None if there is none.

        The user is told of each newer one that is not sound, or not this run's.
        """
        place, told = _newest(self._folder, self._identity)
        for sentence in told:
            self._tell_once(sentence)
        return None if place is None else place.step

    def restore(self, step: int, like: Any) -> tuple[Any, dict[str, Any]]:
        """Reads a sound checkpoint.

        Args:
            step: what `newest` said.
            like: a state of the same structure and shapes, in the memory of this process.

        Returns:
            The state and the record.

        Raises:
            UsageError: it is the state of something else, or not there any more.
        """
        for place in places(self._folder):
            if place.step == step and _objection(place, self._identity) is None:
                return read_item(place.path, STATE, like), read_record(place.path)
        raise UsageError(f"{self._folder} holds no sound checkpoint of step {step} any more.")

    def _write(self, step: int, items: Items) -> None:
        self._check_owner()
        self._make_folder()
        work = new_work(self._folder, self._identity.run_id)
        try:
            write_items(work, items)
            write_manifest(work)
            self._check_owner()
        except Exception as error:  # a full disk looks different in each layer below Orbax
            is_gone = not any(path.exists() for path in unfinished(work))
            self._clear_unfinished()
            raise self._failure(step, error, is_gone) from error
        place = free_place(self._folder, step)
        try:
            work.rename(place)
            sync(self._folder)
        except OSError as error:
            raise self._failure(step, error) from error
        if place.name != str(step):
            self._tell_once(
                f"something else stands in {self._folder / str(step)}, so this checkpoint is "
                f"in {place}"
            )
        with contextlib.suppress(OSError):
            self._remove_superfluous(place)

    def _clear_unfinished(self) -> None:
        clear_work(self._folder, self._identity.run_id)
        # Folders that were deleted may have been made again for what was being written.
        with contextlib.suppress(OSError):
            self._folder.rmdir()
        try:
            self._check_owner()
        except StorageError:
            with contextlib.suppress(OSError):
                self.run.rmdir()
            raise

    def _make_folder(self) -> None:
        if self._folder.is_dir():
            return
        try:
            if not self._is_owned:
                make_folder(self.run)
            self._folder.mkdir()
            sync(self.run)
        except OSError as error:
            raise StorageError(
                f"{self._folder} can't be made ({error.strerror}), so no checkpoint could be "
                "saved; make room for it, or name another --workdir."
            ) from error

    def _failure(self, step: int, error: Exception, is_gone: bool = False) -> StorageError:
        # What a layer of ours has put into a sentence already would stand there twice.
        inner = error.__cause__ if isinstance(error, StorageError) else None
        why = reason(inner if isinstance(inner, Exception) else error).rstrip(".")
        # EINVAL is said of the folder's own path, before anything was written.
        is_gone = is_gone and getattr(inner or error, "errno", None) != errno.EINVAL
        if is_gone or why == os.strerror(errno.ENOENT):
            return StorageError(
                f"the checkpoint of step {step} could not be written, because {self._folder} or "
                "something in it was deleted meanwhile; give the same command again to go on from "
                "what is left, or anew."
            )
        return StorageError(
            f"the checkpoint of step {step} could not be written to {self._folder} "
            f"({why}); the earlier ones are sound, so make room and give the "
            "same command again."
        )

    def _remove_superfluous(self, newest: Path) -> None:
        run_id = self._identity.run_id
        if self._own is None:
            self._own = {p.path for p in places(self._folder) if _is_own(p, self._identity)}
        self._own.add(newest)
        own = [place for place in places(self._folder) if place.path in self._own]
        for place in own[self._keep :]:
            why = remove(place.path, run_id)
            if why is not None:
                self._own.discard(place.path)
                self._tell_once(f"the old checkpoint {place.path} {why}, so it stays")

    def _tell_once(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            self._tell(sentence)


def load_params(
    run: str | os.PathLike[str],
    like: Any,
    tell: Tell = warnings.warn,
    identity: Identity | None = None,
) -> tuple[int, Any]:
    """Loads the parameters to evaluate and predict with from a run's newest sound checkpoint.

    A training may be at work in the folder at the same time.

    Args:
        run: the run's folder; the run need not have finished.
        like: parameters of the model that they are for, or their shapes; None for any.
        tell: is given a sentence about each newer checkpoint that is not sound, or not this run's.
        identity: of the run; where none is given, any run's will do.

    Returns:
        After how many updates they were these, and the parameters.

    Raises:
        UsageError: there is no sound checkpoint, or its parameters do not fit the model.
    """
    folder = Path(run).expanduser().absolute() / FOLDER
    for attempt in range(ATTEMPTS):
        place, told = _newest(folder, identity)
        if place is None:
            for sentence in told:
                tell(sentence)
            raise UsageError(f"{run} holds no sound checkpoint; train first.")
        with reading(place.path / NAME):
            try:
                # Again, because it may have gone before it was held.
                if _objection(place, identity) is None:
                    params = read_item(place.path, PARAMS, like)
                    step = _params_step(place.path)
                    break
            except UsageError:
                if place in places(folder) or attempt == ATTEMPTS - 1:
                    raise
    else:
        raise UsageError(f"{run} changes faster than it can be read; try again.")
    for sentence in told:
        tell(sentence)
    return step, params


def _params_step(path: Path) -> int:
    advice = "it is no record of this version, so train again"
    shape = Fields({PARAMS_STEP: int})
    return records.check(path / "record", read_record(path), shape, advice)[PARAMS_STEP]


def _newest(folder: Path, identity: Identity | None) -> tuple[Place | None, list[str]]:
    """The newest sound checkpoint of a run, and what is to be said of the newer ones."""
    for _ in range(ATTEMPTS):
        told: list[str] = []
        listing = places(folder)
        for place in listing:
            why = _objection(place, identity)
            if why is None:
                return place, told
            if not place.path.exists():
                break  # the run has removed it, and has a newer one
            told.append(
                f"the checkpoint {place.path} {why}; it stays as it is, and an earlier one is taken"
            )
        else:
            if listing == places(folder):
                return None, told
    return None, []


def _objection(place: Place, identity: Identity | None) -> str | None:
    """Why a checkpoint can't be taken; None where it can."""
    with reading(place.path / NAME):
        damage = find_damage(place.path)
        if damage is not None or identity is None:
            return damage
        try:
            record = read_record(place.path)
        except UsageError as error:
            return f"can't be read ({error})"
        return identity.objection(place.path.name, record)


def _is_own(place: Place, identity: Identity) -> bool:
    """Whether a checkpoint is sound, and surely written by this run."""
    try:
        return find_damage(place.path) is None and identity.owns(read_record(place.path))
    except UsageError:
        return False
