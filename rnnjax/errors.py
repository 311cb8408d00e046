"""What can go wrong in a way that a user can put right."""

from __future__ import annotations


class UsageError(ValueError):
    """A mistake in what the user asked for: one sentence that says what to do about it."""

    everywhere = False
    """Whether it was raised in all processes of a run."""


class StorageError(RuntimeError):
    """Something could not be written: a full disk, a folder that can't be written to."""

    everywhere = False
    """Whether it was raised in all processes of a run."""


class DataError(ValueError):
    """The data asked for can't be used as it is; the message says why and what to do."""


class DataUnavailableError(DataError):
    """The data is not on this machine and no server gave it."""


class NonFiniteLossError(ArithmeticError):
    """The training loss or its gradient was NaN or infinite, too many times in a row."""

    everywhere = True
    """All processes of a run have the same losses."""


class ExportError(ValueError):
    """A model that can't be exported, or a folder that can't take it: one sentence says why."""
