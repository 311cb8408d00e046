"""The fields that cells have in common, checked by name."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from rnnjax.activations import ACTIVATIONS
from rnnjax.cell import Cell, check_choice, check_sizes
from rnnjax.initializers import INITIALIZATIONS

CHOICES: MappingProxyType[str, MappingProxyType[str, Any]] = MappingProxyType(
    {
        "activation": ACTIVATIONS,
        "recurrent_activation": ACTIVATIONS,
        "initialization": INITIALIZATIONS,
    }
)
"""What a field of this name may hold, in whichever cell has it."""


def check_hyperparameters(cell: Cell, *more_sizes: str) -> None:
    """Raises a `ValueError` naming the first field whose value is none that it may have.

    Args:
        cell: a cell with an `input_size`, a `hidden_size`, and any of the fields in `CHOICES`.
        more_sizes: the names of its further sizes.
    """
    check_sizes(cell, "input_size", "hidden_size", *more_sizes)
    for name, choices in CHOICES.items():
        if hasattr(cell, name):
            check_choice(type(cell).__name__, name, getattr(cell, name), choices)
