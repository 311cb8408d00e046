"""A small sequence with flags, for the contract of the cells and the tests of the engine."""

import numpy as np
import pytest

STEPS, ROWS = 6, 3

MASK = np.array(  # time runs to the right here: a gap, right padding with a gap, nothing at all
    [[1, 0, 1, 1, 0, 1], [0, 1, 1, 0, 1, 0], [0, 0, 0, 0, 0, 0]], bool
).T
RESETS = np.array(  # on a first step, on masked ones, which count, on neighbours, on a last step
    [[1, 0, 0, 1, 1, 0], [0, 0, 1, 1, 0, 0], [1, 0, 0, 0, 0, 1]], bool
).T
POISON = np.resize([np.nan, np.inf, -np.inf], (STEPS, ROWS, 1))


def where_rows(flags, on_true, on_false):
    """`np.where` over arrays ``[T, B, ...]``, with a flag ``[T, B]`` for each row of a step.

    What stands where the flags are False is a number, or one for each row, as `POISON` is.
    """
    shape = *flags.shape, *(1,) * (on_true.ndim - flags.ndim)
    on_false = np.reshape(on_false, shape) if np.ndim(on_false) else on_false
    return np.where(flags.reshape(shape), on_true, on_false)


directions = pytest.mark.parametrize("reverse", [False, True])
