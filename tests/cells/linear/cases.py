"""Every linear cell, listed once: a new file of loops enters all properties by a line here."""

from __future__ import annotations

from tests.cells.linear import loops_first, loops_memory, loops_state_space

CASES = [*loops_first.CASES, *loops_memory.CASES, *loops_state_space.CASES]
VARIANTS = [*loops_state_space.VARIANTS]
"""Those whose states have the form of others', which need not be compiled for every executor."""
