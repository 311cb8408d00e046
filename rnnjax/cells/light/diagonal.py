"""The cells whose every unit sees of the state only what is its own."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import ACTIVATIONS, gates
from rnnjax.cell import settled
from rnnjax.gated_cell import GatedCell, HiddenCarry, MemoryCarry, lstm_step
from rnnjax.hyperparameters import Activation, Real
from rnnjax.noise import SILENCE, Noise


class DiagonalParams(NamedTuple):
    """Parameters of G gates, fused: ``w_x [D, G H]``, ``u [G H]``, ``b [G H]`` (None where absent).

    `u` holds the diagonals of what would be the matrices of the state.
    """

    w_x: jax.Array
    u: jax.Array
    b: jax.Array | None = None


@dataclasses.dataclass(frozen=True)
class DiagonalCell(GatedCell):
    r"""A cell whose gates are sums of a product of the input and a multiple of the own state.

    .. math:: a_t = x_t W_x + b + u \odot h_{t-1}
    """

    def draw_diagonals(self, key: jax.Array, least: float, largest: float) -> DiagonalParams:
        """The parameters, with `u` uniform between two numbers."""
        keys = jax.random.split(key)
        w_x, _, b = GatedCell.init(self, keys[0])
        u = jax.random.uniform(keys[1], w_x.shape[1:], w_x.dtype, minval=least, maxval=largest)
        return DiagonalParams(w_x, u, b)

    def init(self, key: jax.Array) -> DiagonalParams:
        return self.draw_diagonals(key, -1.0, 1.0)

    def sums(self, params: Any, h: jax.Array, z: jax.Array, noise: Noise) -> jax.Array:
        """The gates before their activations, ``[..., G H]``, of a state ``h [..., H]``."""
        return z + scaled(noise.on_state(h), params.u)


def scaled(h: jax.Array, u: jax.Array) -> jax.Array:
    """A state ``h [..., H]`` times each of the fused diagonals ``u [G H]``: ``[..., G H]``."""
    h = h.astype(u.dtype)
    tiled = jnp.concatenate([h] * (u.shape[-1] // h.shape[-1]), axis=-1)
    return tiled * jnp.broadcast_to(u, tiled.shape)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class IndRNN(DiagonalCell):
    r"""Simple recurrent cell whose every unit sees its own previous value alone.

    .. math:: h_t = \phi(x_t W_x + b + u \odot h_{t-1}), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.
        least: u begins as uniform from this number on; the authors take it from `keeping` in the
            last layer of a network that has to see a whole sequence.
        largest: to this one.
        initialization: of :math:`W_x` and b, "keras" or "torch", as of
            `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there is a bias.

    Parameters: `DiagonalParams`. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, a number is not finite, or a name is unknown.

    Equals `rnnjax.SimpleRNN` with ``activation="relu"`` whose matrix of the state is diagonal. A
    unit whose ``|u|`` is above 1 grows without bounds where it stays open: the authors' training
    bounds it after every update, which `clip` does. TensorFlow 1's ``IndRNNCell``, torchrecurrent
    and Haste have tanh unless told, and the first draws u from ±1.

    >>> cell = IndRNN(input_size=3, hidden_size=2)
    >>> params = cell.clip(cell.init(jax.random.key(0)), 0.5)
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: S. Li et al., "Independently recurrent neural network (IndRNN): building a longer and
    deeper RNN", CVPR 2018, arXiv:1803.04831; first values of u in Sunnydreamrain/IndRNN_pytorch.
    """

    activation: Activation = "relu"
    least: Real = 0.0
    largest: Real = 1.0

    gate_names = ("h",)
    noise_places = ("state",)

    def init(self, key: jax.Array) -> DiagonalParams:
        return self.draw_diagonals(key, self.least, self.largest)

    @staticmethod
    def keeping(steps: int, factor: float) -> float:
        """The u that leaves a share 1/`factor` of a value after so many steps."""
        return factor ** (-1 / steps)

    @staticmethod
    def clip(params: DiagonalParams, bound: float) -> DiagonalParams:
        """The parameters with u between -`bound` and `bound`: for after an update of them."""
        return params._replace(u=jnp.clip(params.u, -bound, bound))

    def step(
        self, params: DiagonalParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        h = ACTIVATIONS[self.activation](self.sums(params, carry.h, z, noise))
        return settled(carry, HiddenCarry(h), h, z)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class IndyLSTM(DiagonalCell):
    r"""Long short-term memory whose gates see of the state their own unit alone.

    .. math::
        i_t &= \sigma(x_t W_i + u_i \odot h_{t-1} + b_i) \\
        f_t &= \sigma(x_t W_f + u_f \odot h_{t-1} + b_f) \\
        g_t &= \tanh(x_t W_g + u_g \odot h_{t-1} + b_g) \\
        o_t &= \sigma(x_t W_o + u_o \odot h_{t-1} + b_o) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        h_t &= o_t \odot \tanh(c_t), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: of W and b, "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`; the
            forget gate's bias begins at 1 more, and u is uniform between -1 and 1.
        use_bias: whether there are biases.

    Parameters: `DiagonalParams`, in the order i, f, g, o. Carry: `MemoryCarry`. Output:
    ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.LSTM` whose matrices of the state are diagonal. TensorFlow 1's ``IndyLSTMCell``
    adds 1 to the forget gate at every step.

    >>> cell = IndyLSTM(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: P. Gonnet, T. Deselaers, "IndyLSTMs: independently recurrent LSTMs", arXiv:1903.08023;
    first values of u in ``tensorflow/contrib/rnn/python/ops/rnn_cell.py`` of TensorFlow 1.
    """

    gate_names = ("i", "f", "g", "o")
    first_biases: ClassVar = {"f": 1.0}
    carry_type = MemoryCarry

    def step(
        self, params: DiagonalParams, carry: MemoryCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[MemoryCarry, jax.Array]:
        a = self.sums(params, carry.h, z, noise)
        return lstm_step(carry, a, z, noise)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class IndyGRU(DiagonalCell):
    r"""Gated recurrent unit whose gates see of the state their own unit alone.

    .. math::
        r_t &= \sigma(x_t W_r + u_r \odot h_{t-1} + b_r) \\
        z_t &= \sigma(x_t W_z + u_z \odot h_{t-1} + b_z) \\
        n_t &= \tanh(x_t W_n + u_n \odot (r_t \odot h_{t-1}) + b_n) \\
        h_t &= z_t \odot h_{t-1} + (1 - z_t) \odot n_t, \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: of W and b, "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`; the
            biases of r and z begin at 1 more, and u is uniform between -1 and 1.
        use_bias: whether there are biases.

    Parameters: `DiagonalParams`, in the order r, z, n. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.GRU` whose matrices of the state are diagonal: both with ``reset_after=False``,
    and without it where the state has no bias of its own.

    >>> cell = IndyGRU(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: as of `IndyLSTM`; ``IndyGRUCell`` there.
    """

    gate_names = ("r", "z", "n")
    first_biases: ClassVar = {"r": 1.0, "z": 1.0}

    def step(
        self, params: DiagonalParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        size = self.hidden_size
        read = noise.on_state(carry.h)
        of_gates = z[..., : 2 * size] + scaled(read, params.u[: 2 * size])
        r, keep = gates(of_gates, ("sigmoid", "sigmoid"))
        n = jnp.tanh(z[..., 2 * size :] + scaled(r * read, params.u[2 * size :]))
        h = keep * carry.h + (1 - keep) * noise.on_update(n)
        return settled(carry, HiddenCarry(h), h, z)
