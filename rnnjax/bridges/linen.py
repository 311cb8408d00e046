"""A layer as a flax.linen module."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

from rnnjax.bridges.named import from_named, to_named
from rnnjax.cell import Carry, Layer, Memory, Params, param_shapes
from rnnjax.unrolling.unroll import unroll, unroll_last


class _Holder(nn.Module):
    """Each array of a layer's parameters is a linen parameter, named as by `to_named`."""

    layer: Layer

    def _params(self) -> Params:
        """The parameters as the layer takes them; drawn with one key if they are not there yet."""
        values = to_named(param_shapes(self.layer))
        missing = not all(self.has_variable("params", name) for name in values)
        if missing and self.is_mutable_collection("params"):
            values = to_named(self.layer.init(self.make_rng("params")))
        given = {name: self.param(name, _giving(value)) for name, value in values.items()}
        return from_named(self.layer, given)


class RNN(_Holder):
    """Runs a layer over a batch of sequences; each array of its parameters is a linen parameter.

    They are named by their places: ``w_x`` of a cell, ``forward/w_x`` of a `rnnjax.Bidirectional`,
    ``0/w_x`` of a `rnnjax.Stack`. `rnnjax.bridges.named.from_named` makes of them what
    `rnnjax.unroll` takes.

    With ``training=True`` dropout in the layer draws from the stream "dropout".

    Attributes:
        layer: a cell, or a combination of cells.
        executor: as of `rnnjax.unroll`.
        remat_chunk: as of `rnnjax.unroll`.
    """

    executor: str = "auto"
    remat_chunk: int | str | None = None

    @nn.compact
    def __call__(
        self,
        xs: jax.Array,
        carry: Carry | None = None,
        *,
        mask: jax.Array | None = None,
        resets: jax.Array | None = None,
        reverse: bool = False,
        training: bool = False,
        memory: Memory | None = None,
    ) -> tuple[Carry, jax.Array]:
        """Inputs ``[B, T, D]``, mask ``[B, T]``: the final carry and the outputs ``[B, T, O]``.

        A memory is what a `rnnjax.cell.ReadingCell` reads, ``[B, S, M]``.
        """
        params = self._params()
        xs, mask, resets = _time_first(xs, mask, resets)
        key = self.make_rng("dropout") if training else None
        carry, ys = unroll(
            self.layer, params, xs, carry, mask=mask, resets=resets, reverse=reverse, key=key,
            memory=memory, executor=self.executor, remat_chunk=self.remat_chunk,
        )  # fmt: skip
        return carry, jax.tree.map(lambda a: a.swapaxes(0, 1), ys)


class LastOutput(_Holder):
    """Runs a layer over a batch of sequences and gives the last output only.

    Its parameters are those of `RNN`. With ``training=True`` dropout in the layer draws from the
    stream "dropout".

    Attributes:
        layer: a cell, or a combination of cells.
    """

    @nn.compact
    def __call__(
        self, xs: jax.Array, *, mask: jax.Array | None = None, training: bool = False
    ) -> jax.Array:
        """Inputs ``[B, T, D]``, mask ``[B, T]``: the output ``[B, O]`` of each row's last step."""
        params = self._params()
        xs, mask = _time_first(xs, mask)
        key = self.make_rng("dropout") if training else None
        return unroll_last(self.layer, params, xs, mask=mask, key=key)[1]


def _giving(values: Any) -> Callable[[jax.Array], Any]:
    """An initializer that gives these arrays; zeros for shapes, of which Flax compares no more."""

    def is_shape(leaf: Any) -> bool:
        return isinstance(leaf, jax.ShapeDtypeStruct)

    return lambda _: jax.tree.map(
        lambda leaf: jnp.zeros(leaf.shape) if is_shape(leaf) else leaf, values
    )


def _time_first(*arrays: Any) -> Any:
    return jax.tree.map(lambda a: a.swapaxes(0, 1), arrays)
