"""Mistakes that a user can put right."""

from __future__ import annotations


class UsageError(ValueError):
    """A mistake in what the user asked for: one sentence that says what to do about it."""
