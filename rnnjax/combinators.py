"""Layers made of layers."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax

from rnnjax.cell import Carry, Cell, Composite, Layer, Options, Params
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
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise ValueError("Stack: expected at least one layer, got none.")
        for below, above in zip(self.layers, self.layers[1:], strict=False):
            if below.output_size != above.input_size:
                raise ValueError(
                    f"Stack: {type(above).__name__} takes {above.input_size} inputs, but "
                    f"{type(below).__name__} below it has {below.output_size} outputs."
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
