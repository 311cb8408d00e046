"""Caches of what is made from a prepared folder, which are as good as reading it again."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnjax.data.cache import load_or_build
from rnnjax.data.prepared_folder import contents_digest, open_prepared
from rnnjax.data.source import Source
from rnnjax.errors import DataError


class PreparedCache:
    """Arrays that are made from a prepared folder once, and again when its contents change.

    Args:
        source: The data set that the folder must hold.
        folder: The prepared folder.
        splits: Those of its splits that arrays are made from.
        cache_dir: Where the caches are kept; by default the user's own cache folder.

    Raises:
        DataError: The folder is damaged or holds something else.
    """

    def __init__(
        self,
        source: Source,
        folder: Path,
        splits: Sequence[str],
        cache_dir: str | os.PathLike[str] | None,
    ):
        self._source, self._folder, self._splits = source, folder, splits
        self._cache_dir = cache_dir
        self._contents = self._digest()

    def load_or_build(
        self,
        what: str,
        made_by: Mapping[str, Any],
        build: Callable[[], Mapping[str, np.ndarray]],
    ) -> dict[str, np.ndarray]:
        """Returns arrays as `rnnjax.data.cache.load_or_build` does.

        Args:
            what: What they are, for the file's name.
            made_by: All that they depend on beside the folder.
            build: Makes them from the folder.

        Raises:
            DataError: The folder is damaged, or was changed while it was read.
        """

        def build_from_one_state() -> Mapping[str, np.ndarray]:
            arrays = build()
            if self._digest() != self._contents:
                raise DataError(
                    f"The prepared data in {self._folder} was changed while it was read; "
                    "give the same command again."
                )
            return arrays

        return load_or_build(
            f"{self._source.name}-{self._source.version}-{what}",
            {"contents": self._contents, "splits": self._source.splits, **made_by},
            build_from_one_state,
            cache_dir=self._cache_dir,
        )

    def _digest(self) -> str:
        return contents_digest(open_prepared(self._source, self._folder, self._splits))
