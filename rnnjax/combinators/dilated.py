"""A cell that reads an earlier state than the last one."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp

from rnnjax.cell import Carry, Cell, Options, Params
from rnnjax.combinators.wrapper import Wrapper, check_plain, num_batch_axes
from rnnjax.hyperparameters import AnyLayer, Size, check_hyperparameters
from rnnjax.unrolling.unroll import run, run_cell


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Dilated(Wrapper, Cell):
    r"""A cell whose step t begins with the state after step t - d, instead of the last one.

    .. math:: (s_t, y_t) = \mathrm{cell}(s_{t-d}, x_t)

    So there are d interleaved sequences. Over a sequence without a mask and resets they run side
    by side, as rows, in a loop d times shorter. A masked step is no step: it holds all d states.
    A reset replaces all of them. A deep network has layers of d = 1, 2, 4 and so on.

    Args:
        layer: a cell, in no wrapper.
        dilation: d, how many steps back a step looks.

    Parameters and output: those of the wrapped cell. Carry: that of the cell with an axis of d
    behind the batch's, the states of the last d steps, the earliest of which is read next.

    Raises:
        ValueError: the dilation is not a positive integer, or what is wrapped is no plain cell.

    Equals the wrapped cell for d = 1.

    >>> from rnnjax import GRU, Stack, unroll
    >>> deep = Stack((GRU(3, 4), Dilated(GRU(4, 4), 2), Dilated(GRU(4, 4), 4)))
    >>> carry, ys = unroll(deep, deep.init(jax.random.key(0)), jnp.ones((9, 3)))
    >>> carry[2].h.shape
    (4, 4)

    Source: S. Chang et al., "Dilated recurrent neural networks", NIPS 2017, arXiv:1710.02224;
    code-terminator/DilatedRNN, ``models/drnn.py``, from which the equations are.
    """

    layer: AnyLayer
    dilation: Size

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        check_plain("Dilated", self.layer)

    @property
    def _cell(self) -> Cell:
        assert isinstance(self.layer, Cell)
        return self.layer

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Carry:
        return self.layer.initial_carry((*batch_shape, self.dilation), dtype)

    def first_carry(
        self, params: Params, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> Carry:
        return self.layer.first_carry(params, (*batch_shape, self.dilation), dtype)

    def project(self, params: Params, x: jax.Array) -> Any:
        return self._cell.project(params, x)

    def step(self, params: Params, carry: Carry, z: Any) -> tuple[Carry, jax.Array]:
        lanes = self._lanes(carry)
        after, y = self._cell.step(params, jax.tree.map(lambda a: a.take(0, lanes), carry), z)

        def shifted(own: jax.Array, new: jax.Array) -> jax.Array:
            others = jax.lax.slice_in_dim(own, 1, None, axis=lanes)
            return jnp.concatenate((others, jnp.expand_dims(new, lanes)), axis=lanes)

        return jax.tree.map(shifted, carry, after), y

    def unroll(
        self, params: Params, xs: jax.Array, carry: Carry, options: Options
    ) -> tuple[Carry, Any]:
        num_steps, lanes, d = xs.shape[0], self._lanes(carry), self.dilation
        is_flagged = options.mask is not None or options.resets is not None
        if is_flagged or options.keep == "carries" or not isinstance(num_steps, int):
            return run_cell(self, params, xs, carry, options)
        if options.reverse:
            xs = xs[::-1]
        rounds = -(-num_steps // d)
        xs = jnp.pad(xs, [(0, rounds * d - num_steps)] + [(0, 0)] * (xs.ndim - 1))
        xs = jnp.moveaxis(xs.reshape(rounds, d, *xs.shape[1:]), 1, 1 + lanes)
        mask = None
        if rounds * d != num_steps:
            steps = jnp.arange(rounds * d) < num_steps
            mask = steps.reshape(rounds, *(1,) * lanes, d)
        inner = options._replace(mask=mask, reverse=False)
        carry, ys = run(self.layer, params, xs, carry, inner)
        carry = jax.tree.map(lambda a: jnp.roll(a, -num_steps, lanes), carry)
        if options.keep == "last":
            return carry, ys.take((num_steps - 1) % d, lanes)
        ys = jnp.moveaxis(ys, 1 + lanes, 1)
        ys = ys.reshape(rounds * d, *ys.shape[2:])[:num_steps]
        return carry, ys[::-1] if options.reverse else ys

    def _lanes(self, carry: Carry) -> int:
        """Which axis of a carry has the d states."""
        return num_batch_axes(carry, jax.eval_shape(self.layer.initial_carry)) - 1
