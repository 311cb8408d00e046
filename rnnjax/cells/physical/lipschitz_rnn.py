"""The Lipschitz recurrent network."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import recur, settled
from rnnjax.gated_cell import HiddenCarry
from rnnjax.hyperparameters import Flag, Positive, Real
from rnnjax.noise import SILENCE, Noise
from rnnjax.physical_cell import PhysicalCell, tilted


class LipschitzRNNParams(NamedTuple):
    """Parameters ``w_x [D, G H]``, ``w_a [H, H]``, ``w_h [H, H]`` and ``b [G H]`` or None.

    G is 1, or 2 with a gate, in the order gate, candidate.
    """

    w_x: jax.Array
    w_a: jax.Array
    w_h: jax.Array
    b: jax.Array | None = None


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class LipschitzRNN(PhysicalCell):
    r"""A step of a differential equation with a linear part and a part of bounded slope.

    .. math::
        S(M; \beta, \gamma) &= \beta (M - M^\top) + (1 - \beta) (M + M^\top) - \gamma I \\
        h_t &= h_{t-1} + \varepsilon\, g_t \odot \left( \alpha\, h_{t-1} S(M_A)
               + \tanh(x_t W_x + h_{t-1} S(M_W) + b) \right), \qquad y_t = h_t \\
        g_t &= \sigma(x_t W_g + h_{t-1} S(M_W) + b_g) \text{ with a gate, else } 1

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        step_size: ε; this and the next five are those of the authors' driver.
        alpha: α.
        beta_a: β of M_A, between ½ and 1 in the paper.
        gamma_a: γ of M_A.
        beta_w: β of M_W; the authors' code has one β and one γ for both.
        gamma_w: γ of M_W.
        gated: whether there is a gate.
        use_bias: whether there are biases.

    Parameters: `LipschitzRNNParams`, M_A as ``w_a`` and M_W as ``w_h``; at first both are normal
    with standard deviation 1/H, as in the authors' code, W_x is Glorot normal and b is 0. Carry:
    `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a number is none.

    Equals `rnnjax.AntisymmetricRNN` where M_A and γ_A are 0 and β_W is 1. The step is Euler's; the
    paper also takes two stages of Runge and Kutta. rnn-jax subtracts the number γ, not γ h.

    >>> cell = LipschitzRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: N. B. Erichson, O. Azencot, A. Queiruga, L. Hodgkinson, M. W. Mahoney, "Lipschitz
    recurrent neural networks", ICLR 2021, arXiv:2006.12070; ``models.py`` of erichson/LipschitzRNN.
    """

    step_size: Positive = 0.1
    alpha: Real = 1.0
    beta_a: Real = 0.7
    gamma_a: Real = 0.001
    beta_w: Real = 0.7
    gamma_w: Real = 0.001
    gated: Flag = False

    def init(self, key: jax.Array) -> LipschitzRNNParams:
        d, h, keys = self.input_size, self.hidden_size, jax.random.split(key, 3)
        glorot, parts = jax.nn.initializers.glorot_normal(), 1 + self.gated
        # Each of the two is a layer of its own, by whose width it is drawn.
        w_x = [glorot(own, (d, h)) for own in jax.random.split(keys[0], parts)]
        return LipschitzRNNParams(
            jnp.concatenate(w_x, axis=-1),
            jax.random.normal(keys[1], (h, h)) / h, jax.random.normal(keys[2], (h, h)) / h,
            jnp.zeros((parts * h,)) if self.use_bias else None,
        )  # fmt: skip

    def step(
        self, params: LipschitzRNNParams, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        read = noise.on_state(carry.h)
        w_h = recur(read, tilted(params.w_h, self.beta_w, self.gamma_w))
        w_a = recur(read, tilted(params.w_a, self.beta_a, self.gamma_a))
        if self.gated:
            gate, n = gates(z + jnp.concatenate([w_h, w_h], axis=-1), ("sigmoid", "tanh"))
        else:
            gate, n = 1, jnp.tanh(z + w_h)
        slope = noise.on_update(self.alpha * w_a + n)
        h = carry.h + self.step_size * gate * slope
        return settled(carry, HiddenCarry(h), h, z)
