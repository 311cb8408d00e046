"""Keras's ``SimpleRNN``, ``LSTM``, ``GRU`` and ``Bidirectional``: layers and lists of weights.

=====================================  =====================================================
here                                   there
=====================================  =====================================================
``w_x [D, G*H]``, ``w_h [H, G*H]``     ``kernel``, ``recurrent_kernel``
LSTM gates i, f, g, o                  i, f, c, o: the same
GRU gates r, z, n                      z, r, h: in another order
``b [G*H]``                            ``bias [G*H]``
``b``, ``b_h`` of a `rnnjax.GRU`       ``bias [2, 3*H]`` of a GRU with ``reset_after=True``
``Bidirectional(merge="none")``        ``Bidirectional(merge_mode=None)``
``jax.tree.leaves(carry)``             the list of states
=====================================  =====================================================

What is no part of the function is left out: ``dropout`` and ``recurrent_dropout`` act while
training only; regularizers and constraints belong to the training; ``return_sequences``,
``return_state``, ``stateful``, ``unroll`` and ``zero_output_for_mask`` say how a layer is run, as
the arguments of `rnnjax.unroll` do. On masked steps Keras by default repeats the previous output,
where `rnnjax.unroll` gives zeros.

Layers of Keras 2 and 3 are read, and those of Keras 3 are written. Their weights lie alike, but
``hard_sigmoid`` is another function in each (that of Keras 2 is ``keras2_hard_sigmoid`` here), and
the default values of ``recurrent_activation`` and ``reset_after`` have changed. A layer tells its
version by its class, a configuration by the options that only one version writes. Where neither
does and it makes a difference, `from_keras` and `from_weights` ask for ``keras_version``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnnjax.cell import Layer, Params
from rnnjax.cells import GRU, LSTM, GRUParams, LSTMParams, SimpleRNN, SimpleRNNParams
from rnnjax.combinators import Bidirectional, BidirectionalParams
from rnnjax.interop.arrays import check_shapes, one_dtype, reorder_gates, to_jax, to_numpy
from rnnjax.interop.keras_config import (
    both,
    cell_from_config,
    directions_from_config,
    has_two_biases,
    to_config,
    weight_shapes,
)
from rnnjax.interop.keras_version import version_of

__all__ = ["from_keras", "from_weights", "to_config", "to_keras", "to_weights"]

_PARAMS: dict[Any, Any] = {SimpleRNN: SimpleRNNParams, LSTM: LSTMParams, GRU: GRUParams}
_OTHER_GRU_ORDER = (1, 0, 2)
"""From z, r, h to r, z, n, and back."""


def from_keras(layer: Any, *, keras_version: int | str | None = None) -> tuple[Any, Params]:
    """The layer that computes what a layer of Keras does, and its parameters.

    Args:
        layer: a built ``keras.layers.SimpleRNN``, ``LSTM`` or ``GRU``, or a ``Bidirectional`` of
            them; or any object with their ``get_config()`` and ``get_weights()``.
        keras_version: 2, 3, or such as "2.15.0", where the layer does not tell.

    Returns:
        As `from_weights` does.

    Raises:
        ValueError: the layer is not built, can't be represented, or could be of Keras 2 and 3.
    """
    if not getattr(layer, "built", True):
        raise ValueError(
            f"The {type(layer).__name__} of Keras has no weights yet: call it on an input, or its "
            "build((None, None, input_size)), first."
        )
    config = {"class_name": type(layer).__name__, "config": layer.get_config()}
    version = version_of(config, layer, keras_version)
    return from_weights(layer.get_weights(), config, keras_version=version)


def from_weights(
    weights: Sequence[Any], config: Mapping[str, Any], *, keras_version: int | str | None = None
) -> tuple[Any, Params]:
    """The layer that belongs to a list of weights, and its parameters.

    Args:
        weights: as ``get_weights()`` lists them.
        config: what ``keras.layers.serialize(layer)`` returns and a ``.keras`` archive holds in
            its config.json: ``{"class_name": "LSTM", "config": {"units": 8, ...}}``.
            Options that are missing have Keras's default values, as far as its versions agree.
        keras_version: 2, 3, or such as "2.15.0", where the configuration does not tell. A
            ``.keras`` archive has it in its metadata.json, an ``.h5`` file as an attribute.

    Returns:
        A cell or a `rnnjax.Bidirectional`, and its parameters, with the dtypes of the weights.

    Raises:
        ValueError: the layer can't be represented, the weights do not fit it, or it could be of
            Keras 2 and 3.

    >>> weights = [np.ones((2, 12), "f"), np.ones((3, 12), "f"), np.ones(12, "f")]
    >>> config = {"class_name": "LSTM", "config": {"units": 3}}
    >>> lstm, params = from_weights(weights, config, keras_version=3)
    >>> lstm.input_size, lstm.hidden_size, params.b.shape
    (2, 3, (12,))
    """
    configs, merge = directions_from_config(config)
    version = version_of(config, stated=keras_version)
    counts = [3 if c["config"].get("use_bias", True) else 2 for c in configs]
    if len(weights) != sum(counts):
        raise ValueError(
            f"This {config['class_name']} of Keras has {sum(counts)} weights, "
            f"but {len(weights)} were given."
        )
    pairs = [_from_cell(weights[: counts[0]], configs[0], version)]
    if merge is None:
        return pairs[0]
    pairs.append(_from_cell(weights[counts[0] :], configs[1], version))
    (forward, forward_params), (backward, backward_params) = pairs
    layer = Bidirectional(forward, None if backward == forward else backward, merge)
    return layer, BidirectionalParams(forward_params, backward_params)


def to_weights(layer: Layer, params: Params) -> list[np.ndarray]:
    """What ``set_weights`` of the equal layer of Keras takes: the inverse of `from_weights`.

    Args:
        layer: a `SimpleRNN`, `LSTM` or `GRU`, or a `Bidirectional` of them.
        params: its parameters.

    Returns:
        NumPy arrays in Keras's order.

    Raises:
        ValueError: Keras has no such layer, or no place for one of the biases.
    """
    to_config(layer)  # Refuses what Keras lacks.
    if not isinstance(layer, Bidirectional):
        return _to_cell(layer, params)
    forward, backward = both(layer)
    return _to_cell(forward, params.forward) + _to_cell(backward, params.backward)


def to_keras(layer: Layer, params: Params) -> Any:
    """The layer of Keras that computes what this layer does, built and with its weights.

    Args:
        layer: as for `to_weights`.
        params: its parameters, all of one dtype.

    Returns:
        The layer, with ``return_sequences=True`` and, so that masked steps give zeros there too,
        ``zero_output_for_mask=True``.

    Raises:
        ValueError: as `to_weights`, or the parameters differ in dtype.
        ImportError: Keras is not installed.
    """
    weights = to_weights(layer, params)
    config = to_config(layer)
    options = config["config"]
    inner = [options[name]["config"] for name in ("layer", "backward_layer") if name in options]
    for each in (options, *inner):
        each["dtype"] = one_dtype("layer of Keras", weights)
    keras: Any = importlib.import_module("keras")
    made = keras.layers.deserialize(config)
    made.build((None, None, layer.input_size))
    made.set_weights(weights)
    return made


def _from_cell(
    weights: Sequence[Any], config: Mapping[str, Any], version: int | None
) -> tuple[Any, Any]:
    arrays = [to_numpy(w) for w in weights]
    if arrays[0].ndim != 2:
        raise ValueError(f"A kernel of Keras has two axes, but this one is {arrays[0].shape}.")
    bias_axes = arrays[2].ndim if len(arrays) > 2 else None
    cell = cell_from_config(config, arrays[0].shape[0], version, bias_axes)
    wanted = weight_shapes(cell)
    shapes = {name: array.shape for name, array in zip(wanted, arrays, strict=True)}
    check_shapes(f"The {config['class_name']} of Keras", shapes, wanted)
    if isinstance(cell, GRU):
        arrays = [reorder_gates(array, _OTHER_GRU_ORDER) for array in arrays]
    fields = {"w_x": arrays[0], "w_h": arrays[1]}
    if cell.use_bias:
        rows = arrays[2] if has_two_biases(cell) else [arrays[2]]
        fields |= dict(zip(("b", "b_h"), rows, strict=False))
    return cell, _PARAMS[type(cell)](**{name: to_jax(name, a) for name, a in fields.items()})


def _to_cell(cell: Any, params: Any) -> list[np.ndarray]:
    zeros = np.zeros(np.shape(params.w_x)[-1:], params.w_x.dtype)
    biases = [zeros if b is None else to_numpy(b) for b in (params.b, params.b_h)]
    places = 0 if not cell.use_bias else 2 if has_two_biases(cell) else 1
    if any(bias.any() for bias in biases[places:]):
        raise ValueError(
            f"A {type(cell).__name__} of Keras has a single bias, but this one has also b_h, "
            "one for the state; put them together by rnnjax.interop.merge_biases first."
            if places
            else f"This {type(cell).__name__} has use_bias=False, but there are biases."
        )
    arrays = [to_numpy(params.w_x), to_numpy(params.w_h)]
    if places:
        arrays.append(np.stack(biases) if places == 2 else biases[0])
    wanted = weight_shapes(cell)
    shapes = {name: array.shape for name, array in zip(wanted, arrays, strict=True)}
    check_shapes(f"The parameters of {type(cell).__name__}", shapes, wanted)
    if isinstance(cell, GRU):
        return [reorder_gates(array, _OTHER_GRU_ORDER) for array in arrays]
    return arrays
