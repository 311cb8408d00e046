"""Products one after the other, by whose rate `benchmarks.floor` goes."""

from __future__ import annotations

from typing import NamedTuple

CHAIN = 64
"""Steps in a row as one program: each product waits for the one before, as in a layer."""


class Chained(NamedTuple):
    """``[rows, size] x [size, copies · size]`` by each of the matrices in turn, so many times."""

    rows: int
    size: int
    copies: int
    num_matrices: int
    steps: int = CHAIN

    @property
    def operations(self) -> int:
        """Floating-point operations of all of them."""
        each = 2 * self.rows * self.size**2 * self.copies
        return self.steps * self.num_matrices * each
