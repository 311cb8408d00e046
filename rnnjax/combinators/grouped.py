"""Cells side by side, each on a part of the input."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from rnnjax.cell import Carry, Cell, Params, check_input
from rnnjax.combinators.wrapper import Around, check_plain, num_batch_axes
from rnnjax.hyperparameters import AnyLayer, Size, check_hyperparameters


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Grouped(Around, Cell):
    r"""So many cells of one kind side by side; each reads and gives one part of the features.

    .. math:: (s_t^{(j)}, y_t^{(j)}) = \mathrm{cell}_j(s_{t-1}^{(j)}, x_t^{(j)}), \qquad
              y_t = (y_t^{(1)}, \dots, y_t^{(k)})

    ``Grouped(LSTM(D, H), k)`` is the grouped LSTM, whose k D inputs and k H units have a k-th of
    the weights that an LSTM of these sizes has.

    Args:
        layer: the cell of one group, in no wrapper.
        groups: k, how many there are, each with parameters of its own.

    Inputs: ``[..., k D]``. Parameters: those of the cell with an axis of k in front. Carry: that
    of the cell with an axis of k behind the batch's. Output: ``[..., k O]``.

    Raises:
        ValueError: the number is not a positive integer, or what is wrapped is no plain cell.

    Equals k cells side by side, the wrapped one for k = 1. TensorFlow 1's ``GLSTMCell`` adds 1 to
    the forget gate at every step.

    >>> from rnnjax import LSTM, unroll
    >>> layer = Grouped(LSTM(3, 4), 2)
    >>> params = layer.init(jax.random.key(0))
    >>> carry, ys = unroll(layer, params, jax.numpy.ones((7, 6)))
    >>> params.w_x.shape, carry.h.shape, ys.shape
    ((2, 3, 16), (2, 4), (7, 8))

    Source: O. Kuchaiev, B. Ginsburg, "Factorization tricks for LSTM networks", arXiv:1703.10722,
    its G-LSTM; checked in TensorFlow 1's ``GLSTMCell``.
    """

    layer: AnyLayer
    groups: Size

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        check_plain("Grouped", self.layer)
        if len(self.layer.input_shape) > 1:
            raise ValueError(
                f"Grouped: {type(self.layer).__name__} reads inputs with axes of space; wrap cells "
                "of features alone."
            )

    @property
    def input_size(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self.groups * self.layer.input_size

    @property
    def output_size(self) -> int:
        return self.groups * self.layer.output_size

    @property
    def _cell(self) -> Cell:
        assert isinstance(self.layer, Cell)
        return self.layer

    def init(self, key: jax.Array) -> Params:
        return jax.vmap(self.layer.init)(jax.random.split(key, self.groups))

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Carry:
        return self.layer.initial_carry((*batch_shape, self.groups), dtype)

    def first_carry(
        self, params: Params, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> Carry:
        first = functools.partial(self.layer.first_carry, batch_shape=batch_shape, dtype=dtype)
        return jax.vmap(first, out_axes=len(batch_shape))(params)

    def project(self, params: Params, x: jax.Array) -> Any:
        check_input(self, x)
        axis = x.ndim - 1
        parts = x.reshape(*x.shape[:-1], self.groups, self.layer.input_size)
        return jax.vmap(self._cell.project, in_axes=(0, axis), out_axes=axis)(params, parts)

    def step(self, params: Params, carry: Carry, z: Any) -> tuple[Carry, jax.Array]:
        axis = num_batch_axes(carry, jax.eval_shape(self.layer.initial_carry)) - 1

        def of_group(j: int, tree: Any, axis: int) -> Any:
            return jax.tree.map(lambda a: lax.index_in_dim(a, j, axis, keepdims=False), tree)

        # One by one and not by `jax.vmap`, which would put the groups in front of the rows: the
        # backward pass leaves rows out of what a step keeps, and looks for them in front.
        steps = [
            self._cell.step(of_group(j, params, 0), of_group(j, carry, axis), of_group(j, z, axis))
            for j in range(self.groups)
        ]
        carries, ys = zip(*steps, strict=True)
        carry = jax.tree.map(lambda *own: jnp.stack(own, axis), *carries)
        return carry, jnp.concatenate(ys, axis=-1)
