"""Which data a name stands for, and when others that a program makes may stand in for them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

from rnnjax.errors import DataError, DataUnavailableError

Found = TypeVar("Found")


def check_dataset(dataset: str, known: Sequence[str]) -> None:
    """Raises a `DataError` if there is no data set of that name."""
    if dataset not in known:
        raise DataError(f"There is no data set {dataset!r}; take one of {', '.join(known)}.")


def or_stand_in(
    dataset: str,
    data_dir: str | os.PathLike[str] | None,
    read: Callable[[], Found],
    stand_in: Callable[[DataUnavailableError], Found],
) -> Found:
    """The real data; others only where ``"auto"`` was asked for, and no folder was named.

    Args:
        dataset: The name that was asked for.
        data_dir: The folder that was named: a wish for what it holds.
        read: Gives the real data.
        stand_in: Gives others, of the error that says why the real ones are not to be had.

    Raises:
        DataUnavailableError: The data are not to be had, and nothing may stand in for them.

    >>> def read():
    ...     raise DataUnavailableError("They are not here.")
    >>> or_stand_in("auto", None, read, lambda error: f"made up. {error}")
    'made up. They are not here.'
    """
    try:
        return read()
    except DataUnavailableError as error:
        if dataset != "auto" or data_dir is not None:
            raise
        return stand_in(error)
