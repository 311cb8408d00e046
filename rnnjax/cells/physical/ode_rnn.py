"""Gated recurrent units whose state follows a differential equation between two inputs."""

from __future__ import annotations

import abc
import dataclasses
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import recur, settled
from rnnjax.gated_cell import HiddenCarry
from rnnjax.hyperparameters import Size, one_of
from rnnjax.noise import SILENCE, Noise
from rnnjax.timed_cell import SOLVERS, TimedCell, TimedInput, gap_like, solved


class ODERNNParams(NamedTuple):
    """Parameters of the unit, in the order r, z, n, and of the slope.

    ``w_x [D, 3H]`` (without the time), ``w_h [H, 3H]``, ``b``, ``b_h [3H]``; ``w_in [H, U]``,
    ``b_in [U]``, ``w_out [U, H]``, ``b_out [H]``.
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None
    b_h: jax.Array | None
    w_in: jax.Array
    b_in: jax.Array | None
    w_out: jax.Array
    b_out: jax.Array | None


class GRUODEParams(NamedTuple):
    """Parameters of the unit, and of the slope, both in the order r, z, n.

    ``w_x [D, 3H]`` (without the time), ``w_h [H, 3H]``, ``b``, ``b_h [3H]``; ``w_s [H, 3H]``,
    ``b_s [3H]``.
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None
    b_h: jax.Array | None
    w_s: jax.Array
    b_s: jax.Array | None


@dataclasses.dataclass(frozen=True)
class EvolvingGRU(TimedCell):
    """A gated recurrent unit whose state, between two inputs, follows a slope."""

    solver: Annotated[str, one_of(SOLVERS)] = "euler"
    unfolds: Size = 4

    gate_names = ("r", "z", "n")

    @abc.abstractmethod
    def slope(self, params: Any, h: jax.Array) -> jax.Array:
        """The derivative of the state by the time."""

    def step(
        self, params: Any, carry: HiddenCarry, z: TimedInput, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        def slope(h: jax.Array) -> jax.Array:
            return self.slope(params, noise.on_state(h))

        h = solved(self.solver, slope, carry.h, gap_like(z.gap, carry.h), self.unfolds)
        u = recur(noise.on_state(h), params.w_h, params.b_h)
        split = 2 * self.hidden_size
        r, update = gates(z.z[..., :split] + u[..., :split], ("sigmoid", "sigmoid"))
        n = jnp.tanh(z.z[..., split:] + r * u[..., split:])
        h = (1 - update) * noise.on_update(n) + update * h
        return settled(carry, HiddenCarry(h), h, z.z)


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

    Parameters: `ODERNNParams`. Carry: `HiddenCarry`. Output: ``[..., H]``.

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
            *self.draw_gates(keys[0], num_gates=3, two_biases=True),
            w_in=0.1 * jax.random.normal(keys[1], (h, u)), b_in=b_in,
            w_out=0.1 * jax.random.normal(keys[2], (u, h)), b_out=b_out,
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

    Parameters: `GRUODEParams`. Carry: `HiddenCarry`. Output: ``[..., H]``.

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
        unit = self.draw_gates(first, num_gates=3, two_biases=True)
        _, w_s, b_s, _ = self.draw_gates(own, num_gates=3, two_biases=False)
        return GRUODEParams(*unit, w_s=w_s, b_s=b_s)

    def slope(self, params: GRUODEParams, h: jax.Array) -> jax.Array:
        split = 2 * self.hidden_size
        b = (None, None) if params.b_s is None else (params.b_s[:split], params.b_s[split:])
        r, z = gates(recur(h, params.w_s[:, :split], b[0]), ("sigmoid", "sigmoid"))
        n = jnp.tanh(recur(r * h, params.w_s[:, split:], b[1]))
        return (1 - z) * (n - h)
