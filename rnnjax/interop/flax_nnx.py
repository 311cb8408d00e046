"""Modules of flax.nnx, from and to layers and their parameters."""

from __future__ import annotations

import inspect
from typing import Any

from flax import nnx

from rnnjax.cell import Layer, Params
from rnnjax.cells import GRU, LSTM, SimpleRNN
from rnnjax.combinators import Bidirectional, BidirectionalParams
from rnnjax.interop.arrays import one_dtype, to_jax, to_numpy
from rnnjax.interop.flax_cells import (
    DENSE,
    Weights,
    both,
    cell_from_weights,
    check_run,
    functions_of,
    kind_of,
    weights_from_cell,
    weights_from_dense,
)

_CELLS: dict[Any, Any] = {
    nnx.SimpleCell: SimpleRNN,
    nnx.LSTMCell: LSTM,
    nnx.OptimizedLSTMCell: LSTM,
    nnx.GRUCell: GRU,
}
_MERGE = inspect.signature(nnx.Bidirectional.__init__).parameters["merge_fn"].default


def from_nnx(module: nnx.Module) -> tuple[Any, Params]:
    """The layer that computes what a module of flax.nnx does, and its parameters.

    Args:
        module: a cell of the table above, an ``RNN`` around one, or a ``Bidirectional`` of two
            such, with the default ``merge_fn``.

    Returns:
        A cell or a `rnnjax.Bidirectional`, and its parameters, with the dtypes of the module.

    Raises:
        ValueError: the module can't be represented.
    """
    return _from_nnx(module)


def _from_nnx(module: Any) -> tuple[Any, Any]:
    if type(module) is nnx.Bidirectional:
        check_run(module, merge=_MERGE)
        forward, forward_params = _from_nnx(module.forward_rnn)
        backward, backward_params = _from_nnx(module.backward_rnn)
        layer = Bidirectional(forward, None if backward == forward else backward)
        return layer, BidirectionalParams(forward_params, backward_params)
    if type(module) is nnx.RNN:
        check_run(module)
        return _from_nnx(module.cell)
    kind = kind_of(module, _CELLS)
    return cell_from_weights(kind, module, _weights(module))


def _weights(module: Any) -> Weights:
    if type(module) is nnx.LSTMCell:
        # `if` is a word of Python, so the dense layer of that name is called if_.
        dense = {
            name: _leaves(getattr(module, "if_" if name == "if" else name))
            for name in (*DENSE[LSTM].x, *DENSE[LSTM].h)
        }
        return weights_from_dense(DENSE[LSTM], dense, "The LSTMCell of flax.nnx")
    x, h = _leaves(module.dense_i), _leaves(module.dense_h)
    return Weights(x["kernel"], h["kernel"], h["bias"] if "bias" in h else x["bias"])


def _leaves(linear: Any) -> dict[str, Any]:
    named = {"kernel": linear.kernel, "bias": linear.bias}
    return {name: to_numpy(v[...]) for name, v in named.items() if v is not None}


def to_nnx(layer: Layer, params: Params) -> Any:
    """The module of flax.nnx that computes what this layer does: the inverse of `from_nnx`.

    Args:
        layer: a `SimpleRNN`, `LSTM` or `GRU`, or a `Bidirectional` of them.
        params: its parameters, all of one dtype.

    Returns:
        A cell (for an LSTM the ``OptimizedLSTMCell``), or a ``Bidirectional``.

    Raises:
        ValueError: Flax has no such cell, or no place for one of the biases.
    """
    if isinstance(layer, Bidirectional):
        cells = [to_nnx(*pair) for pair in zip(both(layer), params, strict=True)]
        return nnx.Bidirectional(*(nnx.RNN(cell) for cell in cells))
    cell: Any = layer
    weights = weights_from_cell(cell, params, with_b_hn=False)
    kind = {SimpleRNN: nnx.SimpleCell, LSTM: nnx.OptimizedLSTMCell, GRU: nnx.GRUCell}
    made = kind[type(cell)](
        cell.input_size,
        cell.hidden_size,
        dtype=None,
        param_dtype=one_dtype("cell of Flax", weights[:3]),
        rngs=nnx.Rngs(0),
        **functions_of(cell),
    )
    made.dense_i.kernel[...] = to_jax("w_x", weights.w_x)
    made.dense_h.kernel[...] = to_jax("w_h", weights.w_h)
    with_bias = made.dense_h if made.dense_i.bias is None else made.dense_i
    with_bias.bias[...] = to_jax("b", weights.b)
    return made
