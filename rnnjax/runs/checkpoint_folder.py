"""The folder with the checkpoints of a run: what is whose, and what may be removed.

Removed is only what the run itself has written, and can prove to be its own and no longer needed:
whole checkpoints with a sound manifest, the run's id in their record and nothing of anybody else's
in them; and of unfinished ones, whose folders have the run's id in their name, the files that are
called as those of a checkpoint are.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from pathlib import Path
from typing import NamedTuple

from rnnjax.runs.checkpoint_items import is_own_name
from rnnjax.runs.leases import removing
from rnnjax.runs.manifest import NAME, find_damage, find_strangers
from rnnjax.storage.digests import read_digests

FOLDER = "checkpoints"

_ORBAX = ".orbax-checkpoint-tmp"

_STEP = re.compile(r"(0|[1-9][0-9]{0,17})(?:-([1-9][0-9]{0,3}))?")


class Place(NamedTuple):
    """Where a checkpoint is, or should be by its name."""

    step: int
    number: int
    """1, or higher where something else stood in the place of the step."""
    path: Path


def places(folder: Path) -> list[Place]:
    """All folders called as a checkpoint, the newest first."""
    found = []
    for path in entries(folder):
        match = _STEP.fullmatch(path.name)
        if match is not None and path.is_dir():
            found.append(Place(int(match[1]), int(match[2] or 1), path))
    return sorted(found, reverse=True)


def entries(folder: Path) -> list[Path]:
    """What is in a folder; nothing where it can't be looked into."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def free_place(folder: Path, step: int) -> Path:
    """Where nothing stands in the way of a checkpoint: ``60``, or ``60-2`` and so on."""
    number = 1
    while os.path.lexists(path := folder / (str(step) if number == 1 else f"{step}-{number}")):
        number += 1
    return path


def new_work(folder: Path, run_id: str | None, what: str = "saving") -> Path:
    """A name for a folder that is made or removed in pieces; `clear_work` knows it again."""
    return folder / f".{what}-{run_id}-{secrets.token_hex(4)}"


def unfinished(work: Path) -> tuple[Path, Path]:
    """Where a checkpoint is while it is being written, one after the other."""
    return work.with_name(f"{work.name}{_ORBAX}"), work


def clear_work(folder: Path, run_id: str | None) -> None:
    """Removes what a run has left unfinished: its own files, and folders without others."""
    if run_id is None:
        return
    name = re.compile(
        rf"\.(saving|removed)-{re.escape(run_id)}-[0-9a-f]{{8}}({re.escape(_ORBAX)})?"
    )
    for path in entries(folder):
        if name.fullmatch(path.name) and path.is_dir() and not path.is_symlink():
            _remove_own(path)


def remove(place: Path, run_id: str | None) -> str | None:
    """Removes a checkpoint of a run.

    Returns:
        Why it is left as it is, if it is; None too where somebody reads it, for the next time.
    """
    with removing(place / NAME) as free:
        if not free:
            return None
        if (damage := find_damage(place)) is not None:
            return damage
        if strangers := find_strangers(place):
            return f"holds what this run did not write ({', '.join(strangers[:3])})"
        names = [*read_digests(place / NAME), NAME]
        work = new_work(place.parent, run_id, "removed")
        # At once, so that there is never half a checkpoint under its name.
        place.rename(work)
    for name in names:
        (work / name).unlink(missing_ok=True)
    _remove_own(work)
    return None


def _remove_own(work: Path) -> None:
    for path, folders, files in os.walk(work, topdown=False):
        here = Path(path)
        for name in files:
            file = here / name
            if is_own_name(file.relative_to(work).as_posix()) and not file.is_symlink():
                with contextlib.suppress(OSError):
                    file.unlink()
        for name in folders:
            if is_own_name((here / name).relative_to(work).as_posix()):
                _remove_empty(here / name)
    _remove_empty(work)


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
