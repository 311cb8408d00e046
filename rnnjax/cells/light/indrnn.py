"""The independently recurrent network."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp

from rnnjax.activations import ACTIVATIONS
from rnnjax.cell import settled
from rnnjax.cells.light.diagonal import DiagonalCell, DiagonalParams
from rnnjax.gated_cell import HiddenCarry
from rnnjax.hyperparameters import Activation, Real
from rnnjax.noise import SILENCE, Noise


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
