"""``torch.nn.RNN``, ``LSTM`` and ``GRU``: modules, state dicts and carries in both directions.

PyTorch fuses the gates in the same order and keeps every matrix transposed:

==========================================  ==========================================
here                                        there, in layer 0
==========================================  ==========================================
``w_x [D, G*H]``                            ``weight_ih_l0 [G*H, D]``
``w_h [H, G*H]``                            ``weight_hh_l0 [G*H, H]``
``w_p [H, P]``                              ``weight_hr_l0 [P, H]``
``b [G*H]``, ``b_h [G*H]``                  ``bias_ih_l0 [G*H]``, ``bias_hh_l0 [G*H]``
a cell                                      one layer
``Bidirectional(cell)``                     ``bidirectional=True``
``Stack`` of such, with its ``dropout``     ``num_layers > 1``, ``dropout``
==========================================  ==========================================

``batch_first`` says how the inputs lie and is no part of the weights: `rnnjax.unroll` is time
first. ``dropout`` is no part of the weights either; `from_torch` and `to_torch` hand it over.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax.cell import Carry, Cell, Layer, Params
from rnnjax.cells import (
    GRU,
    LSTM,
    LSTMP,
    GRUParams,
    LSTMParams,
    LSTMPParams,
    SimpleRNN,
    SimpleRNNParams,
)
from rnnjax.combinators import Bidirectional, BidirectionalParams, Stack
from rnnjax.interop.arrays import check_shapes, one_dtype, to_jax, to_numpy
from rnnjax.interop.torch_forms import plain_weights
from rnnjax.interop.torch_structure import describe, infer

_MODES = {"RNN_TANH": "tanh", "RNN_RELU": "relu", "LSTM": "tanh", "GRU": "tanh"}
_MODULES = {SimpleRNN: "RNN", LSTM: "LSTM", LSTMP: "LSTM", GRU: "GRU"}
_PARAMS = {SimpleRNN: SimpleRNNParams, LSTM: LSTMParams, LSTMP: LSTMPParams, GRU: GRUParams}
_NAMES = {
    "w_x": "weight_ih",
    "w_h": "weight_hh",
    "b": "bias_ih",
    "b_h": "bias_hh",
    "w_p": "weight_hr",
}
"""PyTorch's name of every parameter, in the order in which PyTorch lists them."""


def from_torch(module: Any) -> tuple[Layer, Params]:
    """The layer that computes what a module of PyTorch does, and its parameters.

    Args:
        module: a ``torch.nn.RNN``, ``LSTM`` or ``GRU`` with any number of layers, directions and
            any ``proj_size``; or any object with its attribute ``mode`` and its ``state_dict()``.

    Returns:
        As `from_state_dict` does.

    Raises:
        ValueError: it is another module, or its weights are not what such a module has.
    """
    module = getattr(module, "_orig_mod", module)  # which torch.compile wraps
    mode = getattr(module, "mode", None)
    if mode not in _MODES:
        raise ValueError(
            f"{type(module).__name__} is none of torch.nn.RNN, LSTM and GRU, "
            "which are all that this function converts."
        )
    layer, params = from_state_dict(module.state_dict(), nonlinearity=_MODES[mode])
    if isinstance(layer, Stack):
        layer = dataclasses.replace(layer, dropout=float(getattr(module, "dropout", 0)))
    return layer, params


def from_state_dict(
    state_dict: Mapping[str, Any], prefix: str = "", nonlinearity: str = "tanh"
) -> tuple[Layer, Params]:
    """The layer that a state dict of PyTorch belongs to, and its parameters.

    The kind, the sizes, the layers, the directions, the projection and whether there are biases
    follow from the names and the shapes. Of a weight norm, of pruning and of DropConnect the
    weights that they give in evaluation are taken, as `rnnjax.interop.torch_forms` lists; what
    can't be undone is refused by its name. The state dict of a ``torch.nn.RNNCell``,
    ``LSTMCell`` or ``GRUCell`` is that of one layer.

    Args:
        state_dict: arrays or tensors by name, such as `rnnjax.interop.load_state_dict` reads.
        prefix: what the names of this module's weights begin with, such as ``"encoder.rnn."``.
            Names that begin otherwise are left alone.
        nonlinearity: "tanh" or "relu" for a ``torch.nn.RNN``, which no name or shape tells.

    Returns:
        A cell, a `rnnjax.Bidirectional`, or a `rnnjax.Stack` of either; and its parameters, with
        the dtypes of the state dict.

    Raises:
        ValueError: a weight is missing, unknown, or of an unexpected shape or dtype.

    >>> weights = {"weight_ih_l0": np.ones((12, 2), "f"), "weight_hh_l0": np.ones((12, 3), "f")}
    >>> lstm, params = from_state_dict(weights)
    >>> type(lstm).__name__, lstm.hidden_size, lstm.use_bias
    ('LSTM', 3, False)
    >>> params.w_x.shape
    (2, 12)
    """
    arrays = plain_weights(state_dict, prefix)
    structure = infer(arrays, nonlinearity)
    shapes = {name: array.shape for name, array in arrays.items()}
    check_shapes("The state dict", shapes, structure.shapes())

    layers, params = [], []
    for number in range(structure.num_layers):
        cell = structure.cell_at(number)
        directions = [_cell_params(cell, arrays, end) for end in structure.endings(number)]
        bidirectional = structure.directions == 2
        layers.append(Bidirectional(cell) if bidirectional else cell)
        params.append(BidirectionalParams(*directions) if bidirectional else directions[0])
    return (layers[0], params[0]) if len(layers) == 1 else (Stack(tuple(layers)), tuple(params))


