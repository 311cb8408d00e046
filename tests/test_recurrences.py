"""What every kind of recurrence says of its matrix, whatever its form."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

import jax
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
def test_products_and_cotangents(kind):
    rng = np.random.default_rng(0)
    one, other = random_like(rng, kind), random_like(rng, kind)
    state, cotangent = random_like(rng, kind.added), random_like(rng, kind.added)

    @quick_jit
    def found(one, other, state, cotangent):
        pull = jax.vjp(one.times, one.factors, state)[1]
        return (
            (one.after(other).apply(state), one.apply(other.apply(state))),
            (one.times(one.identity(one.factors), state), state),
            (one.factors_cotangent(cotangent, state), pull(cotangent)[0]),
            (one.transposed_times(one.factors, cotangent), pull(cotangent)[1]),
        )

    for own, expected in found(one, other, state, cotangent):
        assert_close(own, expected)
