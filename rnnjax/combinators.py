"""Layers made of layers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import Carry, Cell, Composite, Layer, Options, Params, check_choice
from rnnjax.unroll import run


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Stack(Composite, Cell):
    r"""Layers one above the other: the outputs of one are the inputs of the next.

    .. math:: y^{(0)} = x, \qquad y^{(l)} = \mathrm{layer}_l(y^{(l-1)}), \qquad y = y^{(L)}

    Over a sequence each layer runs through all time steps before the next one starts, so that
    every layer's projection is one large matrix product. A stack of cells is itself a cell and
    can be stepped one input at a time.

    Args:
        layers: the layers, the lowest first. Each one's input size is the output size below it.

    Parameters: a tuple with those of every layer. Carry: likewise. Output: the top layer's.

    Raises:
        ValueError: there is no layer, or the sizes of two neighbours do not fit.

    Equal to ``num_layers`` in ``torch.nn.RNNBase`` and to layers one after the other in Keras.

    >>> from rnnjax import LSTM, unroll
    >>> stack = Stack((LSTM(3, 4), LSTM(4, 2)))
    >>> params = stack.init(jax.random.key(0))
    >>> carry, ys = unroll(stack, params, jax.numpy.ones((7, 3)))
    >>> ys.shape
    (7, 2)
    """

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.layers, tuple | list):
            raise ValueError(f"Stack: expected a tuple of layers, not {self.layers!r}.")
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise ValueError("Stack: expected at least one layer, got none.")
        _check_layers("Stack", self.layers)
        for below, above in zip(self.layers, self.layers[1:], strict=False):
            if below.output_size != above.input_size:
                raise ValueError(
                    f"Stack: {type(above).__name__} takes {above.input_size} inputs, but "
                    f"{type(below).__name__} below it has {below.output_size} outputs."
                )
            if isinstance(below, Bidirectional) and below.merge == "none":
                raise ValueError(
                    "Stack: Bidirectional with merge='none' gives a pair of outputs, which no "
                    "layer above it can read; merge them."
                )

    @property
    def input_size(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.layers[0].input_size

    @property
    def output_size(self) -> int:
        return self.layers[-1].output_size

    def init(self, key: jax.Array) -> Params:
        keys = jax.random.split(key, len(self.layers))
        return tuple(layer.init(k) for layer, k in zip(self.layers, keys, strict=True))

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Carry:
        return tuple(layer.initial_carry(batch_shape, dtype) for layer in self.layers)

    def project(self, params: Params, x: jax.Array) -> Any:
        return self._cells()[0].project(params[0], x)

    def step(self, params: Params, carry: Carry, z: Any) -> tuple[Carry, jax.Array]:
        lowest, *others = self._cells()
        first, y = lowest.step(params[0], carry[0], z)
        carries = [first]
        for cell, p, c in zip(others, params[1:], carry[1:], strict=True):
            c, y = cell(p, c, y)
            carries.append(c)
        return tuple(carries), y

    def unroll(
        self, params: Params, xs: jax.Array, carry: Carry, options: Options
    ) -> tuple[Carry, jax.Array]:
        carries = []
        all_outputs = options._replace(last_only=False)
        for i, (layer, p, c) in enumerate(zip(self.layers, params, carry, strict=True)):
            top = i == len(self.layers) - 1
            c, xs = run(layer, p, xs, c, options if top else all_outputs)
            carries.append(c)
        return tuple(carries), xs

    def _cells(self) -> tuple[Cell, ...]:
        for layer in self.layers:
            if not isinstance(layer, Cell):
                raise ValueError(
                    f"Stack: {type(layer).__name__} needs the whole sequence and can't be stepped "
                    "one input at a time; use rnnjax.unroll."
                )
        return self.layers  # pyright: ignore[reportReturnType]


def _check_layers(owner: str, layers: tuple[Any, ...]) -> None:
    for layer in layers:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"{owner}: expected cells or combinations of cells, such as rnnjax.LSTM(28, 64), "
                f"not {layer!r}."
            )


class BidirectionalParams(NamedTuple):
    """The parameters of both directions."""

    forward: Params
    backward: Params


class BidirectionalCarry(NamedTuple):
    """The carries of both directions; the backward one is that at the first step."""

    forward: Carry
    backward: Carry


MERGES: MappingProxyType[str, Callable[[jax.Array, jax.Array], Any]] = MappingProxyType(
    {
        "concat": lambda f, b: jnp.concatenate((f, b), axis=-1),
        "sum": lambda f, b: f + b,
        "mul": lambda f, b: f * b,
        "ave": lambda f, b: (f + b) / 2,
        "none": lambda f, b: (f, b),
    }
)
"""How `Bidirectional` puts the outputs of both directions together, by Keras's names."""


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Bidirectional(Composite):
    r"""One layer run from the first step to the last, another from the last to the first.

    .. math:: y_t = \mathrm{merge}(\overrightarrow{y}_t, \overleftarrow{y}_t)

    Both outputs at step t are those of step t: the backward ones need no flipping, and with a
    mask the backward run of a right-padded row begins at the row's last step.

    Args:
        forward: the layer that runs forward.
        backward: the one that runs backward; by default an equal layer (with parameters of its
            own).
        merge: "concat" (``[..., 2 O]``), "sum", "mul", "ave" (``[..., O]``), or "none" for the
            pair of outputs.

    Parameters: `BidirectionalParams`. Carry: `BidirectionalCarry`. With `rnnjax.unroll_last` each
    direction gives the output of the last step that it took, so the backward one that of the
    row's first step, as ``keras.layers.Bidirectional`` does with ``return_sequences=False``.

    Raises:
        ValueError: the two do not fit each other, or the merge is unknown.

    Equal to ``keras.layers.Bidirectional`` (``merge_mode``), and with "concat" to
    ``bidirectional=True`` of PyTorch.

    >>> from rnnjax import LSTM, unroll
    >>> layer = Bidirectional(LSTM(3, 4))
    >>> params = layer.init(jax.random.key(0))
    >>> carry, ys = unroll(layer, params, jnp.ones((7, 3)))
    >>> ys.shape
    (7, 8)

    Source: M. Schuster, K. Paliwal, "Bidirectional recurrent neural networks", IEEE Transactions
    on Signal Processing 45 (1997), 2673-2681.
    """

    forward: Layer
    backward: Layer | None = None
    merge: str = "concat"

    def __post_init__(self) -> None:
        check_choice("Bidirectional", "merge", self.merge, MERGES)
        forward, backward = self._both
        _check_layers("Bidirectional", (forward, backward))
        if forward.input_size != backward.input_size:
            raise ValueError(
                f"Bidirectional: both directions read the same inputs, but forward takes "
                f"{forward.input_size} and backward {backward.input_size} features."
            )
        if self.merge in ("sum", "mul", "ave") and forward.output_size != backward.output_size:
            raise ValueError(
                f"Bidirectional: merge={self.merge!r} needs outputs of one size, but forward has "
                f"{forward.output_size} and backward {backward.output_size}."
            )

    @property
    def _both(self) -> tuple[Layer, Layer]:
        return self.forward, self.forward if self.backward is None else self.backward

    @property
    def input_size(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.forward.input_size

    @property
    def output_size(self) -> int:
        sizes = [layer.output_size for layer in self._both]
        return sum(sizes) if self.merge == "concat" else sizes[0]

    def init(self, key: jax.Array) -> BidirectionalParams:
        keys = jax.random.split(key)
        return BidirectionalParams(
            *(layer.init(k) for layer, k in zip(self._both, keys, strict=True))
        )

    def initial_carry(
        self, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> BidirectionalCarry:
        return BidirectionalCarry(*(c.initial_carry(batch_shape, dtype) for c in self._both))

    def unroll(
        self,
        params: BidirectionalParams,
        xs: jax.Array,
        carry: BidirectionalCarry,
        options: Options,
    ) -> tuple[BidirectionalCarry, Any]:
        forward, backward = self._both
        resets = options.resets
        other_way = options._replace(reverse=not options.reverse)
        if resets is not None:
            other_way = other_way._replace(resets=_resets_from_behind(resets, options.reverse))
        carry_f, ys_f = run(forward, params.forward, xs, carry.forward, options)
        carry_b, ys_b = run(backward, params.backward, xs, carry.backward, other_way)
        return BidirectionalCarry(carry_f, carry_b), MERGES[self.merge](ys_f, ys_b)


def _resets_from_behind(resets: jax.Array, reverse: bool) -> jax.Array:
    """Marks each segment's end as seen by a run the other way, given where it begins.

    The other run enters a segment at the step before the next segment's beginning.
    """
    begins = resets if not reverse else resets[::-1]
    others = jnp.concatenate((begins[1:], jnp.zeros_like(begins[:1])))
    return others if not reverse else others[::-1]
