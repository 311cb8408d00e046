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
