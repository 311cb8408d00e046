"""Gated recurrent units whose state follows a differential equation between two inputs."""

from __future__ import annotations

import abc
import dataclasses
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import NoisyCell, recur, settled
from rnnjax.cells.gru import GRU, GRUCarry, GRUParams
from rnnjax.cells.physical.gaps import (
    SOLVERS,
    TimedInput,
    check_features,
    features,
    gap_like,
    parted,
    solved,
)
from rnnjax.hyperparameters import Flag, Initialization, Size, check_hyperparameters, one_of
from rnnjax.noise import SILENCE, Noise


class ODERNNParams(NamedTuple):
    """Parameters: those of the cell, and of the slope.

    ``w_in [H, U]``, ``b_in [U]``, ``w_out [U, H]``, ``b_out [H]``.
    """

    cell: GRUParams
    w_in: jax.Array
    b_in: jax.Array | None
    w_out: jax.Array
    b_out: jax.Array | None


class GRUODEParams(NamedTuple):
    """Parameters: those of the cell, and of the slope: ``w [H, 3H]``, ``b [3H]``, as r, z, n."""

    cell: GRUParams
    w: jax.Array
    b: jax.Array | None


@dataclasses.dataclass(frozen=True)
class EvolvingGRU(NoisyCell):
    """A `rnnjax.GRU` that at every step is given what its state has become since the last one."""

    input_size: Size
    hidden_size: Size
    solver: Annotated[str, one_of(SOLVERS)] = "euler"
    unfolds: Size = 4
    timed: Flag = dataclasses.field(default=False, kw_only=True)
    initialization: Initialization = dataclasses.field(default="keras", kw_only=True)
    use_bias: Flag = dataclasses.field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        check_features(self)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    @property
    def _cell(self) -> GRU:
        own = {"initialization": self.initialization, "use_bias": self.use_bias}
        return GRU(features(self), self.hidden_size, **own)

    @abc.abstractmethod
    def slope(self, params: Any, h: jax.Array) -> jax.Array:
        """The derivative of the state by the time."""

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> GRUCarry:
        return self._cell.initial_carry(batch_shape, dtype)

    def project(self, params: Any, x: jax.Array) -> TimedInput:
        x, gap = parted(self, x)
        return TimedInput(self._cell.project(params.cell, x), gap)

    def step(
        self, params: Any, carry: GRUCarry, z: TimedInput, noise: Noise = SILENCE
    ) -> tuple[GRUCarry, jax.Array]:
        def slope(h: jax.Array) -> jax.Array:
            return self.slope(params, noise.on_state(h))

        gap = gap_like(z.gap, carry.h)
        h = solved(self.solver, slope, carry.h, gap, self.unfolds)
        after, y = self._cell.step(params.cell, GRUCarry(h), z.z, noise)
        return settled(carry, after, y, z.z)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class ODERNN(EvolvingGRU):
    r"""A gated recurrent unit whose state flows along a network's output between two inputs.

    .. math::
        \dot h &= \tanh(h W_{in} + b_{in}) W_{out} + b_{out}
            \text{ for a time } \Delta t \text{ from } h_{t-1} \text{ to } h' \\
        h_t &= \mathrm{GRU}(x_t, h'), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        solver: "euler", or "rk4", the classical method of Runge and Kutta.
        unfolds: how many equal steps it takes within Δt.
        units: U of the network.
        timed: whether the last feature is Δt, the time since the step before; else that is 1.
        initialization: "keras" or "torch", as of `rnnjax.GRU`. The network's matrices begin normal
            with standard deviation 0.1, its biases at 0.
        use_bias: whether there are biases.

    Parameters: `ODERNNParams`. Carry: `rnnjax.cells.GRUCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, the time is the only feature, or a name is
            unknown.

    Equals `rnnjax.GRU` where W_out and b_out are 0, or Δt is. The authors' own unit is another:
    its gates have two layers, its state is a mean and a standard deviation, which both stay where
    nothing is observed, and it reads a sequence from its end. Their network has a layer more.

    >>> cell = ODERNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: Y. Rubanova, R. T. Q. Chen, D. Duvenaud, "Latent ODEs for irregularly-sampled time
    series", NeurIPS 2019, arXiv:1907.03907.
    """

    units: Size = 100

    def init(self, key: jax.Array) -> ODERNNParams:
        keys, h, u = jax.random.split(key, 3), self.hidden_size, self.units
        b_in, b_out = (jnp.zeros((u,)), jnp.zeros((h,))) if self.use_bias else (None, None)
        return ODERNNParams(
            self._cell.init(keys[0]), 0.1 * jax.random.normal(keys[1], (h, u)), b_in,
            0.1 * jax.random.normal(keys[2], (u, h)), b_out,
        )  # fmt: skip

    def slope(self, params: ODERNNParams, h: jax.Array) -> jax.Array:
        hidden = jnp.tanh(recur(h, params.w_in, params.b_in))
        return recur(hidden, params.w_out, params.b_out)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class GRUODE(EvolvingGRU):
    r"""A gated recurrent unit whose state follows another one, made continuous, between two inputs.

    .. math::
        r &= \sigma(h W_r + b_r), \qquad z = \sigma(h W_z + b_z), \qquad
        n = \tanh((r \odot h) W_n + b_n) \\
        \dot h &= (1 - z) \odot (n - h)
            \text{ for a time } \Delta t \text{ from } h_{t-1} \text{ to } h' \\
        h_t &= \mathrm{GRU}(x_t, h'), \qquad y_t = h_t

    A state between -1 and 1 stays there.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        solver: "euler", or "rk4", the classical method of Runge and Kutta.
        unfolds: how many equal steps it takes within Δt.
        timed: whether the last feature is Δt, the time since the step before; else that is 1.
        initialization: "keras" or "torch", as of `rnnjax.GRU`, for the maps of h alone likewise.
        use_bias: whether there are biases.

    Parameters: `GRUODEParams`. Carry: `rnnjax.cells.GRUCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, the time is the only feature, or a name is
            unknown.

    Equals `rnnjax.GRU` where Δt is 0. In the authors' GRU-ODE-Bayes the unit reads what became of
    an input by their observation model; copies of their code have no biases in r, z and n, and in a
    simpler variant z stands in for r.

    >>> cell = GRUODE(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: E. De Brouwer, J. Simm, A. Arany, Y. Moreau, "GRU-ODE-Bayes: continuous modeling of
    sporadically-observed time series", NeurIPS 2019, arXiv:1905.12374. Checked against copies of
    the authors' code, not against the paper.
    """

    def init(self, key: jax.Array) -> GRUODEParams:
        first, own = jax.random.split(key)
        alone = dataclasses.replace(self._cell, reset_after=False).init(own)
        return GRUODEParams(self._cell.init(first), alone.w_h, alone.b)

    def slope(self, params: GRUODEParams, h: jax.Array) -> jax.Array:
        split = 2 * self.hidden_size
        b = (None, None) if params.b is None else (params.b[:split], params.b[split:])
        r, z = gates(recur(h, params.w[:, :split], b[0]), ("sigmoid", "sigmoid"))
        n = jnp.tanh(recur(r * h, params.w[:, split:], b[1]))
        return (1 - z) * (n - h)
