"""More gated cells in float64 NumPy, one row and one step at a time, from their papers."""

from tests.cells_under_test import CellUnderTest

CASES: list[CellUnderTest] = []
