"""Compiled programs on disk, as JAX keeps them, and what is done about damaged ones.

JAX leaves a damaged entry where it is, and warns of it at every start.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import time
import warnings
from pathlib import Path
from typing import Any, TextIO

import jax

CACHE_BYTES = 2**30
"""The compiled programs that are kept; the ones not used for longest go first."""

_WARNING = "Error (reading|writing) persistent compilation cache entry for '(.*?)': (.*)"
_ENTRY, _TIME = "-cache", "-atime"
_MINUTE = 60.0
_logger = logging.getLogger(__name__)


def keep_programs(folder: Path) -> None:
    """Has JAX keep the programs that it compiles in a folder, and mends it where it is damaged.

    An entry that cannot be read is removed, and so written anew. A folder that cannot be used at
    all is done without. Either is said in one logged warning, instead of one for each program.

    Args:
        folder: The folder; it is made if need be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        say_unusable(folder, error.strerror or str(error))
        return
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        say_unusable(folder, "Permission denied")
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_compilation_cache_max_size", CACHE_BYTES)
    # Recurrent networks are small: JAX would keep none of their programs.
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    warnings.filterwarnings("always", _WARNING)
    warnings.showwarning = _Listener(folder, warnings.showwarning)


def say_unusable(folder: object, reason: str) -> None:
    """Says that programs can't be kept."""
    _logger.warning(
        "The compilation cache %s cannot be used (%s): programs are compiled anew. "
        "Name a folder that can be written with --compilation_cache.",
        folder,
        reason,
    )


class _Listener:
    """What is called for every warning: JAX tells in no other way that an entry is damaged."""

    def __init__(self, folder: Path, others: Any):
        self._folder, self._others = folder, others
        self._said = False

    def __call__(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        match = re.match(_WARNING, str(message), re.DOTALL)
        if match is None:
            self._others(message, category, filename, lineno, file, line)
            return
        doing, program, reason = match.groups()
        with contextlib.suppress(OSError):
            if self._mend(doing, program, reason):
                if not self._said:
                    _logger.warning(
                        "The compilation cache %s is damaged: programs that cannot be read are "
                        "compiled and kept anew.",
                        self._folder,
                    )
                    self._said = True
                return
        from jax.experimental.compilation_cache import compilation_cache

        # Neither would the next one be read or written, perhaps after waiting for a lock.
        jax.config.update("jax_enable_compilation_cache", False)
        compilation_cache.reset_cache()
        say_unusable(self._folder, " ".join(reason.split())[:200])

    def _mend(self, doing: str, program: str, reason: str) -> bool:
        """Removes what is damaged; returns whether there was anything."""
        if doing == "writing":
            # JAX looks for the time of every entry when it makes room for another.
            damaged = [path for path in self._entries(".*") if _lost_its_time(path)]
        elif re.match(r"\w*(OSError|Timeout|PermissionError|IsADirectoryError)", reason):
            damaged = []  # it was not even opened
        else:
            # Of the entries of that name the one that was read last: its time has been written.
            entries = [e for e in self._entries(re.escape(program)) if _time_file(e).is_file()]
            damaged = sorted(entries, key=lambda entry: _time_file(entry).stat().st_mtime_ns)[-1:]
        for path in damaged:
            path.unlink()
            _time_file(path).unlink(missing_ok=True)
        return bool(damaged)

    def _entries(self, program: str) -> list[Path]:
        pattern = re.compile(f"{program}-[0-9a-f]{{32,}}{_ENTRY}", re.DOTALL)
        paths = [path for path in self._folder.iterdir() if pattern.fullmatch(path.name)]
        return [path for path in paths if path.is_file() and not path.is_symlink()]


def _time_file(entry: Path) -> Path:
    return entry.with_name(entry.name.removesuffix(_ENTRY) + _TIME)


def _lost_its_time(entry: Path) -> bool:
    # Another process may be about to write the time of an entry that it has just written.
    return not _time_file(entry).exists() and time.time() - entry.stat().st_mtime > _MINUTE
