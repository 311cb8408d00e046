"""Fast and forgetful memory."""

from __future__ import annotations

import dataclasses
import math
import sys
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import affine, check_input, zero_carry
from rnnjax.hyperparameters import Positive, Size, check_hyperparameters
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.linear_cell import LinearCell
from rnnjax.normalization import layer_norm
from rnnjax.recurrences import Rotation, State

FASTEST = math.log(sys.float_info.max) / 1024 - 0.02
"""The largest α at first: the authors' code reckons with powers of its e^-α up to -1024."""
FORGOTTEN = 0.01
"""What the slowest trace keeps of an input after the longest period, at first."""


class FFMParams(NamedTuple):
    """Parameters.

    ``alpha [M]``, ``omega [C]``; of the input, fused in the order memory, passed on, input gate,
    output gate: ``w_x [D, 2M + 2O]``, ``b [2M + 2O]``; of the state: ``w_re``, ``w_im``
    ``[M C, O]``, ``b_out [O]``.
    """

    alpha: jax.Array
    omega: jax.Array
    w_x: jax.Array
    b: jax.Array
    w_re: jax.Array
    w_im: jax.Array
    b_out: jax.Array


class FFMCarry(NamedTuple):
    """Carry: the real and the imaginary part of the state, ``[..., M, C]``."""

    re: jax.Array
    im: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class FFM(LinearCell):
    r"""Fast and forgetful memory: traces that fade at M rates, in C frequencies each.

    .. math::
        \gamma_{mc} &= e^{-|\alpha_m| + i \omega_c}, \qquad
        \tilde x_t = (x_t W_1 + b_1) \odot \sigma(x_t W_2 + b_2) \\
        S_{t,mc} &= \gamma_{mc}\, S_{t-1,mc} + \tilde x_{t,m} \\
        z_t &= \mathrm{Re}(S_t) W_{re} + \mathrm{Im}(S_t) W_{im} + b, \qquad
        g_t = \sigma(x_t W_4 + b_4) \\
        y_t &= \mathrm{LN}(z_t) \odot g_t + (x_t W_3 + b_3) \odot (1 - g_t)

    LN has neither gain nor shift. At first α is spaced evenly, from the decay that leaves 1 % after
    the longest period to 0.67; the periods 2π/ω are, too; all else is uniform as PyTorch's linear
    layers.

    Args:
        input_size: D, features of one input.
        memory_size: M, traces.
        context_size: C, frequencies.
        num_outputs: O, features of an output.
        shortest_period: 2π/ω of the first frequency, in steps, at first.
        longest_period: of the last.
        epsilon: of LN.

    Parameters: `FFMParams`. Carry: `FFMCarry`. Output: ``[..., O]``.

    Raises:
        ValueError: a size is not a positive integer, or another number not positive.

    The authors' PyTorch code sums :math:`\gamma^{-s} \tilde x_s`, and clips α so that these powers
    do not overflow within 1024 steps of complex128; here no power is taken, and α is free. Its rows
    of the matrix W lie in the order [M, C, 2]. The authors' JAX code has other α at first, and
    :math:`\mathrm{LN}(z \odot g)`: this is the former.

    Source: S. Morad, R. Kortvelesy, S. Liwicki, A. Prorok, "Reinforcement learning with fast and
    forgetful memory", NeurIPS 2023, arXiv:2310.04128; ``standalone/ffm`` of proroklab/ffm.
    """

    input_size: Size
    memory_size: Size
    context_size: Size
    num_outputs: Size
    shortest_period: Positive = 1.0
    longest_period: Positive = 1024.0
    epsilon: Positive = 1e-5

    noise_places = ()
    carry_type = FFMCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.num_outputs

    def init(self, key: jax.Array) -> FFMParams:
        d, m, c, o = self.input_size, self.memory_size, self.context_size, self.num_outputs
        keys = jax.random.split(key, 5)
        chosen = INITIALIZATIONS["torch"]
        slowest = min(max(-math.log(FORGOTTEN) / self.longest_period, 1e-6), FASTEST)
        periods = jnp.linspace(self.shortest_period, self.longest_period, c)
        width, states = 2 * (m + o), 2 * m * c
        return FFMParams(
            jnp.linspace(FASTEST, slowest, m), 2 * math.pi / periods,
            chosen.dense_kernel(d)(keys[0], (d, width)), chosen.dense_bias(d)(keys[1], (width,)),
            chosen.dense_kernel(states)(keys[2], (m * c, o)),
            chosen.dense_kernel(states)(keys[3], (m * c, o)),
            chosen.dense_bias(states)(keys[4], (o,)),
        )  # fmt: skip

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> FFMCarry:
        own = self.memory_size, self.context_size
        return zero_carry(FFMCarry, batch_shape, dtype, re=own, im=own)

    def project(self, params: FFMParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x, params.b)

    def coefficients(self, params: FFMParams, z: jax.Array) -> Rotation:
        wide, own = z.dtype, (self.memory_size, self.context_size)
        radius = jnp.exp(-jnp.abs(params.alpha.astype(wide)))
        angle = jnp.broadcast_to(params.omega.astype(wide)[None], own)
        radius = jnp.broadcast_to(radius[:, None], own)
        memory, _, gate, _ = self._parts(z)
        added = (memory * jax.nn.sigmoid(gate))[..., None]
        added = jnp.broadcast_to(added, (*z.shape[:-1], *own))
        turn = radius * jnp.cos(angle), radius * jnp.sin(angle)
        return Rotation(*turn, added, jnp.zeros_like(added))

    def readout(self, params: FFMParams, state: State, z: jax.Array) -> jax.Array:
        _, passed, _, gate = self._parts(z)
        re, im = (own.reshape(*z.shape[:-1], -1) for own in state)
        found = affine(re, params.w_re) + affine(im, params.w_im, params.b_out)
        gate = jax.nn.sigmoid(gate)
        flat = jnp.ones(self.num_outputs, found.dtype)
        return layer_norm(found, flat, epsilon=self.epsilon) * gate + passed * (1 - gate)

    def _parts(self, fused: jax.Array) -> list[jax.Array]:
        """Memory, what is passed on, input gate and output gate."""
        m, o = self.memory_size, self.num_outputs
        return jnp.split(fused, (m, m + o, 2 * m + o), axis=-1)
