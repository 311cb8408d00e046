"""Simple recurrent cells of rectified units: their first matrices are what they are."""

from __future__ import annotations

import abc
import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp

from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.fused_cell import FusedCell
from rnnjax.gated_cell import GatedParams, HiddenCarry
from rnnjax.hyperparameters import Flag
from rnnjax.noise import SILENCE, Noise


@dataclasses.dataclass(frozen=True)
class RectifiedCell(FusedCell):
    """A simple recurrent cell with relu, whose first parameters a subclass draws."""

    use_bias: Flag = dataclasses.field(default=True, kw_only=True)

    carry_type: ClassVar[type] = HiddenCarry
    noise_places: ClassVar[tuple[str, ...]] = ("state",)

    @abc.abstractmethod
    def draw(self, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The first w_x ``[D, H]`` and w_h ``[H, H]``."""

    def init(self, key: jax.Array) -> GatedParams:
        b = jnp.zeros(self.hidden_size) if self.use_bias else None
        return GatedParams(*self.draw(key), b)

    def project(self, params: GatedParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x, params.b)

    def step(
        self, params: GatedParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        h = jax.nn.relu(z + recur(noise.on_state(carry.h), params.w_h))
        return settled(carry, HiddenCarry(h), h, z)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class IRNN(RectifiedCell):
    r"""Simple recurrent cell of rectified units that begins by keeping what it has.

    .. math:: h_t = \mathrm{relu}(x_t W_x + h_{t-1} W_h + b), \qquad y_t = h_t

    At first W_h is the identity matrix, b is 0 and W_x is normal with the deviation 0.001.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        use_bias: whether there is a bias.

    Parameters: `rnnjax.gated_cell.GatedParams`. Carry: `rnnjax.gated_cell.HiddenCarry`. Output:
    ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer.

    Equals `rnnjax.SimpleRNN` with ``activation="relu"`` and the same parameters. The first W_x is
    as remembered of the paper, which was not opened; the copy in amarshah/complex_RNN has Glorot
    uniform instead.

    >>> cell = IRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: Q. V. Le, N. Jaitly, G. E. Hinton, "A simple way to initialize recurrent networks of
    rectified linear units" (2015), arXiv:1504.00941.
    """

    def draw(self, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        w_x = 0.001 * jax.random.normal(key, (self.input_size, self.hidden_size))
        return w_x, jnp.eye(self.hidden_size)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class NPRNN(RectifiedCell):
    r"""Simple recurrent cell of rectified units whose matrix begins positive definite.

    .. math::
        h_t &= \mathrm{relu}(x_t W_x + h_{t-1} W_h + b), \qquad y_t = h_t \\
        W_h &= (1 + R^\top R / H) / \lambda_{\max} \quad \text{at first}

    R is standard normal and λ the largest eigenvalue, which then is 1. b is 0 and W_x is Glorot
    uniform at first.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        use_bias: whether there is a bias.

    Parameters: `rnnjax.gated_cell.GatedParams`. Carry: `rnnjax.gated_cell.HiddenCarry`. Output:
    ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer.

    Equals `rnnjax.SimpleRNN` with ``activation="relu"`` and the same parameters. The first W_h was
    checked in two re-implementations; the paper's first W_x was not established.

    >>> cell = NPRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: S. S. Talathi, A. Vartak, "Improving performance of recurrent neural network with relu
    nonlinearity" (2015), arXiv:1511.03771.
    """

    def draw(self, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        d, h = self.input_size, self.hidden_size
        keys = jax.random.split(key)
        r = jax.random.normal(keys[1], (h, h))
        w_h = jnp.eye(h) + jnp.matmul(r.T, r) / h
        w_x = jax.nn.initializers.glorot_uniform()(keys[0], (d, h))
        return w_x, w_h / jnp.linalg.eigvalsh(w_h)[-1]
