"""Blocks whose recurrence reads a short convolution beside what was not convolved."""

from __future__ import annotations

import abc
from typing import Any

import jax
import jax.numpy as jnp

from rnnjax.cell import Carry, Cell, Composite, Options, check_input
from rnnjax.cells.causal_conv import CausalConv
from rnnjax.hyperparameters import check_hyperparameters
from rnnjax.unrolling.last_step import last_step
from rnnjax.unrolling.unroll import run


class ConvolvedBlock(Composite, Cell):
    r"""A convolution and a recurrent core, with functions of single steps before, between, behind.

    .. math::
        u_t, r_t &= \mathrm{enter}(x_t), \qquad c = \mathrm{conv}(u) \\
        h &= \mathrm{core}(\mathrm{between}(c, r)), \qquad
        y_t = \mathrm{leave}(h_t, c_t, r_t, x_t)

    Over a sequence these functions are of all steps at once, and the core runs as it runs by
    itself. Stepped, it is the same function. The parameters have fields ``conv`` and ``core``, and
    the carry is a pair of theirs.
    """

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        _ = self.core, self.conv  # which say what they refuse

    @property
    @abc.abstractmethod
    def conv(self) -> CausalConv:
        """The convolution, of each feature by itself."""

    @property
    @abc.abstractmethod
    def core(self) -> Cell:
        """What is recurrent."""

    @abc.abstractmethod
    def enter(self, params: Any, x: jax.Array) -> tuple[jax.Array, Any]:
        """What is convolved, and whatever else the input is needed for."""

    @abc.abstractmethod
    def between(self, params: Any, convolved: jax.Array, rest: Any) -> jax.Array:
        """The core's input."""

    @abc.abstractmethod
    def leave(
        self, params: Any, y: jax.Array, convolved: jax.Array, rest: Any, x: jax.Array
    ) -> jax.Array:
        """The output ``[..., D]``."""

    @property
    def output_size(self) -> int:
        return self.input_size

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Carry:
        return tuple(own.initial_carry(batch_shape, dtype) for own in (self.conv, self.core))

    def project(self, params: Any, x: jax.Array) -> Any:
        check_input(self, x)
        u, rest = self.enter(params, x)
        return self.conv.project(params.conv, u), rest, x

    def step(self, params: Any, carry: Carry, z: Any) -> tuple[Carry, jax.Array]:
        u, rest, x = z
        past, convolved = self.conv.step(params.conv, carry[0], u)
        read = self.between(params, convolved, rest)
        state, y = self.core.step(params.core, carry[1], self.core.project(params.core, read))
        return (past, state), self.leave(params, y, convolved, rest, x)

    def unroll(
        self, params: Any, xs: jax.Array, carry: Carry, options: Options
    ) -> tuple[Carry, Any]:
        if options.mask is not None:
            # So that a NaN in the padding meets no weight.
            xs = jnp.where(options.mask[..., None], xs, 0)
        every = options._replace(keep="outputs") if options.keep == "last" else options
        firsts = (None, None) if options.first is None else options.first
        of_conv, of_core = (every._replace(first=first) for first in firsts)
        us, rest = self.enter(params, xs)
        past, convolved = run(self.conv, params.conv, us, carry[0], of_conv)
        read = self.between(params, convolved, rest)
        state, ys = run(self.core, params.core, read, carry[1], of_core)
        ys = self.leave(params, ys, convolved, rest, xs)
        if options.mask is not None:
            ys = jnp.where(options.mask[..., None], ys, 0)
        return (past, state), last_step(ys, options) if options.keep == "last" else ys
