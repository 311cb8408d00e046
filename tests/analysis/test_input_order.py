from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.analysis.input_order import ORDERS, in_order

XS = jnp.arange(2 * 5 * 3).reshape(2, 5, 3)


def test_rows_and_pixels_come_as_they_are_read():
    np.testing.assert_array_equal(in_order(XS, "rows"), XS)
    np.testing.assert_array_equal(in_order(XS, "pixels")[..., 0], XS.reshape(2, 15))


@pytest.mark.parametrize("kind", ["rows", "pixels"])
def test_a_random_order_is_the_same_for_all_rows_and_loses_nothing(kind):
    plain, mixed = np.asarray(in_order(XS, kind)), np.asarray(in_order(XS, f"{kind}_permuted"))
    assert mixed.shape == plain.shape
    assert not np.array_equal(mixed, plain)
    order = [plain[0].tolist().index(step) for step in mixed[0].tolist()]
    assert sorted(order) == list(range(plain.shape[1]))
    np.testing.assert_array_equal(mixed, plain[:, order])
    np.testing.assert_array_equal(in_order(XS[1:], f"{kind}_permuted"), mixed[1:])
    assert not np.array_equal(in_order(XS, f"{kind}_permuted", seed=1), mixed)


def test_an_unknown_order_is_refused():
    with pytest.raises(ValueError, match=f"{', '.join(ORDERS)}"):
        in_order(XS, "columns")
