"""What a data set is, where TFDS keeps it, and the errors that the data layer raises."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rnnjax.errors import DataError, DataUnavailableError

Progress = Callable[[str, int, "int | None"], None]
"""Called as ``progress(what, done, total)``; ``total`` is None where it is not known."""

INFO_FILE = "dataset_info.json"
FEATURES_FILE = "features.json"


def damaged(folder: Path, what: str) -> DataError:
    """Returns the error that says that a prepared folder is damaged, and what to do."""
    return DataError(
        f"The prepared data in {folder} is damaged: {what}. Move that folder away, "
        "then it is prepared again, or name another with --data_dir."
    )


def damaged_download(path: Path, what: str) -> DataError:
    """Returns the error that says that a downloaded file is damaged, and what to do."""
    return DataError(f"{path} is damaged: {what}; remove it, then it is downloaded again.")


@dataclass(frozen=True)
class RemoteFile:
    """A published file: its name behind a mirror's address, its size and its checksum.

    Args:
        name: The last part of the address, and the name under which the file is kept; it may lie
            in a folder: ``"raw/val.de.gz"``.
        size: Length in bytes.
        sha256: Lower-case hexadecimal digest of the whole file.
    """

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Source:
    """A data set of the TFDS catalogue and where its original files are published.

    Args:
        name: Its name in TFDS, such as ``"mnist"``.
        version: The version of the prepared records, such as ``"3.0.1"``.
        splits: Pairs of split name and the number of records it must have.
        mirrors: Addresses that end in ``/``; the name of a file follows. The first to answer wins.
        files: The original files.
        description: What TFDS writes into the prepared folder about the data.
        homepage: The page of its authors.
        citation: BibTeX.
        config: TFDS's name for the variant, such as ``"plain_text"``, where there are several.
        supervised_keys: The features that TFDS hands over as (input, label) on request.
    """

    name: str
    version: str
    splits: tuple[tuple[str, int], ...]
    mirrors: tuple[str, ...]
    files: tuple[RemoteFile, ...]
    description: str
    homepage: str
    citation: str
    config: str | None = None
    supervised_keys: tuple[str, str] | None = None

    def folder(self, root: Path) -> Path:
        """Returns the folder below ``root`` in which TFDS keeps the prepared records."""
        parts = (
            (self.name, self.version)
            if self.config is None
            else (self.name, self.config, self.version)
        )
        return root.joinpath(*parts)

    def download_folder(self, root: Path) -> Path:
        """Returns the folder below ``root`` in which the original files are kept."""
        return root / "downloads" / "rnnjax" / f"{self.name}-{self.version}"


def data_root(data_dir: str | os.PathLike[str] | None = None) -> Path:
    """Returns the folder where TFDS looks for prepared data sets, whether it exists or not.

    Args:
        data_dir: The folder that a user named. Without one it is, as in TFDS, the environment
            variable ``TFDS_DATA_DIR``, and without that ``~/tensorflow_datasets``.

    Raises:
        DataUnavailableError: None is named, and nothing says where the home folder is.
        DataError: The folder is something other than a folder, or may not be entered.
    """
    named = data_dir or os.environ.get("TFDS_DATA_DIR")
    if not named:
        named = "~/tensorflow_datasets"
        if os.path.expanduser(named) == named:
            raise DataUnavailableError(
                "There is no home folder to look for data in; name a folder with --data_dir or "
                "TFDS_DATA_DIR."
            )
    try:
        root = Path(named).expanduser().absolute()
        if root.is_dir():
            os.listdir(root)
        elif os.path.lexists(root):
            raise _no_folder(root)
    except (OSError, RuntimeError) as error:
        raise DataError(
            f"The data folder {named} cannot be read ({error}); name another with "
            "--data_dir or TFDS_DATA_DIR."
        ) from error
    return root


def find_prepared(source: Source, root: Path) -> Path | None:
    """Returns the folder that holds the prepared records of ``source``, or None.

    Args:
        source: The data set.
        root: A folder as `data_root` returns it, or the prepared folder itself.

    Raises:
        DataError: There is a folder of that name, but it is not a prepared one.
    """
    folder = source.folder(root)
    try:
        if (root / INFO_FILE).is_file():
            return root
        for path in (folder, *folder.parents[: len(folder.relative_to(root).parts) - 1]):
            if os.path.lexists(path) and not path.is_dir():
                raise _no_folder(path)
        if not folder.exists() or not os.listdir(folder):
            return None
        is_prepared = (folder / INFO_FILE).is_file()
    except OSError as error:
        raise DataError(
            f"The prepared data in {folder} cannot be read ({error.strerror}); make "
            "it readable, or name another folder with --data_dir."
        ) from error
    if not is_prepared:
        raise damaged(folder, f"it has no {INFO_FILE}")
    return folder


def _no_folder(path: Path) -> DataError:
    kind = "a link to nowhere" if path.is_symlink() and not path.exists() else "a file"
    return DataError(
        f"{path} is {kind}, where a folder of TFDS data was expected; name a folder with "
        "--data_dir or TFDS_DATA_DIR."
    )
