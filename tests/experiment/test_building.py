"""The cells of --cell, alone and one above the other."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from rnnjax.experiment import Config, UsageError, build_cell, build_layer, setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class Own(Config):
    cell: str = setting("gru", "cell", choices=("gru", "scrn", "cfn", "eunn"))
    hidden_size: int = setting(6, "units", at_least=1)
    initialization: str = setting("keras", "first values", choices=("keras", "torch"))


def test_a_layer_reads_all_that_the_one_below_it_gives():
    layer: Any = build_layer(Own(cell="scrn", num_layers=2), 3)
    assert [cell.input_size for cell in layer.layers] == [3, 12]


def test_a_choice_that_a_cell_has_not_is_told_if_it_was_made():
    config = Own(cell="cfn")
    assert build_cell(config, 3, initialization=config.initialization).hidden_size == 6
    config = Own(cell="cfn", initialization="torch")
    with pytest.raises(UsageError, match=r"^--initialization=torch: --cell=cfn has its paper's.*"):
        build_cell(config, 3, initialization=config.initialization)
    own = build_cell(Own(initialization="torch"), 3, initialization="torch")
    assert own.initialization == "torch"


def test_sizes_that_a_cell_can_not_have_are_told():
    with pytest.raises(UsageError, match=r"^--cell=eunn: EUNN: hidden_size must be even"):
        build_cell(Own(cell="eunn"), 3, 5)
