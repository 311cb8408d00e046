"""Every linear cell, listed once: a new file of loops enters all properties by a line here."""

from __future__ import annotations

from tests.cells.linear import loops_diagonal, loops_first, loops_memory, loops_state_space

CASES = [
    *loops_first.CASES,
    *loops_diagonal.CASES,
    *loops_memory.CASES,
    *loops_state_space.CASES,
    *(case._replace(all_executors=False) for case in loops_state_space.VARIANTS),
]
