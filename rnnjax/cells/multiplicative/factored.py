"""The cells whose state is multiplied by the input before it reaches the gates."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.gated_cell import GatedCell, HiddenCarry, MemoryCarry, lstm_step
from rnnjax.hyperparameters import Size
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.noise import SILENCE, Noise


class FactoredParams(NamedTuple):
    """Parameters of G gates, fused, that see F factors in the place of the state.

    ``w_x [D, G H]``, ``w_h [F, G H]``, ``b [G H]`` (None where absent); of the factors
    ``w_mx [D, F]``, ``w_mh [H, F]``.
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None
    w_mx: jax.Array
    w_mh: jax.Array


class Projected(NamedTuple):
    """What depends on the input alone: ``[..., G H]`` for the gates, ``[..., F]`` a factor."""

    gates: jax.Array
    factor: jax.Array


@dataclasses.dataclass(frozen=True)
class FactoredCell(GatedCell):
    r"""A cell whose gates see, in the place of the state, its product with the input.

    .. math:: m_t = (x_t W_{mx}) \odot (h_{t-1} W_{mh}), \qquad a_t = x_t W_x + m_t W_h + b
    """

    @property
    def num_factors(self) -> int:
        """F."""
        return self.hidden_size

    def init(self, key: jax.Array) -> FactoredParams:
        chosen, keys = INITIALIZATIONS[self.initialization], jax.random.split(key, 4)
        h, factors = self.hidden_size, self.num_factors
        w_x, w_h, b = GatedCell.init(self, keys[0])
        if factors != h:
            w_h = chosen.recurrent_kernel(h)(keys[1], (factors, w_h.shape[-1]))
        return FactoredParams(
            w_x, w_h, b,
            chosen.kernel(h)(keys[2], (self.input_size, factors)),
            chosen.recurrent_kernel(h)(keys[3], (h, factors)),
        )  # fmt: skip

    def project(self, params: Any, x: jax.Array) -> Projected:
        check_input(self, x)
        both = affine(x, jnp.concatenate([params.w_x, params.w_mx], axis=-1))
        width = params.w_x.shape[-1]
        own = both[..., :width]
        if params.b is not None:
            own = own + jnp.broadcast_to(params.b, own.shape)
        return Projected(own, both[..., width:])

    def sums(self, params: Any, h: jax.Array, z: Any, noise: Noise) -> jax.Array:
        """The gates before their activations, ``[..., G H]``, of a state ``h [..., H]``."""
        m = z.factor * recur(noise.on_state(h), params.w_mh)
        return z.gates + recur(m, params.w_h)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MultiplicativeRNN(FactoredCell):
    r"""Simple recurrent cell whose matrix of the state is another one for every input.

    .. math::
        m_t &= (x_t W_{mx}) \odot (h_{t-1} W_{mh}) \\
        h_t &= \tanh(x_t W_x + m_t W_h + b), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        factors: F, features of m; None for H.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there is a bias.

    Parameters: `FactoredParams`. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.SimpleRNN` with the matrix :math:`W_{mh} W_h` of the state where
    :math:`x_t W_{mx}` is 1. Checked in re-implementations, not in the paper, which trains with a
    Hessian-free optimiser; the first values are not from it. RecurrentLayers.jl hands m
    to any cell as its state, so that a gated one interpolates with it.

    >>> cell = MultiplicativeRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: I. Sutskever, J. Martens, G. Hinton, "Generating text with recurrent neural networks",
    ICML 2011.
    """

    factors: Size | None = None

    gate_names = ("h",)
    noise_places = ("state",)

    @property
    def num_factors(self) -> int:
        return self.factors or self.hidden_size

    def step(
        self, params: FactoredParams, carry: HiddenCarry, z: Projected, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        h = jnp.tanh(self.sums(params, carry.h, z, noise))
        return settled(carry, HiddenCarry(h), h, z.gates)


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MultiplicativeLSTM(FactoredCell):
    r"""Long short-term memory whose gates see the product of input and state.

    .. math::
        m_t &= (x_t W_{mx}) \odot (h_{t-1} W_{mh}) \\
        i_t &= \sigma(x_t W_{xi} + m_t W_{hi} + b_i) \\
        f_t &= \sigma(x_t W_{xf} + m_t W_{hf} + b_f) \\
        g_t &= \tanh(x_t W_{xg} + m_t W_{hg} + b_g) \\
        o_t &= \sigma(x_t W_{xo} + m_t W_{ho} + b_o) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        h_t &= o_t \odot \tanh(c_t), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`; the forget gate's
            bias begins at 1 more.
        use_bias: whether there are biases.

    Parameters: `FactoredParams`, in the order i, f, g, o, and F = H. Carry: `MemoryCarry`. Output:
    ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.LSTM` where :math:`x_t W_{mx}` is 1 and :math:`W_{mh}` the identity. Of the
    authors' two codes this is the one in Chainer, without its normalised weights; the one in MATLAB
    has a linear candidate and the output gate inside the last tanh. torchrecurrent adds a bias to
    both factors of m. The matrix memory of the xLSTM, `rnnjax.MLSTM`, is another cell.

    >>> cell = MultiplicativeLSTM(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: B. Krause, L. Lu, I. Murray, S. Renals, "Multiplicative LSTM for sequence modelling",
    arXiv:1609.07959; ``chainer/mLSTMWN.py`` of benkrause/mLSTM.
    """

    gate_names = ("i", "f", "g", "o")
    first_biases: ClassVar = {"f": 1.0}
    carry_type = MemoryCarry

    def step(
        self, params: FactoredParams, carry: MemoryCarry, z: Projected, noise: Noise = SILENCE
    ) -> tuple[MemoryCarry, jax.Array]:
        a = self.sums(params, carry.h, z, noise)
        return lstm_step(carry, a, z.gates, noise)
