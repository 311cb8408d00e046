"""A layer that reads symbols by their number."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from rnnjax.cell import Carry, Composite, Options, Params
from rnnjax.combinators.wrapper import CellWrapper
from rnnjax.hyperparameters import AnyLayer, check_hyperparameters
from rnnjax.unrolling.unroll import run, run_cell


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class OneHot(CellWrapper):
    r"""A layer whose input is the number of a symbol, which it sees as a vector of 0 and one 1.

    .. math:: y_t = \mathrm{layer}(e_{x_t}), \qquad (e_k)_j = [j = k]

    What depends on the input alone is computed once for each of the D symbols and looked up where
    there are more steps than symbols, whatever the layer's `project` is: an LSTM of characters
    spends nothing on its input matrix.

    Args:
        layer: a layer of D inputs, as many as there are symbols.

    Inputs: integers ``[..., 1]`` in [0, D). Parameters, carry and output: those of the wrapped
    layer. There is no gradient by integers.

    >>> from rnnjax import GRU, unroll
    >>> layer = OneHot(GRU(5, 3))
    >>> params = layer.init(jax.random.key(0))
    >>> carry, ys = unroll(layer, params, jnp.array([[4], [0], [4]]))
    >>> vectors = jax.nn.one_hot(jnp.array([4, 0, 4]), 5)
    >>> bool(jnp.allclose(ys, unroll(layer.layer, params, vectors)[1]))
    True
    """

    layer: AnyLayer

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def input_size(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        return 1

    @property
    def num_symbols(self) -> int:
        """D, the number of symbols."""
        return self.layer.input_size

    def project(self, params: Params, x: jax.Array) -> Any:
        symbols = x[..., 0]
        if len(self.input_shape) > 1:
            return super().project(params, self._vectors(symbols, params))
        # A size that is a symbol, in what is exported, may be any.
        if isinstance(symbols.size, int) and symbols.size < self.num_symbols:
            return super().project(params, self._vectors(symbols, params))
        table = super().project(params, jnp.eye(self.num_symbols, dtype=_float_of(params)))
        return jax.tree.map(lambda rows: rows[symbols], table)

    def unroll(
        self, params: Params, xs: jax.Array, carry: Carry, options: Options
    ) -> tuple[Carry, Any]:
        if isinstance(self.layer, Composite):
            xs = self._vectors(xs[..., 0], params)
            return run(self.layer, params, xs, carry, options)
        return run_cell(self, params, xs, carry, options)

    def _vectors(self, symbols: jax.Array, params: Params) -> jax.Array:
        return jax.nn.one_hot(symbols, self.num_symbols, dtype=_float_of(params))


def _float_of(params: Params) -> Any:
    floats = [a for a in jax.tree.leaves(params) if jnp.issubdtype(a.dtype, jnp.floating)]
    return jnp.result_type(*floats)
