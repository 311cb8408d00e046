"""Finding a data set's prepared folder, and making it with TFDS where TensorFlow is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rnnjax.data.download import answering_mirrors, fetch, missing_files
from rnnjax.data.locks import turn
from rnnjax.data.source import Progress, Source, data_root, find_prepared
from rnnjax.errors import DataUnavailableError

Examples = Iterable[tuple["int | str", dict[str, Any]]]


class Prepared(NamedTuple):
    """A prepared folder, and a phrase that says where it came from."""

    folder: Path
    origin: str


def find_or_prepare(
    source: Source,
    data_dir: str | os.PathLike[str] | None,
    features: Callable[[], Any],
    examples: Callable[[Mapping[str, Path]], Mapping[str, Examples]],
    *,
    timeout: float = 4.0,
    progress: Progress | None = None,
) -> Prepared:
    """Returns the prepared folder of a data set, downloaded and written first if there is none.

    It is written in TFDS's own layout as ArrayRecord, so that TFDS reads it like any other. Of
    several processes one works and the others wait. Nothing that exists is overwritten, and without
    a network nothing is created.

    Args:
        source: The data set.
        data_dir: As for `rnnjax.data.source.data_root`.
        features: Returns the ``tfds.features.FeaturesDict``; called where one is written only, so
            that TFDS need not be imported before.
        examples: Given the paths of the downloaded files by name, returns for every split the pairs
            of key and example that TFDS writes. TFDS encodes an image that is a file object of PNG
            bytes, and text, without TensorFlow.
        timeout: Seconds within which a server has to begin to answer.
        progress: Told how far downloads and preparation are.

    Raises:
        DataUnavailableError: There is none, and either no server gave the files or the place
            cannot be written.
        DataError: The folder is unusable.
    """
    root = data_root(data_dir)
    folder = find_prepared(source, root)
    if folder is not None:
        return _found(folder)
    downloads = source.download_folder(root)
    try:
        missing = missing_files(source.files, downloads)
        mirrors: list[str] = []
        if missing:
            smallest = min(missing, key=lambda file: file.size)
            mirrors = answering_mirrors(source.mirrors, smallest, timeout=timeout)
        downloads.mkdir(parents=True, exist_ok=True)
        with turn(
            downloads / "lock",
            f"prepares {source.name}",
            "If it hangs, end it, or name another folder with --data_dir or TFDS_DATA_DIR.",
        ):
            folder = find_prepared(source, root)
            if folder is not None:
                return _found(folder)
            paths = fetch(source.files, mirrors, downloads, timeout=5 * timeout, progress=progress)
            folder = _write(
                source,
                root,
                downloads / "incomplete",
                features,
                _counted(source, examples(paths), progress),
            )
    except DataUnavailableError as error:
        raise DataUnavailableError(_nowhere(source, root, error)) from error
    except OSError as error:
        raise DataUnavailableError(
            f"{source.name} cannot be prepared in {root} ({error}); name a folder that can be "
            "written, or that holds it, with --data_dir or TFDS_DATA_DIR."
        ) from error
    where = mirrors[0] if mirrors else str(downloads)
    return Prepared(folder, f"{where}, prepared in {folder}")


def _found(folder: Path) -> Prepared:
    return Prepared(folder, f"the prepared TFDS folder {folder}")


def _nowhere(source: Source, root: Path, error: DataUnavailableError) -> str:
    names = ", ".join(file.name for file in source.files)
    return (
        f"{source.name} is not prepared in {source.folder(root)}, and no server gave it "
        f"({error}). Name a TFDS folder that holds it with --data_dir or TFDS_DATA_DIR, or put "
        f"{names} into {source.download_folder(root)}, or run again where there is a network."
    )


def _counted(
    source: Source, examples: Mapping[str, Examples], progress: Progress | None
) -> dict[str, Iterator[tuple[int | str, dict[str, Any]]]]:
    def count(split: str, total: int) -> Iterator[tuple[int | str, dict[str, Any]]]:
        for done, pair in enumerate(examples[split], start=1):
            yield pair
            if progress is not None and (done % 1000 == 0 or done == total):
                progress(f"preparing {source.name} {split}", done, total)

    return {split: count(split, total) for split, total in source.splits}


def _write(
    source: Source,
    root: Path,
    scratch: Path,
    features: Callable[[], Any],
    examples: Mapping[str, Examples],
) -> Path:
    import tensorflow_datasets as tfds

    class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        name = source.name
        VERSION = tfds.core.Version(source.version)
        BUILDER_CONFIGS = (
            [] if source.config is None else [tfds.core.BuilderConfig(name=source.config)]
        )

        def _info(self) -> tfds.core.DatasetInfo:
            return tfds.core.DatasetInfo(
                builder=self,
                description=source.description,
                features=features(),
                supervised_keys=source.supervised_keys,
                homepage=source.homepage,
                citation=source.citation,
            )

        def _split_generators(self, dl_manager: object) -> Any:
            return dict(examples)

        def _generate_examples(self, **kwargs: Any) -> Any:
            raise NotImplementedError("every split brings its own examples")

        # TFDS prints both to the standard output, which belongs to the program.
        def _log_download_bytes(self) -> None:
            pass

        def _log_download_done(self) -> None:
            pass

    # Written beside and moved in one step: what a killed process leaves is never taken for data.
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        tfds.disable_progress_bar()
        Builder(data_dir=scratch, file_format="array_record").download_and_prepare(
            download_config=tfds.download.DownloadConfig(try_download_gcs=False)
        )
        folder = source.folder(root)
        folder.parent.mkdir(parents=True, exist_ok=True)
        os.rename(source.folder(scratch), folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder
