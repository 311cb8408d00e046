"""What the cells of flax.linen and flax.nnx have in common: weights and activations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from rnnjax.activations import ACTIVATIONS
from rnnjax.cells import (
    GRU,
    LSTM,
    GRUParams,
    LSTMParams,
    SimpleRNN,
    SimpleRNNParams,
)
from rnnjax.combinators import Bidirectional
from rnnjax.interop.arrays import check_shapes, to_jax, to_numpy

_PARAMS: dict[Any, Any] = {SimpleRNN: SimpleRNNParams, LSTM: LSTMParams, GRU: GRUParams}
_NUM_GATES: dict[Any, int] = {SimpleRNN: 1, LSTM: 4, GRU: 3}


class Weights(NamedTuple):
    """The weights of a cell of Flax, its gates fused."""

    w_x: np.ndarray
    w_h: np.ndarray
    b: np.ndarray
    b_hn: np.ndarray | None = None
    """The bias within the product with the reset gate, which the GRU of linen has."""


class Dense(NamedTuple):
    """The dense layers of which the fused weights of a cell are made, one for each gate."""

    x: tuple[str, ...]
    h: tuple[str, ...]
    b: tuple[str, ...]
    """Those whose bias it is."""
    b_hn: str | None = None


DENSE: dict[Any, Dense] = {
    SimpleRNN: Dense(("i",), ("h",), ("i",)),
    LSTM: Dense(("ii", "if", "ig", "io"), ("hi", "hf", "hg", "ho"), ("hi", "hf", "hg", "ho")),
    GRU: Dense(("ir", "iz", "in"), ("hr", "hz", "hn"), ("ir", "iz", "in"), "hn"),
}


def weights_from_dense(dense: Dense, params: Mapping[str, Any], owner: str) -> Weights:
    """The fused weights of a cell that has a dense layer ``{"kernel", "bias"}`` for each gate.

    Raises:
        ValueError: one is missing or unknown, or a shape does not fit.
    """
    for name, leaves in params.items():
        if not isinstance(leaves, Mapping):
            raise ValueError(f"{owner} has dense layers with a kernel, but {name} is an array.")
    found = {
        f"{name}/{leaf}": to_numpy(array)
        for name, leaves in params.items()
        for leaf, array in leaves.items()
    }
    first, state = (found.get(f"{name}/kernel") for name in (dense.x[0], dense.h[0]))
    if first is None or state is None or first.ndim != 2:
        raise ValueError(f"{owner} has no {dense.x[0]}/kernel and {dense.h[0]}/kernel [D, H].")
    size = state.shape[0]
    wanted: dict[str, tuple[int, ...]] = {f"{name}/kernel": first.shape for name in dense.x}
    wanted |= {f"{name}/kernel": (size, size) for name in dense.h}
    biases = [*dense.b, *([] if dense.b_hn is None else [dense.b_hn])]
    wanted |= {f"{name}/bias": (size,) for name in biases}
    check_shapes(owner, {name: array.shape for name, array in found.items()}, wanted)

    def fuse(names: Iterable[str], leaf: str) -> np.ndarray:
        return np.concatenate([found[f"{name}/{leaf}"] for name in names], axis=-1)

    b_hn = None if dense.b_hn is None else found[f"{dense.b_hn}/bias"]
    return Weights(fuse(dense.x, "kernel"), fuse(dense.h, "kernel"), fuse(dense.b, "bias"), b_hn)


def dense_from_weights(dense: Dense, weights: Weights) -> dict[str, dict[str, np.ndarray]]:
    """The inverse of `weights_from_dense`."""
    params: dict[str, dict[str, np.ndarray]] = {name: {} for name in (*dense.x, *dense.h)}
    for names, leaf, fused in (
        (dense.x, "kernel", weights.w_x),
        (dense.h, "kernel", weights.w_h),
        (dense.b, "bias", weights.b),
    ):
        for name, block in zip(names, np.split(fused, len(names), axis=-1), strict=True):
            params[name][leaf] = block
    if dense.b_hn is not None and weights.b_hn is not None:
        params[dense.b_hn]["bias"] = weights.b_hn
    return params


def cell_from_weights(kind: Any, module: Any, weights: Weights) -> tuple[Any, Any]:
    """The cell that a module of Flax computes, and its parameters.

    Raises:
        ValueError: an activation is unknown, the cell is residual, or a shape does not fit.
    """
    owner = f"The {type(module).__name__} of Flax"
    if getattr(module, "residual", False):
        raise ValueError(f"{owner} has residual=True, which no cell here has.")
    if weights.w_x.ndim != 2:
        raise ValueError(f"{owner} must have kernels with two axes, not {weights.w_x.shape}.")
    options: dict[str, Any] = {"activation": _activation_name(owner, module.activation_fn)}
    if kind is not SimpleRNN:
        options["recurrent_activation"] = _activation_name(owner, module.gate_fn)
    hidden_size = weights.w_h.shape[0]
    cell = kind(weights.w_x.shape[0], hidden_size, **options)
    found = {f: a.shape for f, a in weights._asdict().items() if a is not None}
    check_shapes(owner, found, _shapes(cell, with_b_hn=weights.b_hn is not None))
    fields = {"w_x": weights.w_x, "w_h": weights.w_h, "b": weights.b}
    if kind is GRU:
        b_h = np.zeros_like(weights.b)
        if weights.b_hn is not None:
            b_h[2 * hidden_size :] = weights.b_hn
        fields["b_h"] = b_h
    return cell, _PARAMS[kind](**{f: to_jax(f"{owner}: {f}", a) for f, a in fields.items()})


def weights_from_cell(cell: Any, params: Any, *, with_b_hn: bool) -> Weights:
    """The weights of the cell of Flax that computes what this cell does.

    Args:
        cell: a `SimpleRNN`, `LSTM` or `GRU`.
        params: its parameters.
        with_b_hn: whether the GRU of Flax in question has that bias.

    Raises:
        ValueError: Flax has no such cell, or no place for one of the biases.
    """
    kind = type(cell)
    if kind not in _PARAMS:
        raise ValueError(
            f"Flax has no cell for {kind.__name__}; SimpleRNN, LSTM and GRU are converted, each "
            "alone or in a Bidirectional."
        )
    if not getattr(cell, "reset_after", True):
        raise ValueError(
            "Flax resets after the recurrent product; GRU(reset_after=False) is another function, "
            "which it does not have."
        )
    zeros = np.zeros(np.shape(params.w_x)[-1:], params.w_x.dtype)
    b, b_h = (zeros if a is None else to_numpy(a) for a in (params.b, params.b_h))
    found = {"w_x": np.shape(params.w_x), "w_h": np.shape(params.w_h), "b": b.shape}
    check_shapes(f"The parameters of {kind.__name__}", found, _shapes(cell, with_b_hn=False))
    if b_h.shape != b.shape:
        raise ValueError(f"b_h must have the shape {b.shape} of b, not {b_h.shape}.")
    n = slice(2 * cell.hidden_size, None)
    kept = b_h[n].copy() if kind is GRU else None
    if kind is GRU and not with_b_hn and b_h[n].any():
        raise ValueError(
            "flax.nnx.GRUCell has no bias b_hn within the product with the reset gate, but this "
            "GRU has one that is not zero; flax.linen.GRUCell has it."
        )
    if kind is GRU:
        b_h[n] = 0
    if b_h.any():
        raise ValueError(
            f"The {kind.__name__} of Flax has one bias for each gate, but this one has also b_h, "
            "one for the state; put them together by rnnjax.interop.merge_biases first."
        )
    return Weights(to_numpy(params.w_x), to_numpy(params.w_h), b, kept if with_b_hn else None)


def kind_of(module: Any, kinds: Mapping[Any, Any]) -> Any:
    """What a table says of a module's class; a `ValueError` if it is not there."""
    if type(module) not in kinds:
        listed = ", ".join(kind.__name__ for kind in kinds)
        raise ValueError(
            f"{type(module).__name__} is none of the modules of Flax that are converted: {listed}, "
            "an RNN around one, or a Bidirectional of two such."
        )
    return kinds[type(module)]


def check_run(module: Any, merge: Any = None) -> None:
    """Raises a `ValueError` if an RNN or a Bidirectional is run in a way that no layer here is."""
    if getattr(module, "reverse", False):
        raise ValueError(
            "The RNN of Flax has reverse=True, which is no part of a layer here: convert its cell "
            "and run it by rnnjax.unroll(..., reverse=True), which is reverse and keep_order."
        )
    if merge is not None and module.merge_fn is not merge:
        raise ValueError(
            "The Bidirectional of Flax has a merge_fn of its own; only the default one, which "
            "concatenates, is converted."
        )


def functions_of(cell: Any) -> dict[str, Callable[..., Any]]:
    """The activations of a cell as the options that the constructors of Flax take."""
    functions = {"activation_fn": ACTIVATIONS[cell.activation]}
    if not isinstance(cell, SimpleRNN):
        functions["gate_fn"] = ACTIVATIONS[cell.recurrent_activation]
    return functions


def both(layer: Bidirectional) -> list[Any]:
    """The layers of both directions.

    Raises:
        ValueError: their outputs are not concatenated.
    """
    if layer.merge != "concat":
        raise ValueError(
            f"The Bidirectional of Flax has no name for merge={layer.merge!r}; only 'concat' is "
            "converted."
        )
    return [layer.forward, layer.forward if layer.backward is None else layer.backward]


def _shapes(cell: Any, *, with_b_hn: bool) -> dict[str, tuple[int, ...]]:
    size = cell.hidden_size
    width = _NUM_GATES[type(cell)] * size
    shapes: dict[str, tuple[int, ...]] = {
        "w_x": (cell.input_size, width),
        "w_h": (size, width),
        "b": (width,),
    }
    return shapes | ({"b_hn": (size,)} if with_b_hn else {})


def _activation_name(owner: str, function: Any) -> str:
    for name, known in ACTIVATIONS.items():
        if known is function:
            return name
    raise ValueError(
        f"{owner} has the activation {function!r}, which is none of the functions in "
        "rnnjax.activations.ACTIVATIONS."
    )
