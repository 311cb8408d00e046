"""Physical cells once more in float64 NumPy, one row and one step at a time."""

from tests.cells_under_test import CellUnderTest

CASES: list[CellUnderTest] = []
