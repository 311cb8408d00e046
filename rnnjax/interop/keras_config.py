"""Which layers Keras can describe: the configuration of its layers from and to layers of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnjax.activations import ACTIVATIONS
from rnnjax.cell import Layer
from rnnjax.cells import GRU, LSTM, SimpleRNN
from rnnjax.combinators import Bidirectional, Stack

_CELLS: dict[str, Any] = {"SimpleRNN": SimpleRNN, "LSTM": LSTM, "GRU": GRU}
_NUM_GATES = {SimpleRNN: 1, LSTM: 4, GRU: 3}
_DEFAULTS = {"activation": "tanh", "recurrent_activation": "sigmoid", "reset_after": True}
_OPTIONS = {
    SimpleRNN: ("activation",),
    LSTM: ("activation", "recurrent_activation"),
    GRU: ("activation", "recurrent_activation", "reset_after"),
}


def cell_from_config(config: Mapping[str, Any], input_size: int) -> Any:
    """The cell that a layer of Keras runs, given what `directions_from_config` returns.

    Raises:
        ValueError: an activation can't be represented, or the number of units is missing.
    """
    name, options = config["class_name"], config["config"]
    kind = _CELLS[name]
    chosen = {option: options.get(option, _DEFAULTS[option]) for option in _OPTIONS[kind]}
    for option in ("activation", "recurrent_activation"):
        _check_activation(f"The {name} of Keras", option, chosen.get(option, "tanh"))
    return kind(input_size, options.get("units"), use_bias=options.get("use_bias", True), **chosen)


def directions_from_config(config: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], str | None]:
    """The configurations of both directions and the name of the merge; one and None if no wrapper.

    Raises:
        ValueError: it is another layer, or turns the time round in a way that has no counterpart.
    """
    name, options = _name_and_options(config)
    if name != "Bidirectional":
        _check_name(name)
        if options.get("go_backwards", False):
            raise ValueError(
                f"The {name} of Keras has go_backwards=True, which is no part of a layer here: "
                "convert it with go_backwards=False and run it by rnnjax.unroll(..., "
                "reverse=True), whose outputs stay in the order of the inputs."
            )
        return [config], None
    forward = options["layer"]
    backward = options.get("backward_layer") or forward
    for part in (forward, backward):
        _check_name(_name_and_options(part)[0])
    if forward["config"].get("go_backwards", False):
        raise ValueError(
            "The Bidirectional of Keras has a forward layer with go_backwards=True, which gives "
            "its outputs in reverse; exchange its two layers."
        )
    merge = options.get("merge_mode", "concat")
    return [forward, backward], merge or "none"


def to_config(layer: Layer) -> dict[str, Any]:
    """What ``keras.layers.deserialize`` makes the equal layer of Keras from.

    Args:
        layer: a `SimpleRNN`, `LSTM` or `GRU`, or a `Bidirectional` of them.

    Returns:
        ``{"module": ..., "class_name": ..., "config": ...}``, with ``return_sequences=True``
        and ``zero_output_for_mask=True``.

    Raises:
        ValueError: Keras has no such layer.
    """
    if not isinstance(layer, Bidirectional):
        return _keras_layer(type(layer).__name__, _cell_options(layer))
    forward, backward = (_cell_options(cell) for cell in both(layer))
    return _keras_layer(
        "Bidirectional",
        {
            "layer": _keras_layer(type(layer.forward).__name__, forward),
            "backward_layer": _keras_layer(
                type(both(layer)[1]).__name__, {**backward, "go_backwards": True}
            ),
            "merge_mode": None if layer.merge == "none" else layer.merge,
        },
    )


def both(layer: Bidirectional) -> tuple[Layer, Layer]:
    """The layers of both directions."""
    return layer.forward, layer.forward if layer.backward is None else layer.backward


def has_two_biases(cell: Any) -> bool:
    """Whether the bias of the layer of Keras is ``[2, G*H]``."""
    return isinstance(cell, GRU) and cell.reset_after


def weight_shapes(cell: Any) -> dict[str, tuple[int, ...]]:
    """The weights of the layer of Keras by name, in its order."""
    width = _NUM_GATES[type(cell)] * cell.hidden_size
    shapes: dict[str, tuple[int, ...]] = {
        "kernel": (cell.input_size, width),
        "recurrent_kernel": (cell.hidden_size, width),
    }
    if cell.use_bias:
        shapes["bias"] = (2, width) if has_two_biases(cell) else (width,)
    return shapes


def _name_and_options(config: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    if not {"class_name", "config"} <= set(config):
        raise ValueError(
            "The configuration of a layer of Keras has a class_name and a config, as "
            f"keras.layers.serialize writes it, but this one has {sorted(config)}."
        )
    return config["class_name"], config["config"]


def _check_name(name: str) -> None:
    if name not in _CELLS:
        raise ValueError(
            f"{name} is none of SimpleRNN, LSTM and GRU of Keras, which are all that is converted, "
            "each alone or in a Bidirectional."
        )


def _keras_layer(name: str, options: dict[str, Any]) -> dict[str, Any]:
    return {"module": "keras.layers", "class_name": name, "config": options}


def _cell_options(cell: Any) -> dict[str, Any]:
    kind = type(cell)
    if kind not in _OPTIONS:
        hint = "; convert its layers one by one" if kind is Stack else ""
        raise ValueError(
            f"Keras has no layer for {kind.__name__}{hint}: it has SimpleRNN, LSTM and GRU, each "
            "alone or in a Bidirectional."
        )
    options = {option: getattr(cell, option) for option in _OPTIONS[kind]}
    for option in ("activation", "recurrent_activation"):
        _check_activation(kind.__name__, option, options.get(option, "tanh"))
    rest = {"units": cell.hidden_size, "use_bias": cell.use_bias, "return_sequences": True}
    rest["zero_output_for_mask"] = True
    return options | rest


def _check_activation(owner: str, option: str, name: Any) -> None:
    if name == "leaky_relu":
        raise ValueError(
            f"{owner} has {option}='leaky_relu', whose slope is 0.2 in Keras and 0.01 here."
        )
    if not isinstance(name, str) or name not in ACTIVATIONS:
        listed = ", ".join(sorted(set(ACTIVATIONS) - {"leaky_relu"}))
        raise ValueError(
            f"{owner} has {option}={name!r}, which is none of those known here: {listed}."
        )
