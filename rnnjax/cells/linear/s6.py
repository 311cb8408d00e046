"""The selective state space of Mamba."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import check_input, zero_carry
from rnnjax.hyperparameters import Positive, Size, check_hyperparameters
from rnnjax.initializers import inverse_softplus_of_steps, symmetric_uniform
from rnnjax.linear_cell import LinearCell
from rnnjax.recurrences import Diagonal, State


class S6Params(NamedTuple):
    """Parameters.

    ``a_log [D, N]``; ``w_x [D, R + 2N]`` of what Δ is made of, B and C; ``w_dt [R, D]``,
    ``b_dt [D]``; ``d [D]``.
    """

    a_log: jax.Array
    w_x: jax.Array
    w_dt: jax.Array
    b_dt: jax.Array
    d: jax.Array


class S6Carry(NamedTuple):
    """Carry: N numbers of state for each feature, ``s [..., D, N]``, h of the equations."""

    s: jax.Array


class Selected(NamedTuple):
    """What depends on the input alone: Δ before its bias ``[..., D]``, B, C ``[..., N]``, and x."""

    dt: jax.Array
    b: jax.Array
    c: jax.Array
    x: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class S6(LinearCell):
    r"""The selective state space of Mamba.

    .. math::
        \Delta_t &= \mathrm{softplus}(x_t W_{low} W_\Delta + \beta), \qquad
        B_t = x_t W_B, \qquad C_t = x_t W_C \\
        h_t^{dn} &= e^{\Delta_t^d A^{dn}}\, h_{t-1}^{dn} + \Delta_t^d B_t^n x_t^d,
        \qquad A = -e^{A_{log}} \\
        y_t^d &= \sum_n C_t^n h_t^{dn} + D^d x_t^d

    At first A is -1 to -N in every feature, and Δ without an input is uniform in its logarithm
    between two steps.

    Args:
        input_size: D, features of one input and of an output.
        state_size: N, numbers of state for each feature.
        rank: R, of the matrix that makes Δ; None for ⌈D / 32⌉, which is Mamba's in a block of
            twice the model's width.
        least_step: of Δ at first.
        largest_step: of Δ at first.

    Parameters: `S6Params`; keep `a_log` and `d` out of weight decay, as Mamba does.
    Carry: `S6Carry`. Output: ``[..., D]``.

    Raises:
        ValueError: a size is not a positive integer, or the steps do not rise.

    The paper's B̄ is of a zero-order hold; the authors' code takes Euler's Δ B, and so does this.
    That code has a floor of 1e-4 under the first steps, which is below its least one. Coefficients
    have the size of the state, N times that of the input: over long sequences the executor makes
    them chunk by chunk. There is no dropout of the update.

    >>> cell = S6(8, state_size=4)
    >>> cell.initial_carry((3,)).s.shape
    (3, 8, 4)

    Source: A. Gu, T. Dao, "Mamba: linear-time sequence modeling with selective state spaces",
    arXiv:2312.00752, algorithm 2 and section 3.6; state-spaces/mamba.
    """

    input_size: Size
    state_size: Size = 16
    rank: Size | None = None
    least_step: Positive = 1e-3
    largest_step: Positive = 1e-1

    noise_places = ()
    carry_type = S6Carry

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        if not self.least_step < self.largest_step:
            raise ValueError(
                f"S6: the steps must rise, not be {self.least_step!r} and {self.largest_step!r}."
            )

    @property
    def output_size(self) -> int:
        return self.input_size

    @property
    def delta_rank(self) -> int:
        """R."""
        return self.rank or math.ceil(self.input_size / 32)

    def init(self, key: jax.Array) -> S6Params:
        d, n, r = self.input_size, self.state_size, self.delta_rank
        keys = jax.random.split(key, 3)
        return S6Params(
            a_log=jnp.tile(jnp.log(jnp.arange(1.0, n + 1)), (d, 1)),
            w_x=symmetric_uniform(d)(keys[1], (d, r + 2 * n)),
            w_dt=symmetric_uniform(r)(keys[2], (r, d)),
            b_dt=inverse_softplus_of_steps(keys[0], (d,), self.least_step, self.largest_step),
            d=jnp.ones(d),
        )

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> S6Carry:
        return zero_carry(S6Carry, batch_shape, dtype, s=(self.input_size, self.state_size))

    def project(self, params: S6Params, x: jax.Array) -> Selected:
        check_input(self, x)
        r, n = self.delta_rank, self.state_size
        low, b, c = jnp.split(jnp.matmul(x, params.w_x), (r, r + n), axis=-1)
        return Selected(jnp.matmul(low, params.w_dt), b, c, x)

    def coefficients(self, params: S6Params, z: Selected) -> Diagonal:
        wide = z.x.dtype
        step = jax.nn.softplus(z.dt + jnp.broadcast_to(params.b_dt.astype(wide), z.dt.shape))
        fading = jnp.einsum("...d,dn->...dn", step, -jnp.exp(params.a_log.astype(wide)))
        return Diagonal(jnp.exp(fading), jnp.einsum("...d,...n->...dn", step * z.x, z.b))

    def readout(self, params: S6Params, state: State, z: Selected) -> jax.Array:
        y = jnp.einsum("...dn,...n->...d", state[0], z.c)
        return y + z.x * jnp.broadcast_to(params.d, z.x.shape)
