"""Layers one above the other."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax

from rnnjax.cell import (
    Carry,
    Cell,
    Composite,
    Options,
    Params,
    steppable,
)
from rnnjax.combinators.bidirectional import Bidirectional
from rnnjax.hyperparameters import Layers, Rate, check_hyperparameters
from rnnjax.noise import drop
from rnnjax.unrolling.unroll import run


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
        dropout: rate of each layer's outputs but the top one's, drawn anew at every step from the
            `key` that `rnnjax.unroll` is given; 0 without a key, and when stepped.

    Parameters: a tuple with those of every layer. Carry: likewise. Output: the top layer's.

    Raises:
        ValueError: there is no layer, the sizes of two neighbours do not fit, or the rate is not in
            [0, 1).

    Equal to ``num_layers`` and ``dropout`` in ``torch.nn.RNNBase`` and to layers one after the
    other in Keras.

    >>> from rnnjax import LSTM, unroll
    >>> stack = Stack((LSTM(3, 4), LSTM(4, 2)))
    >>> params = stack.init(jax.random.key(0))
    >>> carry, ys = unroll(stack, params, jax.numpy.ones((7, 3)))
    >>> ys.shape
    (7, 2)
    """

    layers: Layers
    dropout: Rate = 0.0

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        for below, above in zip(self.layers, self.layers[1:], strict=False):
            if below.output_size == above.input_size and below.output_shape != above.input_shape:
                raise ValueError(
                    f"Stack: {type(above).__name__} takes inputs of shape {above.input_shape}, but "
                    f"{type(below).__name__} below it gives {below.output_shape}."
                )
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

    @property
    def input_shape(self) -> tuple[int, ...]:
        return self.layers[0].input_shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        return self.layers[-1].output_shape

    def init(self, key: jax.Array) -> Params:
        keys = jax.random.split(key, len(self.layers))
        return tuple(layer.init(k) for layer, k in zip(self.layers, keys, strict=True))

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Carry:
        return tuple(layer.initial_carry(batch_shape, dtype) for layer in self.layers)

    def first_carry(
        self, params: Params, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> Carry:
        return tuple(
            layer.first_carry(p, batch_shape, dtype)
            for layer, p in zip(self.layers, params, strict=True)
        )

    def project(self, params: Params, x: jax.Array) -> Any:
        return self._cells()[0].project(params[0], x)

    def step(self, params: Params, carry: Carry, z: Any) -> tuple[Carry, jax.Array]:
        lowest, *others = self._cells()
        first, y = lowest.step(params[0], carry[0], z)
        carries = [first]
        for cell, p, c in zip(others, params[1:], carry[1:], strict=True):
            c, y = cell.step(p, c, cell.project(p, y))
            carries.append(c)
        return tuple(carries), y

    def unroll(
        self, params: Params, xs: jax.Array, carry: Carry, options: Options
    ) -> tuple[Carry, Any]:
        carries = []
        for i, (layer, p, c) in enumerate(zip(self.layers, params, carry, strict=True)):
            own = self._options(options, i)
            if own.key is not None:
                layer_key, dropout_key = jax.random.split(own.key)
                own = own._replace(key=layer_key)
                if i > 0 and self.dropout:
                    xs = drop(dropout_key, self.dropout, xs, xs.shape)
            c, xs = run(layer, p, xs, c, own)
            carries.append(c)
        return tuple(carries), xs

    def _options(self, options: Options, i: int) -> Options:
        """Those of one layer: the layers below the top one are read at every step."""
        if options.first is not None:
            options = options._replace(first=options.first[i])
        if options.key is not None:
            options = options._replace(key=jax.random.fold_in(options.key, i))
        if options.keep == "last" and i < len(self.layers) - 1:
            options = options._replace(keep="outputs")
        return options

    def _cells(self) -> tuple[Cell, ...]:
        return tuple(steppable("Stack", layer) for layer in self.layers)
