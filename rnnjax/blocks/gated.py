"""Two branches between two matrices, one of them recurrent, the other one its gate."""

from __future__ import annotations

import abc
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import Carry, Cell, Composite, Options, affine, check_input
from rnnjax.combinators.stack import Stack
from rnnjax.hyperparameters import check_hyperparameters
from rnnjax.unrolling.last_step import last_step
from rnnjax.unrolling.unroll import run


class GatedBlockParams(NamedTuple):
    """Parameters, the first matrix fused in the order branch, gate.

    ``w_in [D, 2E]``, ``w_out [E, D]``, ``b_in [2E]``, ``b_out [D]`` (None where absent), and those
    of the branch.
    """

    w_in: jax.Array
    branch: Any
    w_out: jax.Array
    b_in: jax.Array | None = None
    b_out: jax.Array | None = None


class GatedBlock(Composite, Cell):
    r"""Two branches between two matrices, one of them recurrent, the other one its gate.

    .. math:: y = \big(\mathrm{branch}(x W_b) \odot \phi(x W_g)\big) W_o

    Over a sequence all of its products are of all steps at once, and the branch runs as it runs by
    itself. Stepped, it is the same function. There is no normalisation around it, and no residual
    connection: see `rnnjax.Residual`.
    """

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        _ = self.branch  # whose parts say what they refuse

    @property
    @abc.abstractmethod
    def branch(self) -> Stack:
        """What is recurrent, of as many outputs as inputs."""

    @staticmethod
    @abc.abstractmethod
    def gate(x: jax.Array) -> jax.Array:
        """φ."""

    @property
    def output_size(self) -> int:
        return self.input_size

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Carry:
        return self.branch.initial_carry(batch_shape, dtype)

    def project(self, params: GatedBlockParams, x: jax.Array) -> Any:
        check_input(self, x)
        x, gate = jnp.split(affine(x, params.w_in, params.b_in), 2, axis=-1)
        return self.branch.project(params.branch, x), self.gate(gate)

    def step(self, params: GatedBlockParams, carry: Carry, z: Any) -> tuple[Carry, jax.Array]:
        z, gate = z
        carry, y = self.branch.step(params.branch, carry, z)
        return carry, affine(y * gate, params.w_out, params.b_out)

    def unroll(
        self, params: GatedBlockParams, xs: jax.Array, carry: Carry, options: Options
    ) -> tuple[Carry, Any]:
        if options.mask is not None:
            # Before the gate, so that a NaN in the padding meets no weight.
            xs = jnp.where(options.mask[..., None], xs, 0)
        xs, gate = jnp.split(affine(xs, params.w_in, params.b_in), 2, axis=-1)
        every = options._replace(keep="outputs") if options.keep == "last" else options
        carry, ys = run(self.branch, params.branch, xs, carry, every)
        ys = affine(ys * self.gate(gate), params.w_out, params.b_out)
        if options.mask is not None:
            ys = jnp.where(options.mask[..., None], ys, 0)
        return carry, last_step(ys, options) if options.keep == "last" else ys
