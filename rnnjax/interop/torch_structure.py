"""Which layers PyTorch can describe: inferred from a state dict, or found in a layer of ours."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from rnnjax.cell import Layer, Params
from rnnjax.cells import GRU, LSTM, LSTMP, SimpleRNN
from rnnjax.combinators import Bidirectional, Stack

_NUM_GATES = {SimpleRNN: 1, LSTM: 4, LSTMP: 4, GRU: 3}


class Structure(NamedTuple):
    """What the names and shapes of a state dict tell."""

    cell: Any
    """That of the lowest layer: a `SimpleRNN`, `LSTM`, `LSTMP` or `GRU`."""
    num_layers: int
    directions: int
    bias: bool

    def cell_at(self, number: int) -> Any:
        """The cell of one layer; all but the lowest read what the layer below it gives."""
        if number == 0:
            return self.cell
        inputs = self.directions * self.cell.output_size
        return dataclasses.replace(self.cell, input_size=inputs)

    def endings(self, number: int) -> list[str]:
        """What the names of one layer's weights end in, the forward direction first."""
        return [f"_l{number}{suffix}" for suffix in ("", "_reverse")[: self.directions]]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """All names with their shapes, in PyTorch's order."""
        cell = self.cell
        rows = _NUM_GATES[type(cell)] * cell.hidden_size
        of_layer = {"weight_hh": (rows, cell.output_size)}
        if self.bias:
            of_layer |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if isinstance(cell, LSTMP):
            of_layer |= {"weight_hr": (cell.projection_size, cell.hidden_size)}
        return {
            name + ending: shape
            for number in range(self.num_layers)
            for ending in self.endings(number)
            for name, shape in {
                "weight_ih": (rows, self.cell_at(number).input_size),
                **of_layer,
            }.items()
        }


def infer(arrays: Mapping[str, np.ndarray], nonlinearity: str) -> Structure:
    """The structure that the arrays of layer 0, and the names of all, give evidence of."""
    w_x, w_h = arrays["weight_ih_l0"], arrays["weight_hh_l0"]
    w_p = arrays.get("weight_hr_l0")
    if any(w is not None and w.ndim != 2 for w in (w_x, w_h, w_p)):
        raise ValueError("The weights of a recurrent layer of PyTorch must have two axes.")
    rows, input_size = w_x.shape
    hidden_size = (w_h if w_p is None else w_p).shape[1]
    kinds: dict[int, Any] = {hidden_size: SimpleRNN, 3 * hidden_size: GRU, 4 * hidden_size: LSTM}
    if w_p is not None:
        kinds = {4 * hidden_size: LSTMP}
    if rows not in kinds:
        wanted = " or ".join(f"{n} ({k.__name__})" for n, k in kinds.items())
        raise ValueError(
            f"weight_ih_l0 has {rows} rows, but for {hidden_size} hidden units {wanted} were "
            "expected."
        )
    kind = kinds[rows]
    bias = "bias_ih_l0" in arrays
    options: dict[str, Any] = {"initialization": "torch", "use_bias": bias}
    if kind is SimpleRNN:
        options["activation"] = nonlinearity
    if nonlinearity not in (("tanh", "relu") if kind is SimpleRNN else ("tanh",)):
        raise ValueError(f"PyTorch has no {kind.__name__} with nonlinearity={nonlinearity!r}.")
    if w_p is not None:
        options["projection_size"] = w_p.shape[0]
    numbers = {match[1] for name in arrays if (match := re.search(r"_l(\d+)(_reverse)?$", name))}
    return Structure(
        cell=kind(input_size, hidden_size, **options),
        num_layers=len(numbers),
        directions=2 if "weight_ih_l0_reverse" in arrays else 1,
        bias=bias,
    )


def describe(layer: Layer, params: Params) -> tuple[Structure, list[tuple[str, Any]]]:
    """The structure of a layer, and the parameters of each cell by the ending of their names.

    Raises:
        ValueError: PyTorch has no such layer, and why.
    """
    stacked = isinstance(layer, Stack)
    levels = zip(layer.layers, params, strict=True) if stacked else [(layer, params)]
    cells = [_directions(*level) for level in levels]
    structure = Structure(
        cell=cells[0][0][0],
        num_layers=len(cells),
        directions=len(cells[0]),
        bias=any(p.b is not None or p.b_h is not None for level in cells for _, p in level),
    )
    for number, level in enumerate(cells):
        if len(level) != structure.directions:
            raise ValueError(
                "In PyTorch either all layers are bidirectional or none is, but layer 0 has "
                f"{structure.directions} and layer {number} {len(level)} directions."
            )
        wanted = _but_for_init(structure.cell_at(number))
        for cell, _ in level:
            if _but_for_init(cell) != wanted:
                raise ValueError(
                    "A module of PyTorch has cells of one kind and size in all layers and "
                    f"directions: layer {number} must have {wanted}, not {_but_for_init(cell)}."
                )
    named = [
        (ending, p)
        for number, level in enumerate(cells)
        for ending, (_, p) in zip(structure.endings(number), level, strict=True)
    ]
    return structure, named


def _directions(layer: Layer, params: Params) -> list[tuple[Any, Any]]:
    if isinstance(layer, Bidirectional):
        if layer.merge != "concat":
            raise ValueError(
                f"PyTorch concatenates both directions; it has no merge={layer.merge!r}."
            )
        backward = layer.forward if layer.backward is None else layer.backward
        pairs = [(layer.forward, params.forward), (backward, params.backward)]
    else:
        pairs = [(layer, params)]
    for cell, _ in pairs:
        _check_cell(cell)
    return pairs


def _check_cell(cell: Any) -> None:
    """Raises a `ValueError` with the reason why PyTorch has no such cell."""
    kind = type(cell)
    if kind not in _NUM_GATES:
        raise ValueError(
            f"PyTorch has no recurrent layer for {kind.__name__}; it has SimpleRNN, LSTM, "
            "LSTMP and GRU, each alone, in a Bidirectional, or in a Stack of equal ones."
        )
    choices = ("tanh", "relu") if kind is SimpleRNN else ("tanh",)
    if cell.activation not in choices:
        raise ValueError(
            f"PyTorch has {kind.__name__} with activation {' or '.join(choices)} only, "
            f"not {cell.activation!r}."
        )
    if getattr(cell, "recurrent_activation", "sigmoid") != "sigmoid":
        raise ValueError(
            f"PyTorch has {kind.__name__} with recurrent_activation sigmoid only, "
            f"not {cell.recurrent_activation!r}."
        )
    if not getattr(cell, "reset_after", True):
        raise ValueError(
            "PyTorch resets after the recurrent product; GRU(reset_after=False) is another "
            "function, which it does not have."
        )


def _but_for_init(cell: Any) -> Any:
    """The cell without what no state dict holds: how it is initialized."""
    return dataclasses.replace(cell, initialization="torch", use_bias=True)
