"""A linear cell between a norm and a gate, with a connection around all of it."""

from __future__ import annotations

import abc
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import Carry, Cell, Composite, Options, affine, check_input
from rnnjax.hyperparameters import Size, check_hyperparameters
from rnnjax.linear_cell import LinearCell
from rnnjax.noise import drop
from rnnjax.normalization import layer_norm
from rnnjax.unrolling.last_step import last_step
from rnnjax.unrolling.unroll import run

MIXINGS = "full_glu", "half_glu1", "half_glu2", "gelu"
"""How features are mixed behind the cell; the names are those of S5's authors."""


class NormedBlockParams(NamedTuple):
    """Parameters.

    Those of the cell; ``gain``, ``shift`` ``[D]`` of the norm; of the gate ``w [D, D]``, ``b [D]``,
    for "full_glu" fused in the order value, gate, ``[D, 2D]`` and ``[2D]``, for "gelu" None.
    """

    cell: Any
    gain: jax.Array
    shift: jax.Array
    w: jax.Array | None = None
    b: jax.Array | None = None


class NormedBlock(Composite, Cell):
    r"""A linear cell between a norm and a gate, with a connection around all of it.

    .. math:: u = \mathrm{cell}(\mathrm{LN}(x)), \qquad y = x + \mathrm{mix}(u)

    with v = GELU(u) and, by name:

    .. math::
        \mathrm{full\_glu}: (v W_1 + b_1) \odot \sigma(v W_2 + b_2), \qquad
        \mathrm{half\_glu1}: v \odot \sigma(v W_2 + b_2), \qquad
        \mathrm{half\_glu2}: u \odot \sigma(v W_2 + b_2), \qquad
        \mathrm{gelu}: v

    GELU is its approximation by tanh. Over a sequence all but the cell is of all steps at once.
    Stepped, it is the same function, without dropout.
    """

    input_size: Size
    mixing: str
    dropout: float
    epsilon: float

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        _ = self.cell  # which says what it refuses

    @property
    @abc.abstractmethod
    def cell(self) -> LinearCell:
        """What is recurrent, of as many outputs as inputs."""

    @property
    def output_size(self) -> int:
        return self.input_size

    def init(self, key: jax.Array) -> NormedBlockParams:
        d = self.input_size
        keys = jax.random.split(key)
        params = NormedBlockParams(self.cell.init(keys[0]), jnp.ones(d), jnp.zeros(d))
        if self.mixing == "gelu":
            return params
        width = 2 * d if self.mixing == "full_glu" else d
        w = jax.nn.initializers.lecun_normal()(keys[1], (d, width))
        return params._replace(w=w, b=jnp.zeros(width))

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Carry:
        return self.cell.initial_carry(batch_shape, dtype)

    def project(self, params: NormedBlockParams, x: jax.Array) -> Any:
        check_input(self, x)
        return self.cell.project(params.cell, self._normed(params, x)), x

    def step(self, params: NormedBlockParams, carry: Carry, z: Any) -> tuple[Carry, jax.Array]:
        z, x = z
        carry, u = self.cell.step(params.cell, carry, z)
        return carry, x + self._mixed(params, u, (_kept, _kept)).astype(x.dtype)

    def unroll(
        self, params: NormedBlockParams, xs: jax.Array, carry: Carry, options: Options
    ) -> tuple[Carry, Any]:
        if options.mask is not None:
            # Before the norm, so that a NaN in the padding meets no weight.
            xs = jnp.where(options.mask[..., None], xs, 0)
        drops = _kept, _kept
        if options.key is not None and self.dropout:
            inner, *keys = jax.random.split(options.key, 3)
            options = options._replace(key=inner)
            # The same features at all steps.
            shape = 1, *xs.shape[1:]
            first, second = (
                functools.partial(lambda key, y: drop(key, self.dropout, y, shape), key)
                for key in keys
            )
            drops = first, second
        every = options._replace(keep="outputs") if options.keep == "last" else options
        carry, us = run(self.cell, params.cell, self._normed(params, xs), carry, every)
        ys = xs + self._mixed(params, us, drops).astype(xs.dtype)
        if options.mask is not None:
            ys = jnp.where(options.mask[..., None], ys, 0)
        return carry, last_step(ys, options) if options.keep == "last" else ys

    def _normed(self, params: NormedBlockParams, x: jax.Array) -> jax.Array:
        return layer_norm(x, params.gain, params.shift, epsilon=self.epsilon)

    def _mixed(
        self,
        params: NormedBlockParams,
        u: jax.Array,
        drops: tuple[Callable[[jax.Array], jax.Array], Callable[[jax.Array], jax.Array]],
    ) -> jax.Array:
        """What is added to the input, with dropout behind GELU and at the end."""
        v = drops[0](jax.nn.gelu(u, approximate=True))
        if params.w is None:
            return v
        read = affine(v, params.w, params.b)
        if self.mixing == "full_glu":
            value, read = jnp.split(read, 2, axis=-1)
        else:
            value = v if self.mixing == "half_glu1" else u
        return drops[1](value * jax.nn.sigmoid(read))


def _kept(y: jax.Array) -> jax.Array:
    return y
