"""Modules of flax.linen and their variables, from and to layers and their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen

from rnnjax.cell import Layer, Params
from rnnjax.cells import GRU, LSTM, SimpleRNN
from rnnjax.combinators import Bidirectional, BidirectionalParams
from rnnjax.interop.arrays import one_dtype
from rnnjax.interop.flax_cells import (
    DENSE,
    both,
    cell_from_weights,
    check_run,
    dense_from_weights,
    functions_of,
    kind_of,
    weights_from_cell,
    weights_from_dense,
)

_CELLS: dict[Any, Any] = {
    linen.SimpleCell: SimpleRNN,
    linen.LSTMCell: LSTM,
    linen.OptimizedLSTMCell: LSTM,
    linen.GRUCell: GRU,
}
_WAYS = ("forward_rnn", "backward_rnn")
_MERGE = linen.Bidirectional.__dataclass_fields__["merge_fn"].default


def from_linen(module: linen.Module, variables: Mapping[str, Any]) -> tuple[Any, Params]:
    """The layer that computes what a module of flax.linen does, and its parameters.

    Args:
        module: a cell of the table above, an ``RNN`` around one, or a ``Bidirectional`` of two
            such, with the default ``merge_fn``.
        variables: what its ``init`` returns: ``{"params": ...}``.

    Returns:
        A cell or a `rnnjax.Bidirectional`, and its parameters, with the dtypes of the variables.

    Raises:
        ValueError: the module can't be represented, or the variables do not fit it.
    """
    if "params" not in variables:
        raise ValueError(
            "The variables of a module of flax.linen have the key 'params', but these have "
            f"{sorted(variables)}."
        )
    return _from_linen(module, variables["params"])


def to_linen(layer: Layer, params: Params) -> tuple[Any, dict[str, Any]]:
    """The module of flax.linen that computes what this layer does: the inverse of `from_linen`.

    Args:
        layer: a `SimpleRNN`, `LSTM` or `GRU`, or a `Bidirectional` of them.
        params: its parameters, all of one dtype.

    Returns:
        A cell (for an LSTM the ``OptimizedLSTMCell``, whose variables are those of ``LSTMCell``),
        or a ``Bidirectional``; and its variables.

    Raises:
        ValueError: Flax has no such cell, or no place for one of the biases.
    """
    if isinstance(layer, Bidirectional):
        forward, backward = (to_linen(*pair) for pair in zip(both(layer), params, strict=True))
        module = linen.Bidirectional(linen.RNN(forward[0]), linen.RNN(backward[0]))
        nested = {
            name: {"cell": part[1]["params"]}
            for name, part in zip(_WAYS, (forward, backward), strict=True)
        }
        return module, {"params": nested}
    cell: Any = layer
    weights = weights_from_cell(cell, params, with_b_hn=True)
    kind = {SimpleRNN: linen.SimpleCell, LSTM: linen.OptimizedLSTMCell, GRU: linen.GRUCell}
    module = kind[type(cell)](
        features=cell.hidden_size,
        param_dtype=one_dtype("cell of Flax", [w for w in weights if w is not None]),
        **functions_of(cell),
    )
    return module, {
        "params": jax.tree.map(jnp.asarray, dense_from_weights(DENSE[type(cell)], weights))
    }


def _from_linen(module: Any, params: Mapping[str, Any]) -> tuple[Any, Any]:
    if type(module) is linen.Bidirectional:
        check_run(module, merge=_MERGE)
        one = _part(module, params, "forward_rnn")
        shared = _cell_of(module.forward_rnn) is _cell_of(module.backward_rnn)
        # A cell that both share has its parameters where it is run first.
        other = one if shared else _part(module, params, "backward_rnn")
        forward, forward_params = _from_linen(module.forward_rnn, one)
        backward, backward_params = _from_linen(module.backward_rnn, other)
        layer = Bidirectional(forward, None if backward == forward else backward)
        return layer, BidirectionalParams(forward_params, backward_params)
    if type(module) is linen.RNN:
        check_run(module)
        return _from_linen(module.cell, _part(module, params, "cell"))
    kind = kind_of(module, _CELLS)
    owner = f"The {type(module).__name__} of flax.linen"
    return cell_from_weights(kind, module, weights_from_dense(DENSE[kind], params, owner))


def _cell_of(module: Any) -> Any:
    return module.cell if type(module) is linen.RNN else module


def _part(module: Any, params: Any, name: str) -> Any:
    """The parameters of a module inside; a `ValueError` if they are not there."""
    if isinstance(params, Mapping) and name in params:
        return params[name]
    found = sorted(params) if isinstance(params, Mapping) else type(params).__name__
    raise ValueError(
        f"The {type(module).__name__} of flax.linen has its parameters under {name!r}, but these "
        f"are {found}. A cell that was made inside another module keeps them there: pass "
        "{'params': ...} with that cell's own under the names forward_rnn, backward_rnn and cell."
    )
