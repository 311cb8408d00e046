"""What every kind of recurrence says of its matrix, whatever its form."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

import numpy as np
import pytest

from rnnjax.recurrences import Dense, Diagonal, Rotation
from tests.cells_under_test import random_like
from tests.running import assert_close, quick_jit

STATE = np.zeros((2, 3))
KINDS = [
    Diagonal(STATE, STATE),
    Rotation(STATE, STATE, STATE, STATE),
    Dense(np.zeros((3, 3)), STATE),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
@pytest.mark.usefixtures("x64")
def test_products(kind):
    rng = np.random.default_rng(0)
    one, other = random_like(rng, kind), random_like(rng, kind)
    state = random_like(rng, kind.added)

    @quick_jit
    def found(one, other, state):
        return (
            (one.after(other).apply(state), one.apply(other.apply(state))),
            (one.times(one.identity(one.factors), state), state),
        )

    for own, expected in found(one, other, state):
        assert_close(own, expected)
