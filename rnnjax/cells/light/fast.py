"""The cells that mix the old state and the new by learned scalars, with small matrices."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import ACTIVATIONS, gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.fused_cell import FusedCell
from rnnjax.gated_cell import HiddenCarry
from rnnjax.hyperparameters import Activation, Flag, Size
from rnnjax.noise import SILENCE, Noise


class FastRNNParams(NamedTuple):
    """Parameters.

    ``w_x [D, H]`` and ``w_h [H, H]``, or of rank R ``[D, R]`` and ``[H, R]`` with ``w_x_out`` and
    ``w_h_out [R, H]`` behind them; ``b [H]``; before the logistic function ``alpha [1]`` and
    ``beta [1]`` (None where absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None
    alpha: jax.Array
    beta: jax.Array
    w_x_out: jax.Array | None = None
    w_h_out: jax.Array | None = None


class FastGRNNParams(NamedTuple):
    """Parameters.

    Matrices as of `FastRNNParams`, each shared by gate and candidate; ``b [2H]`` in the order z, n;
    before the logistic function ``zeta [1]`` and ``nu [1]`` (None where absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None
    zeta: jax.Array
    nu: jax.Array
    w_x_out: jax.Array | None = None
    w_h_out: jax.Array | None = None


@dataclasses.dataclass(frozen=True)
class _Fast(FusedCell):
    """What both have in common: one matrix of the input and one of the state, two scalars."""

    activation: Activation = "tanh"
    input_rank: Size | None = None
    state_rank: Size | None = None
    use_bias: Flag = dataclasses.field(default=True, kw_only=True)

    carry_type: ClassVar[type] = HiddenCarry
    params_type: ClassVar[type]
    num_biases: ClassVar[int]
    first_scalars: ClassVar[tuple[float, float]]

    def init(self, key: jax.Array) -> Any:
        h = self.hidden_size
        keys = jax.random.split(key, 2)
        w_x, w_x_out = _draw(keys[0], self.input_size, self.input_rank, h)
        w_h, w_h_out = _draw(keys[1], h, self.state_rank, h)
        b = jnp.ones(self.num_biases * h) if self.use_bias else None
        scalars = (jnp.full(1, value) for value in self.first_scalars)
        return self.params_type(w_x, w_h, b, *scalars, w_x_out, w_h_out)

    def product_of_state(self, params: Any, h: jax.Array, noise: Noise) -> jax.Array:
        u = recur(noise.on_state(h), params.w_h)
        return u if params.w_h_out is None else affine(u, params.w_h_out)

    def project(self, params: Any, x: jax.Array) -> jax.Array:
        check_input(self, x)
        z = affine(x, params.w_x)
        z = z if params.w_x_out is None else affine(z, params.w_x_out)
        z = jnp.concatenate([z] * self.num_biases, axis=-1)
        return z if params.b is None else z + jnp.broadcast_to(params.b, z.shape)


def _draw(
    key: jax.Array, inputs: int, rank: int | None, width: int
) -> tuple[jax.Array, jax.Array | None]:
    if rank is None:
        return 0.1 * jax.random.normal(key, (inputs, width)), None
    keys = jax.random.split(key)
    shapes = (inputs, rank), (rank, width)
    w, out = (0.1 * jax.random.normal(k, shape) for k, shape in zip(keys, shapes, strict=True))
    return w, out


def _share(raw: jax.Array, like: jax.Array) -> jax.Array:
    """A scalar between 0 and 1, one for all units."""
    return jnp.broadcast_to(jax.nn.sigmoid(raw), like.shape)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class FastRNN(_Fast):
    r"""Simple recurrent cell with a weighted residual: two scalars say what stays and what enters.

    .. math::
        n_t &= \phi(x_t W_x + h_{t-1} W_h + b) \\
        h_t &= \sigma(\alpha) n_t + \sigma(\beta) h_{t-1}, \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.
        input_rank: that of :math:`W_x`, which is then a product of two matrices; None for full.
        state_rank: that of :math:`W_h`, likewise.
        use_bias: whether there is a bias.

    Parameters: `FastRNNParams`. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size or rank is not a positive integer, or a name is unknown.

    Equals `rnnjax.SimpleRNN` where α is large and -β too, and a leaky integrator where β = -α.

    At first matrices, or both factors of one, are normal with deviation 0.1, the bias is 1, α = -3
    and β = 3, so that a twentieth of the state is replaced in a step. torchrecurrent and
    RecurrentLayers.jl begin with α = 3 and β = -3.

    >>> cell = FastRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: A. Kusupati et al., "FastGRNN: a fast, accurate, stable and tiny kilobyte sized gated
    recurrent neural network", NeurIPS 2018, arXiv:1901.02358, equation 2 and for the ranks 7;
    first values of ``pytorch/edgeml_pytorch/graph/rnn.py`` of microsoft/EdgeML.
    """

    params_type = FastRNNParams
    num_biases = 1
    first_scalars = (-3.0, 3.0)

    def step(
        self, params: FastRNNParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        n = ACTIVATIONS[self.activation](z + self.product_of_state(params, carry.h, noise))
        h = _share(params.alpha, n) * noise.on_update(n) + _share(params.beta, n) * carry.h
        return settled(carry, HiddenCarry(h), h, z)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class FastGRNN(_Fast):
    r"""Gated cell whose gate and candidate have one matrix of the input and one of the state.

    .. math::
        a_t &= x_t W_x + h_{t-1} W_h \\
        z_t &= \sigma_g(a_t + b_z), \qquad n_t = \phi(a_t + b_n) \\
        h_t &= (\sigma(\zeta) (1 - z_t) + \sigma(\nu)) \odot n_t + z_t \odot h_{t-1},
               \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.
        input_rank: that of :math:`W_x`, which is then a product of two matrices; None for full.
        state_rank: that of :math:`W_h`, likewise.
        recurrent_activation: σ_g, a name as that of φ; the activation of the gate.
        use_bias: whether there are biases.

    Parameters: `FastGRNNParams`. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size or rank is not a positive integer, or a name is unknown.

    Equals `rnnjax.GRU` with ``reset_after=False`` whose reset gate is open and whose update gate
    and candidate have the same matrices, where ζ and -ν are large.

    At first matrices, or both factors of one, are normal with deviation 0.1, biases are 1, ζ = 1
    and ν = -4. torchrecurrent begins with ζ = 3 and ν = -3, and its gate is a tanh unless told.
    That matrices become sparse and of few bits is part of the paper's training, not of its cell.

    >>> cell = FastGRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: as of `FastRNN`, equation 6 and for the ranks 7.
    """

    recurrent_activation: Activation = "sigmoid"

    params_type = FastGRNNParams
    num_biases = 2
    first_scalars = (1.0, -4.0)

    def step(
        self, params: FastGRNNParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        u = self.product_of_state(params, carry.h, noise)
        a_z, a_n = jnp.split(z + jnp.concatenate([u, u], axis=-1), 2, axis=-1)
        (gate,) = gates(a_z, (self.recurrent_activation,))
        n = ACTIVATIONS[self.activation](a_n)
        enters = _share(params.zeta, n) * (1 - gate) + _share(params.nu, n)
        h = enters * noise.on_update(n) + gate * carry.h
        return settled(carry, HiddenCarry(h), h, z)
