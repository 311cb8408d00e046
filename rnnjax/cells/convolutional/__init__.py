"""Cells whose products are convolutions over space, one per file."""

from __future__ import annotations

__all__: list[str] = []
