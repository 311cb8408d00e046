"""To whom the folder of a run belongs: to one process at a time, for as long as it lives."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

import filelock

from rnnjax.errors import StorageError
from rnnjax.runs.files import write_text

LOCK, OWNER = ".lock", ".owner"


class Claim:
    """Holds a folder for this process.

    The lock is the operating system's (flock), so it ends with the process, however that ends; on
    NFS the server keeps it, across machines, unless the mount says ``nolock`` or ``local_lock``. A
    file says besides whose the folder is. Who opens it last is the owner: where there are no
    locks, or where the folder was deleted and made again, the one before finds out by `check`
    before it writes anything more.

    Args:
        folder: it exists.

    Raises:
        filelock.Timeout: another process holds it.
        OSError: nothing can be written there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = filelock.FileLock(folder / LOCK)
        with contextlib.suppress(NotImplementedError):  # without locks, `check` remains
            self._lock.acquire(timeout=0)
        self._mark = secrets.token_hex(16)
        write_text(folder / OWNER, self._mark)

    def check(self) -> None:
        """To be called before anything is written to the folder.

        Raises:
            StorageError: it was deleted or moved, or belongs to another process by now.
        """
        try:
            found = (self._folder / OWNER).read_text("ascii", errors="replace")
        except OSError:
            found = None
        if found != self._mark:
            raise StorageError(
                f"{self._folder} no longer belongs to this run: it was deleted or moved, or "
                "another run has begun in it. Nothing more is written, so train anew in another "
                "--workdir, or go on with the --workdir that it was moved to."
            )