def to_state_dict(layer: Layer, params: Params, prefix: str = "") -> dict[str, np.ndarray]:
    """The state dict that PyTorch would have for this layer: the inverse of `from_state_dict`.

    Args:
        layer: a `SimpleRNN` (tanh or relu), `LSTM`, `LSTMP` or `GRU`, a `Bidirectional` of one, or
            a `Stack` of equal ones.
        params: its parameters. A bias that is None becomes zeros if there is any other.
        prefix: what the names are to begin with.

    Returns:
        NumPy arrays by name, in PyTorch's order and contiguous, as safetensors wants them.

    Raises:
        ValueError: PyTorch has no such layer.
    """
    structure, cells = describe(layer, params)
    arrays: dict[str, np.ndarray] = {}
    for ending, cell_params in cells:
        for field, name in _NAMES.items():
            array = getattr(cell_params, field, None)
            if array is not None:
                arrays[name + ending] = to_numpy(to_numpy(array).T)
            elif name.startswith("bias") and structure.bias:
                dtype = cell_params.w_x.dtype
                width = cell_params.w_x.shape[-1]
                arrays[name + ending] = np.zeros((width,), dtype)
    check_shapes(
        f"The parameters of {type(layer).__name__}",
        {name: array.shape for name, array in arrays.items()},
        structure.shapes(),
    )
    return {prefix + name: array for name, array in arrays.items()}


def to_torch(layer: Layer, params: Params) -> Any:
    """The ``torch.nn.RNN``, ``LSTM`` or ``GRU`` that computes what this layer does.

    Args:
        layer: as for `to_state_dict`.
        params: its parameters, all of one dtype.

    Returns:
        The module, time first (``batch_first=False``).

    Raises:
        ValueError: PyTorch has no such layer, or the parameters differ in dtype.
        ImportError: PyTorch is not installed.
    """
    structure, _ = describe(layer, params)
    state_dict = to_state_dict(layer, params)
    dtype = one_dtype("module of PyTorch", state_dict.values())
    cell: Any = structure.cell
    options: dict[str, Any] = {}
    if isinstance(cell, SimpleRNN):
        options["nonlinearity"] = cell.activation
    if isinstance(cell, LSTMP):
        options["proj_size"] = cell.projection_size
    if isinstance(layer, Stack):
        options["dropout"] = layer.dropout
    torch: Any = importlib.import_module("torch")
    module = getattr(torch.nn, _MODULES[type(cell)])(
        cell.input_size,
        cell.hidden_size,
        num_layers=structure.num_layers,
        bias=structure.bias,
        bidirectional=structure.directions == 2,
        dtype=getattr(torch, dtype),
        **options,
    )
    module.load_state_dict({name: _to_tensor(torch, a) for name, a in state_dict.items()})
    return module


def carry_from_torch(layer: Layer, state: Any) -> Carry:
    """The carry of a layer, from the ``h_0`` or ``(h_0, c_0)`` that PyTorch takes and returns.

    Args:
        layer: what `from_torch` or `from_state_dict` returned.
        state: ``[layers * directions, ..., H]``, or a pair of such.

    Returns:
        The carry of `rnnjax.unroll`.

    Raises:
        ValueError: the state does not fit the layer.
    """
    parts = state if isinstance(state, (tuple, list)) else (state,)
    arrays = [to_jax("The state", part) for part in parts]
    empty = jax.eval_shape(lambda: layer.initial_carry(arrays[0].shape[1:-1]))
    cells, structure = jax.tree.flatten(empty, is_leaf=_is_cell_carry)
    wanted = [(len(cells), *part.shape) for part in cells[0]]
    if [a.shape for a in arrays] != wanted:
        raise ValueError(
            f"The state of {type(layer).__name__} on this batch must have the shapes {wanted}, "
            f"not {[a.shape for a in arrays]}."
        )
    return jax.tree.unflatten(
        structure, [type(cell)(*(a[k] for a in arrays)) for k, cell in enumerate(cells)]
    )


def carry_to_torch(carry: Carry) -> np.ndarray | tuple[np.ndarray, ...]:
    """What PyTorch calls ``h_n``, or ``(h_n, c_n)``: the inverse of `carry_from_torch`.

    Args:
        carry: the carry of a layer that PyTorch has.

    Returns:
        One NumPy array ``[layers * directions, ..., H]``, or a pair of them.
    """
    cells = jax.tree.leaves(carry, is_leaf=_is_cell_carry)
    h, *c = [np.stack([to_numpy(a) for a in part]) for part in zip(*cells, strict=True)]
    return (h, *c) if c else h


def _cell_params(cell: Cell, arrays: Mapping[str, np.ndarray], ending: str) -> Any:
    fields = {}
    kind = _PARAMS[type(cell)]
    for field in kind._fields:
        name = _NAMES[field] + ending
        fields[field] = to_jax(name, arrays[name].T) if name in arrays else None
    return kind(**fields)


def _is_cell_carry(node: Any) -> bool:
    return hasattr(node, "h")


def _to_tensor(torch: Any, array: np.ndarray) -> Any:
    # PyTorch takes no bfloat16 from NumPy; the module's own dtype gets it back, exactly.
    wide = array.dtype == jnp.bfloat16
    return torch.from_numpy(array.astype(np.float32) if wide else array)
