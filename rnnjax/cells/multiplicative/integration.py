"""The cells that multiply the products of input and state where others add them."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.gated_cell import GatedCell, HiddenCarry, MemoryCarry, lstm_step
from rnnjax.hyperparameters import Real
from rnnjax.noise import SILENCE, Noise


class IntegrationParams(NamedTuple):
    """Parameters of G gates, fused.

    ``w_x [D, G H]``, ``w_h [H, G H]``, ``b [G H]`` (None where absent), and the weights of the
    product, of the state and of the input, ``alpha``, ``beta_h`` and ``beta_x [G H]``.
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None
    alpha: jax.Array
    beta_h: jax.Array
    beta_x: jax.Array


class Projected(NamedTuple):
    """What depends on the input alone, ``[..., G H]``: gates are linear in the state's product."""

    slope: jax.Array
    offset: jax.Array


@dataclasses.dataclass(frozen=True)
class IntegrationCell(GatedCell):
    r"""A cell whose gates are sums and products of what input and state give.

    .. math::
        a_t = \alpha \odot (x_t W_x) \odot (h_{t-1} W_h)
              + \beta_h \odot (h_{t-1} W_h) + \beta_x \odot (x_t W_x) + b
    """

    alpha: Real = 1.0
    beta_h: Real = 1.0
    beta_x: Real = 1.0

    def init(self, key: jax.Array) -> IntegrationParams:
        w_x, w_h, b = GatedCell.init(self, key)
        weights = (self.alpha, self.beta_h, self.beta_x)
        return IntegrationParams(
            w_x, w_h, b, *(jnp.full(w_x.shape[1:], first, w_x.dtype) for first in weights)
        )

    def project(self, params: Any, x: jax.Array) -> Projected:
        check_input(self, x)
        own = affine(x, params.w_x)
        alpha, beta_h, beta_x = (
            jnp.broadcast_to(weight, own.shape)
            for weight in (params.alpha, params.beta_h, params.beta_x)
        )
        offset = beta_x * own
        if params.b is not None:
            offset = offset + jnp.broadcast_to(params.b, own.shape)
        return Projected(alpha * own + beta_h, offset)

    def sums(self, params: Any, h: jax.Array, z: Any, noise: Noise) -> jax.Array:
        """The gates before their activations, ``[..., G H]``, of a state ``h [..., H]``."""
        return z.slope * recur(noise.on_state(h), params.w_h) + z.offset


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MIRNN(IntegrationCell):
    r"""Simple recurrent cell with multiplicative integration.

    .. math::
        h_t = \tanh(\alpha \odot (x_t W_x) \odot (h_{t-1} W_h) + \beta_h \odot (h_{t-1} W_h)
              + \beta_x \odot (x_t W_x) + b), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        alpha: what the weights of the product begin with.
        beta_h: what those of the state begin with.
        beta_x: what those of the input begin with.
        initialization: of matrices and bias, "keras" or "torch", as of
            `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there is a bias.

    Parameters: `IntegrationParams`. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, a number is not finite, or a name is unknown.

    Equals `rnnjax.SimpleRNN` where α is 0 and both β are 1. The equations were checked in
    re-implementations, which begin with ones, not in the paper, whose first values for each task
    are not established. RecurrentLayers.jl's ``integration_mode`` has the product alone.

    >>> cell = MIRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: Y. Wu et al., "On multiplicative integration with recurrent neural networks",
    NIPS 2016, arXiv:1606.06630.
    """

    gate_names = ("h",)
    noise_places = ("state",)

    def step(
        self, params: IntegrationParams, carry: HiddenCarry, z: Projected, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        h = jnp.tanh(self.sums(params, carry.h, z, noise))
        return settled(carry, HiddenCarry(h), h, z.offset)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MILSTM(IntegrationCell):
    r"""Long short-term memory with multiplicative integration.

    .. math::
        a_t &= \alpha \odot (x_t W_x) \odot (h_{t-1} W_h)
               + \beta_h \odot (h_{t-1} W_h) + \beta_x \odot (x_t W_x) + b \\
        i_t, f_t, g_t, o_t &= \sigma(a_{ti}), \sigma(a_{tf}), \tanh(a_{tg}), \sigma(a_{to}) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        h_t &= o_t \odot \tanh(c_t), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        alpha: what the weights of the product begin with.
        beta_h: what those of the state begin with.
        beta_x: what those of the input begin with.
        initialization: of matrices and biases, "keras" or "torch", as of
            `rnnjax.gated_cell.GatedCell`; the forget gate's bias begins at 1 more.
        use_bias: whether there are biases.

    Parameters: `IntegrationParams`, in the order i, f, g, o. Carry: `MemoryCarry`. Output:
    ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, a number is not finite, or a name is unknown.

    Equals `rnnjax.LSTM` where α is 0 and both β are 1.

    >>> cell = MILSTM(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: as of `MIRNN`.
    """

    gate_names = ("i", "f", "g", "o")
    first_biases: ClassVar = {"f": 1.0}
    carry_type = MemoryCarry

    def step(
        self, params: IntegrationParams, carry: MemoryCarry, z: Projected, noise: Noise = SILENCE
    ) -> tuple[MemoryCarry, jax.Array]:
        a = self.sums(params, carry.h, z, noise)
        return lstm_step(carry, a, z.offset, noise)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MIGRU(IntegrationCell):
    r"""Gated recurrent unit with multiplicative integration.

    .. math::
        a_t(s) &= \alpha \odot (x_t W_x) \odot (s W_h)
                  + \beta_h \odot (s W_h) + \beta_x \odot (x_t W_x) + b \\
        r_t, z_t &= \sigma(a_{tr}(h_{t-1})), \sigma(a_{tz}(h_{t-1})) \\
        n_t &= \tanh(a_{tn}(r_t \odot h_{t-1})) \\
        h_t &= z_t \odot h_{t-1} + (1 - z_t) \odot n_t, \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        alpha: what the weights of the product begin with.
        beta_h: what those of the state begin with.
        beta_x: what those of the input begin with.
        initialization: of matrices and biases, "keras" or "torch", as of
            `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases.

    Parameters: `IntegrationParams`, in the order r, z, n. Carry: `HiddenCarry`. Output:
    ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, a number is not finite, or a name is unknown.

    Equals `rnnjax.GRU` with ``reset_after=False`` where α is 0 and both β are 1.

    >>> cell = MIGRU(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: as of `MIRNN`.
    """

    gate_names = ("r", "z", "n")

    def step(
        self, params: IntegrationParams, carry: HiddenCarry, z: Projected, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        size = 2 * self.hidden_size
        w_gates, w_n = params.w_h[:, :size], params.w_h[:, size:]
        read = noise.on_state(carry.h)
        of_gates = z.slope[..., :size] * recur(read, w_gates) + z.offset[..., :size]
        r, keep = gates(of_gates, ("sigmoid", "sigmoid"))
        n = jnp.tanh(z.slope[..., size:] * recur(r * read, w_n) + z.offset[..., size:])
        h = keep * carry.h + (1 - keep) * noise.on_update(n)
        return settled(carry, HiddenCarry(h), h, z.offset)
