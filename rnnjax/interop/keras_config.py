"""Which layers Keras can describe: the configuration of its layers from and to layers of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rnnjax.activations import ACTIVATIONS
from rnnjax.cell import Layer
from rnnjax.cells import GRU, LSTM, SimpleRNN
from rnnjax.combinators import Bidirectional, Stack
from rnnjax.interop.keras_version import check_is_known

_CELLS: dict[str, Any] = {"SimpleRNN": SimpleRNN, "LSTM": LSTM, "GRU": GRU}
_NUM_GATES = {SimpleRNN: 1, LSTM: 4, GRU: 3}
_DEFAULTS = {"activation": "tanh", "recurrent_activation": "sigmoid", "reset_after": True}
"""Those of Keras 3. Before TensorFlow 2 the last two were "hard_sigmoid" and False."""
_KERAS_2_ONLY = "keras2_hard_sigmoid"
_OPTIONS = {
    SimpleRNN: ("activation",),
    LSTM: ("activation", "recurrent_activation"),
    GRU: ("activation", "recurrent_activation", "reset_after"),
}


def cell_from_config(
    config: Mapping[str, Any], input_size: int, version: int | None, bias_axes: int | None
) -> Any:
    """The cell that a layer of Keras runs, given what `directions_from_config` returns.

    Args:
        config: of the layer.
        input_size: D, which no configuration holds.
        version: 2 or 3, or None if it isn't known.
        bias_axes: how many axes the bias has, or None if there is none.

    Raises:
        ValueError: an activation can't be represented, the number of units is missing, or what the
            configuration leaves open depends on the version.
    """
    name, options = config["class_name"], config["config"]
    kind, owner = _CELLS[name], f"The {name} of Keras"
    if found := {"output_dim", "inner_activation"} & set(options):
        raise ValueError(
            f"{owner} has the option {min(found)}, which is one of Keras 1; load and save it with "
            "Keras 2 first."
        )
    known = dict(options)
    if kind is GRU and bias_axes is not None:
        known.setdefault("reset_after", bias_axes == 2)
    chosen = {
        option: known[option] if option in known else _default(owner, option, version)
        for option in _OPTIONS[kind]
    }
    for option in ("activation", "recurrent_activation"):
        if option in chosen:
            _check_activation(owner, option, chosen[option])
            chosen[option] = _function_of(owner, option, chosen[option], version)
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


def _default(owner: str, option: str, version: int | None) -> Any:
    """The default value of an option, if all versions that it may be of have the same one."""
    if option == "activation":
        return _DEFAULTS[option]
    what = f"does not say its {option}, whose default value was another one before TensorFlow 2"
    if check_is_known(version, owner, what) == 2:
        raise ValueError(f"{owner} {what}; write {option} into its configuration.")
    return _DEFAULTS[option]


def _function_of(owner: str, option: str, name: str, version: int | None) -> str:
    """Our name of the activation that a version of Keras has under this one."""
    if name != "hard_sigmoid":
        return name
    what = (
        f"has {option}='hard_sigmoid', which is relu6(x + 3) / 6 in Keras 3 and was 0.2 x + 0.5, "
        "between 0 and 1, in Keras 2"
    )
    return _KERAS_2_ONLY if check_is_known(version, owner, what) == 2 else name


def _check_activation(owner: str, option: str, name: Any) -> None:
    if name == _KERAS_2_ONLY:
        raise ValueError(
            f"{owner} has {option}={name!r}, a function that Keras 2 calls hard_sigmoid and Keras "
            "3 does not have."
        )
    if name == "leaky_relu":
        raise ValueError(
            f"{owner} has {option}='leaky_relu', whose slope is 0.2 in Keras and 0.01 here."
        )
    if not isinstance(name, str) or name not in ACTIVATIONS:
        listed = ", ".join(sorted(set(ACTIVATIONS) - {"leaky_relu", _KERAS_2_ONLY}))
        raise ValueError(
            f"{owner} has {option}={name!r}, which is none of those known here: {listed}."
        )
