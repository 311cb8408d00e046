from __future__ import annotations

import jax
import pytest
from hypothesis import given
from hypothesis import strategies as st

import rnnjax
from rnnjax.analysis.equal_size import width_for_count
from rnnjax.cell import param_shapes
from rnnjax.reports.tables import count_params


@given(count=st.integers(0, 3000), slope=st.integers(1, 40), square=st.integers(0, 3))
def test_no_width_comes_nearer(count, slope, square):
    def count_at(width):
        return square * width**2 + slope * width + 7

    found = width_for_count(count, count_at)
    nearest = min(abs(count_at(width) - count) for width in range(1, 3000))
    assert abs(count_at(found) - count) == nearest
    assert found == min(w for w in range(1, 3000) if abs(count_at(w) - count) == nearest)


@pytest.mark.parametrize("cell", [rnnjax.LSTM, rnnjax.GRU, rnnjax.SimpleRNN])
def test_a_cell_finds_its_own_width_again(cell):
    def count_at(width):
        return count_params(param_shapes(cell(28, width)))

    assert width_for_count(count_at(37), count_at) == 37
    jax.clear_caches()


def test_a_count_beyond_the_limit_is_refused():
    with pytest.raises(ValueError, match="64 has 640 parameters, fewer than the 641 "):
        width_for_count(641, lambda width: 10 * width, limit=64)
    assert width_for_count(640, lambda width: 10 * width, limit=64) == 64
