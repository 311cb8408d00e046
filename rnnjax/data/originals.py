"""Data sets that are read from their original files, each known by its checksum."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rnnjax.data.download import answering_mirrors, fetch, missing_files
from rnnjax.data.locks import turn
from rnnjax.data.source import Progress, RemoteFile, data_root
from rnnjax.errors import DataError, DataUnavailableError


@dataclass(frozen=True)
class Originals:
    """A data set and where its original files are published.

    Args:
        name: The name of its folder.
        files: With the size and the checksum of their contents; where a folder holds ``NAME.gz``
            instead of ``NAME``, those of what is compressed in it.
        licence: One phrase for who uses it.
        homepage: Where it comes from, for who wants to fetch it.
        mirrors: Addresses that end in ``/``; none where no server has the files as they are.
    """

    name: str
    files: tuple[RemoteFile, ...]
    licence: str
    homepage: str
    mirrors: tuple[str, ...] = ()


class Found(NamedTuple):
    """The contents of the files by their names, and a phrase that says where they came from."""

    contents: dict[str, bytes]
    origin: str


def read_originals(
    source: Originals,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    timeout: float = 4.0,
    progress: Progress | None = None,
) -> Found:
    """Returns the files of a data set, downloaded first where they are not there.

    Args:
        source: The data set.
        data_dir: A folder with one of the data set's name in it, or that one itself; as for
            `rnnjax.data.source.data_root`.
        timeout: Seconds within which a server has to begin to answer.
        progress: Told how far downloads are.

    Raises:
        DataUnavailableError: They are neither here nor to be had.
        DataError: The folder holds only some of them, or one that is another than was published.
    """
    root = data_root(data_dir)
    for folder in (root / source.name, root):
        paths = {file.name: _path(folder, file) for file in source.files}
        there = {name: path for name, path in paths.items() if path is not None}
        if len(there) == len(paths):
            contents = {file.name: _read(there[file.name], file) for file in source.files}
            return Found(contents, f"the original files in {folder}")
        if there:
            missing = ", ".join(name for name in paths if name not in there)
            raise DataError(
                f"{folder} lacks {missing} of {source.name}; put all of its files there, from "
                f"{source.homepage}, or name another folder with --data_dir."
            )
    return _download(source, root, timeout, progress)


def _path(folder: Path, file: RemoteFile) -> Path | None:
    candidates = (folder / file.name, folder / f"{file.name}.gz")
    return next((path for path in candidates if path.is_file()), None)


def _read(path: Path, file: RemoteFile) -> bytes:
    try:
        contents = path.read_bytes()
        if path.suffix == ".gz" and not file.name.endswith(".gz"):
            contents = gzip.decompress(contents)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} can't be read ({error}); replace it, or name another folder with --data_dir."
        ) from error
    if hashlib.sha256(contents).hexdigest() != file.sha256:
        raise DataError(
            f"{path} is not the published file: it holds {len(contents):,} bytes of other contents "
            f"where {file.size:,} with the SHA-256 {file.sha256[:12]}… were expected; replace it, "
            "or name another folder with --data_dir."
        )
    return contents


def _download(source: Originals, root: Path, timeout: float, progress: Progress | None) -> Found:
    folder = root / source.name
    try:
        if not source.mirrors:
            raise DataUnavailableError("no server is known that has the files as they are")
        missing = missing_files(source.files, folder)
        mirrors = answering_mirrors(source.mirrors, missing[0], timeout=timeout)
        folder.mkdir(parents=True, exist_ok=True)
        with turn(
            folder / "lock",
            f"downloads {source.name}",
            "If it hangs, end it, or name another folder with --data_dir or TFDS_DATA_DIR.",
        ):
            paths = fetch(source.files, mirrors, folder, timeout=5 * timeout, progress=progress)
    except (DataUnavailableError, OSError) as error:
        names = ", ".join(file.name for file in source.files)
        raise DataUnavailableError(
            f"{source.name} is not in {folder}, and could not be downloaded ({error}). Put {names} "
            f"there, from {source.homepage}, or name a folder that holds them with --data_dir."
        ) from error
    contents = {file.name: _read(paths[file.name], file) for file in source.files}
    return Found(contents, f"{mirrors[0]}, kept in {folder}")
