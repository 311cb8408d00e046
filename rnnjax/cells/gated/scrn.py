"""The structurally constrained recurrent network."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, recur, settled, zero_carry
from rnnjax.fused_cell import FusedCell
from rnnjax.hyperparameters import Initialization, Rate, Size
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.noise import SILENCE, Noise


class SCRNParams(NamedTuple):
    """Parameters: ``w_x [D, H + S]`` (A and B), ``w_h [H, H]`` (R) and ``w_s [S, H]`` (P)."""

    w_x: jax.Array
    w_h: jax.Array
    w_s: jax.Array


class SCRNCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]`` and the slow one ``s [..., S]``."""

    h: jax.Array
    s: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class SCRN(FusedCell):
    r"""A sigmoid network that also reads a slow average of what the inputs were.

    .. math::
        s_t &= (1 - \alpha)\, x_t B + \alpha s_{t-1} \\
        h_t &= \sigma(s_t P + x_t A + h_{t-1} R), \qquad y_t = [h_t, s_t]

    These are the paper's equations (4) and (5); its (6) is a dense layer of y. There are no biases.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        slow_size: S, slow units; None for H.
        alpha: α, how much of the slow state stays.
        initialization: "keras" or "torch", for each of the matrices.

    Parameters: `SCRNParams`. Carry: `SCRNCarry`. Output: ``[..., H + S]``.

    Raises:
        ValueError: a size is not a positive integer, α is not in [0, 1), or a name is unknown.

    Equals `rnnjax.SimpleRNN` with ``activation="sigmoid"`` beside an exponential average, where P
    is 0. In the official code h reads the previous s and the factor of x B is fixed at 0.05. In
    torchrecurrent another state is fed back, and there are biases.

    >>> cell = SCRN(input_size=3, hidden_size=2, slow_size=4)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (6,)

    Source: T. Mikolov et al., "Learning longer memory in recurrent neural networks", ICLR 2015
    workshop, arXiv:1412.7753; the official code is ``mfactory.lua`` of facebookarchive/SCRNNs.
    """

    slow_size: Size | None = None
    alpha: Rate = 0.95
    initialization: Initialization = dataclasses.field(default="keras", kw_only=True)

    carry_type = SCRNCarry

    @property
    def update_size(self) -> int:
        """S, of what is added to the slow state."""
        return self.hidden_size if self.slow_size is None else self.slow_size

    @property
    def output_size(self) -> int:
        return self.hidden_size + self.update_size

    def init(self, key: jax.Array) -> SCRNParams:
        d, h, s = self.input_size, self.hidden_size, self.update_size
        chosen, keys = INITIALIZATIONS[self.initialization], jax.random.split(key, 3)
        kernel = chosen.kernel(h)
        return SCRNParams(
            kernel(keys[0], (d, h + s)),
            chosen.recurrent_kernel(h)(keys[1], (h, h)),
            kernel(keys[2], (s, h)),
        )

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> SCRNCarry:
        return zero_carry(SCRNCarry, batch_shape, dtype, h=self.hidden_size, s=self.update_size)

    def project(self, params: SCRNParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x)

    def step(
        self, params: SCRNParams, carry: SCRNCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[SCRNCarry, jax.Array]:
        fast, slow = jnp.split(z, [self.hidden_size], axis=-1)
        s = self.alpha * carry.s + (1 - self.alpha) * noise.on_update(slow)
        a = fast + recur(s, params.w_s) + recur(noise.on_state(carry.h), params.w_h)
        (h,) = gates(a, ("sigmoid",))
        return settled(carry, SCRNCarry(h, s), jnp.concatenate([h, s], axis=-1), z)
