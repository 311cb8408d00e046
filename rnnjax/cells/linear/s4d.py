"""The diagonal state space model S4D."""

from __future__ import annotations

import dataclasses
import math
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import check_input, zero_carry
from rnnjax.discretization import zero_order_hold
from rnnjax.hyperparameters import Positive, Size, check_hyperparameters, one_of
from rnnjax.linear_cell import LinearCell
from rnnjax.recurrences import Rotation, State


class S4DParams(NamedTuple):
    """Parameters.

    ``step_log [D]``; ``decay_log``, ``frequency``, ``c_re``, ``c_im`` ``[D, N / 2]``; ``d [D]``.
    """

    step_log: jax.Array
    decay_log: jax.Array
    frequency: jax.Array
    c_re: jax.Array
    c_im: jax.Array
    d: jax.Array


class S4DCarry(NamedTuple):
    """Carry: the real and the imaginary part of the state, ``[..., D, N / 2]``."""

    re: jax.Array
    im: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class S4D(LinearCell):
    r"""The diagonal state space model, one of N states for every feature by itself.

    .. math::
        A_{dn} &= -e^{\alpha_{dn}} + i\, \omega_{dn}, \qquad \Delta_d = e^{\delta_d} \\
        h_{t,dn} &= e^{\Delta_d A_{dn}}\, h_{t-1,dn} +
                    \frac{e^{\Delta_d A_{dn}} - 1}{A_{dn}}\, x_{t,d} \\
        y_{t,d} &= 2\, \mathrm{Re} \sum_n C_{dn} h_{t,dn} + D_d\, x_{t,d}

    States come in conjugate pairs, of which one is kept: n runs from 0 to N/2 - 1. At first C is
    complex normal of variance 1, D normal, and Δ log-uniform.

    Args:
        input_size: D, features of one input and of an output.
        state_size: N, states of a feature; even.
        initialization: of A: "lin", -½ + iπn; "inv", -½ + i N/π (N/(2n+1) - 1); or "real", -(n+1).
        least_step: of Δ at first.
        largest_step: of Δ at first.

    Parameters: `S4DParams`. Carry: `S4DCarry`. Output: ``[..., D]``.

    Raises:
        ValueError: a size is not a positive integer, N is odd, a name is unknown, or the steps do
            not rise.

    With "real" states are complex, too, as in the authors' code, and frequencies that begin at 0
    are learnt. Theirs is a convolution with a kernel by powers of :math:`e^{\Delta A}`, whose
    angles lose digits in float32 as sequences grow; steps don't. The pointwise layer behind it
    (GELU, and a gated linear one) is not part of this.

    Source: A. Gu, A. Gupta, K. Goel, C. Ré, "On the parameterization and initialization of diagonal
    state space models", NeurIPS 2022, arXiv:2206.11893; ``models/s4/s4d.py`` of state-spaces/s4.
    """

    input_size: Size
    state_size: Size = 64
    initialization: Annotated[str, one_of(("lin", "inv", "real"))] = "lin"
    least_step: Positive = 1e-3
    largest_step: Positive = 1e-1

    noise_places = ()
    carry_type = S4DCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        if self.state_size % 2:
            raise ValueError(f"S4D: state_size must be even, not {self.state_size}.")
        if self.least_step > self.largest_step:
            raise ValueError(
                f"S4D: least_step={self.least_step} must not exceed largest_step="
                f"{self.largest_step}."
            )

    @property
    def output_size(self) -> int:
        return self.input_size

    def init(self, key: jax.Array) -> S4DParams:
        size, pairs = self.input_size, self.state_size // 2
        keys = jax.random.split(key, 4)
        low, high = math.log(self.least_step), math.log(self.largest_step)
        step_log = jax.random.uniform(keys[0], (size,), minval=low, maxval=high)
        n = jnp.arange(pairs, dtype=step_log.dtype)
        half = jnp.full(pairs, 0.5)
        of_slow = self.state_size / math.pi
        decay, frequency = {
            "lin": (half, math.pi * n),
            "inv": (half, of_slow * (self.state_size / (2 * n + 1) - 1)),
            "real": (n + 1, jnp.zeros(pairs)),
        }[self.initialization]
        shape = size, pairs
        return S4DParams(
            step_log,
            jnp.broadcast_to(jnp.log(decay)[None], shape),
            jnp.broadcast_to(frequency[None], shape),
            jax.random.normal(keys[1], shape) * 0.5**0.5,
            jax.random.normal(keys[2], shape) * 0.5**0.5,
            jax.random.normal(keys[3], (size,)),
        )

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> S4DCarry:
        own = self.input_size, self.state_size // 2
        return zero_carry(S4DCarry, batch_shape, dtype, re=own, im=own)

    def project(self, params: S4DParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return x

    def coefficients(self, params: S4DParams, z: jax.Array) -> Rotation:
        wide = z.dtype
        rates = -jnp.exp(params.decay_log.astype(wide)), params.frequency.astype(wide)
        step = jnp.broadcast_to(jnp.exp(params.step_log.astype(wide))[:, None], rates[0].shape)
        turn, gain = zero_order_hold(rates, step)
        given = jnp.broadcast_to(z[..., None], (*z.shape, self.state_size // 2))
        added = (given * jnp.broadcast_to(own, given.shape) for own in gain)
        return Rotation(*turn, *added)

    def readout(self, params: S4DParams, state: State, z: jax.Array) -> jax.Array:
        re, im = state
        c_re, c_im = (jnp.broadcast_to(c, re.shape) for c in (params.c_re, params.c_im))
        return 2 * (c_re * re - c_im * im).sum(axis=-1) + jnp.broadcast_to(params.d, z.shape) * z
