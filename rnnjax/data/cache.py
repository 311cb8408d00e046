"""Arrays that are made once and read from a plain ``.npz`` file afterwards."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import filelock
import numpy as np
import platformdirs

from rnnjax.data.source import DataError

_CONTENTS = "contents"
_logger = logging.getLogger(__name__)


class _DamagedError(Exception):
    """The contents of a cache file are not what was written."""


def cache_folder(cache_dir: str | os.PathLike[str] | None = None) -> Path:
    """Returns the folder of the caches: ``cache_dir``, or the user's own cache folder."""
    named = Path(cache_dir) if cache_dir else platformdirs.user_cache_path("rnnjax")
    return named.expanduser().absolute()


def folder_state(folder: Path) -> dict[str, Any]:
    """Returns what tells one state of a folder from another: path, names, sizes and times.

    Args:
        folder: A folder of files, such as a prepared TFDS folder.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return {
        "folder": str(folder.resolve()),
        "files": [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files],
    }


def load_or_build(
    name: str,
    made_from: Mapping[str, Any],
    build: Callable[[], Mapping[str, np.ndarray]],
    *,
    cache_dir: str | os.PathLike[str] | None = None,
) -> dict[str, np.ndarray]:
    """Returns the arrays of a cache file, which is written first where there is none.

    A file that is truncated, has a flipped bit or was made from something else is built again.
    One process builds while others that want the same wait. A cache that cannot be written is
    reported in a logged warning and stops nobody.

    Args:
        name: Beginning of the file's name.
        made_from: All that the arrays depend on, as JSON can say it: the state of the folder that
            they come from, the settings and a number for the version of the code.
        build: Makes the arrays.
        cache_dir: Where to keep the file; by default the user's own cache folder.

    Raises:
        DataError: There is a cache that may not be read.
    """
    key = json.dumps(made_from, sort_keys=True)
    digest = hashlib.sha256(key.encode()).hexdigest()[:16]
    path = cache_folder(cache_dir) / f"{name}-{digest}.npz"
    arrays = _read(path, key)
    if arrays is not None:
        return arrays
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(f"{path}.lock")
        lock.acquire()
    except OSError as error:
        _warn_unwritable(path, error)
        return dict(build())
    try:
        # Another process may have written it while this one waited.
        arrays = _read(path, key)
        if arrays is None:
            arrays = dict(build())
            try:
                _write(path, key, arrays)
            except OSError as error:
                _warn_unwritable(path, error)
    finally:
        lock.release()
    return arrays


def _warn_unwritable(path: Path, error: OSError) -> None:
    _logger.warning(
        "The cache %s cannot be written (%s): the data is decoded at every start. "
        "Set XDG_CACHE_HOME to a folder that can be written.",
        path,
        error,
    )


def _read(path: Path, key: str) -> dict[str, np.ndarray] | None:
    try:
        with open(path, "rb") as file:
            return _parse(file, key)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(
            f"The cache {path} cannot be read ({error.strerror}); make it readable, "
            "remove it, or set XDG_CACHE_HOME to another folder."
        ) from error
    except _DamagedError as error:
        _logger.warning("The cache %s is damaged (%s) and is made again.", path, error)
        return None


def _parse(file: BinaryIO, key: str) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.namelist()
            arrays = {name.removesuffix(".npy"): _array(archive, name) for name in members}
        contents = json.loads(str(arrays.pop(_CONTENTS)))
        if contents["made_from"] != key:
            raise ValueError("it was made from something else")
        # The directory of the container has no checksum of its own.
        if contents["names"] != list(arrays):
            raise ValueError("an array is missing")
    # zipfile and NumPy's parser of headers raise a dozen types on damaged bytes.
    except Exception as error:
        raise _DamagedError(f"{type(error).__name__}: {error}") from error
    return arrays


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with archive.open(name) as member:
        array = np.lib.format.read_array(member, allow_pickle=False)
        # The checksum is compared at the end, which may lie behind what the header says.
        if member.read(1):
            raise ValueError("there is more in an array than its header says")
        return array


def _write(path: Path, key: str, arrays: Mapping[str, np.ndarray]) -> None:
    contents = json.dumps({"made_from": key, "names": list(arrays)})
    temporary = path.with_suffix(".tmp")
    # np.savez would pickle an array of objects, which _read then refuses at every start.
    with zipfile.ZipFile(temporary, "w") as archive:
        for name, array in {_CONTENTS: np.array(contents), **arrays}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
    os.replace(temporary, path)
