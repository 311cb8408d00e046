"""Every linear cell, listed once: a new file of loops enters all properties by a line here."""

from __future__ import annotations

from tests.cells.linear import loops_diagonal, loops_first, loops_memory, loops_state_space

CASES = [
    *loops_first.CASES,
    *loops_diagonal.CASES,
    *loops_memory.CASES,
    *loops_state_space.CASES,
    *loops_state_space.VARIANTS,
]

OF_EACH_KIND = (
    "min_gru", "lru", "s6", "legendre_memory", "gla", "gated_delta_net", "mlstm",
)  # fmt: skip
"""Those that are run under all executors each time, and not among the slow tests only: a program of
some seconds, which depends on the kind of recurrence more than on the cell."""
