"""A connection around a layer."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from rnnjax.cell import Carry, Options, Params, steppable
from rnnjax.combinators.wrapper import CellWrapper
from rnnjax.hyperparameters import AnyLayer, check_hyperparameters
from rnnjax.unrolling.chunked import where_rows
from rnnjax.unrolling.last_step import last_step
from rnnjax.unrolling.unroll import run


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Residual(CellWrapper):
    r"""A layer whose input is added to its output.

    .. math:: y_t = \mathrm{layer}(x)_t + x_t

    Where the mask is False the output is zero, as everywhere.

    Args:
        layer: a layer with as many outputs as inputs.

    Parameters and carry: those of the wrapped layer.

    Raises:
        ValueError: the layer's sizes differ.

    Equal to ``tf.nn.RNNCellResidualWrapper``.

    >>> from rnnjax import GRU, Stack
    >>> deep = Stack((GRU(3, 8), Residual(GRU(8, 8)), Residual(GRU(8, 8))))

    Source: Y. Wu et al., "Google's neural machine translation system", arXiv:1609.08144,
    equation 6.
    """

    layer: AnyLayer

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        if self.layer.input_shape != self.layer.output_shape:
            name, shapes = (
                type(self.layer).__name__,
                (self.layer.input_shape, self.layer.output_shape),
            )
            inputs, outputs = (" x ".join(map(str, shape)) for shape in shapes)
            raise ValueError(
                f"Residual: {name} has {inputs} inputs and {outputs} outputs, which can't be "
                "added; they must be equal."
            )

    def project(self, params: Params, x: jax.Array) -> Any:
        return super().project(params, x), x

    def step(self, params: Params, carry: Carry, z: Any) -> tuple[Carry, jax.Array]:
        z, x = z
        carry, y = super().step(params, carry, z)
        return carry, y + x.astype(y.dtype)

    def unroll(
        self, params: Params, xs: jax.Array, carry: Carry, options: Options
    ) -> tuple[Carry, Any]:
        if options.keep == "last":
            # A layer that reads both ways has two last steps, and no one input belongs to them.
            steppable("Residual: the last output alone", self.layer)
        carry, ys = run(self.layer, params, xs, carry, options)
        if options.mask is not None:
            xs = where_rows(options.mask, xs, jnp.zeros((), xs.dtype))
        if options.keep == "last":
            xs = last_step(xs, options)
        return carry, ys + xs.astype(ys.dtype)
