"""The unit whose two gates are a sum and a difference."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax

from rnnjax.activations import gates
from rnnjax.cell import recur, settled
from rnnjax.gated_cell import GatedCell, HiddenCarry
from rnnjax.hyperparameters import Flag
from rnnjax.noise import SILENCE, Noise


class ATRParams(NamedTuple):
    """Parameters ``w_x [D, H]``, ``w_h [H, H]``, ``b [H]``, ``b_h [H]`` (None where absent)."""

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None = None
    b_h: jax.Array | None = None


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class ATR(GatedCell):
    r"""Addition-subtraction twin-gated unit: both gates come of the same two products.

    .. math::
        p_t &= x_t W_x + b, \qquad q_t = h_{t-1} W_h + b_h \\
        i_t &= \sigma(p_t + q_t), \qquad f_t = \sigma(p_t - q_t) \\
        h_t &= i_t \odot p_t + f_t \odot h_{t-1}, \qquad y_t = h_t

    The state has no bound.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases, which the paper's formula has not. The two can't be
            merged into one: b_h has opposite signs in the gates.

    Parameters: `ATRParams`. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals a linear recurrence for w_h = 0 and b_h = 0: σ(p) times the sum of p and the old state.
    Of the authors' two codes that in TensorFlow has no biases, and that in PyTorch has both.

    >>> cell = ATR(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jax.numpy.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: B. Zhang et al., "Simplifying neural machine translation with addition-subtraction
    twin-gated recurrent networks", EMNLP 2018, arXiv:1810.12546; bzhangGo/ATR,
    ``lm/tensorflow-lm/atr.py`` and ``lm/pytorch-lm/rnn/atr.py``.
    """

    use_bias: Flag = dataclasses.field(default=False, kw_only=True)

    gate_names = ("p",)

    def init(self, key: jax.Array) -> ATRParams:
        return ATRParams(*self.draw_gates(key, num_gates=1, two_biases=True))

    def step(
        self, params: ATRParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        q = recur(noise.on_state(carry.h), params.w_h, params.b_h)
        i, f = (gates(a, ("sigmoid",))[0] for a in (z + q, z - q))
        h = i * noise.on_update(z) + f * carry.h
        return settled(carry, HiddenCarry(h), h, z)
