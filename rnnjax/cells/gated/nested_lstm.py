"""The long short-term memory whose memory is one itself."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import recur, settled, zero_carry
from rnnjax.gated_cell import GatedCell, GatedParams
from rnnjax.hyperparameters import Activation, Size
from rnnjax.noise import SILENCE, Noise


class NestedLSTMCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]`` and the memories ``c [..., L, H]``, outermost first.

    What is behind the first of them is the state and the memory of the cell inside.
    """

    h: jax.Array
    c: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class NestedLSTM(GatedCell):
    r"""Long short-term memory whose memory is not a sum, but what another one inside of it gives.

    .. math::
        i^l, f^l, o^l &= \sigma(x^l W_x^l + h^l W_h^l + b^l) \\
        g^l &= \phi^l(x^l W_{xg}^l + h^l W_{hg}^l + b_g^l) \\
        x^{l+1} &= i^l \odot g^l, \qquad h^{l+1} = f^l \odot c^l_{t-1} \\
        c^L_t &= h^{L+1} + x^{L+1} \\
        c^{l-1}_t &= o^l \odot \tanh(c^l_t), \qquad h_t = c^0_t, \qquad y_t = h_t

    for l = 1…L, from x¹ the input and h¹ the previous state; φ¹ is a field, the others are tanh.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units of each level.
        depth: L, how many are nested.
        activation: φ¹, of the outermost candidate, a name in `rnnjax.activations.ACTIVATIONS`.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`; the forget gates'
            biases begin at 1 more.
        use_bias: whether there are biases.

    Parameters: a tuple of `GatedParams`, one for each level, in the order i, f, g, o. Carry:
    `NestedLSTMCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.LSTM` with ``depth=1`` and ``activation="tanh"``. With tanh it also equals
    hannw/nlstm without peepholes. In titu1994/Nested-LSTM the input gate is added, where it should
    multiply.

    >>> cell = NestedLSTM(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> carry.c.shape
    (2, 2)

    Source: J. R. A. Moniz, D. Krueger, "Nested LSTMs", ACML 2017, arXiv:1801.10308; there is no
    official code: the nesting was checked in three independent ones, that the paper's outermost
    candidate is linear was not established.
    """

    depth: Size = 2
    activation: Activation = "linear"

    gate_names = ("i", "f", "g", "o")
    first_biases: ClassVar = {"f": 1.0}
    carry_type = NestedLSTMCarry

    def init(self, key: jax.Array) -> tuple[GatedParams, ...]:
        outer, *keys = jax.random.split(key, self.depth)
        inside = dataclasses.replace(self, input_size=self.hidden_size)
        return (super().init(outer), *(GatedCell.init(inside, own) for own in keys))

    def initial_carry(
        self, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> NestedLSTMCarry:
        memories = self.depth, self.hidden_size
        return zero_carry(NestedLSTMCarry, batch_shape, dtype, h=self.hidden_size, c=memories)

    def project(self, params: tuple[GatedParams, ...], x: jax.Array) -> jax.Array:
        return super().project(params[0], x)

    def step(
        self,
        params: tuple[GatedParams, ...],
        carry: NestedLSTMCarry,
        z: jax.Array,
        noise: Noise = SILENCE,
    ) -> tuple[NestedLSTMCarry, jax.Array]:
        a = self.sums(params[0], carry.h, z, noise)
        opened = []
        for level in range(self.depth):
            phi = "tanh" if level else self.activation
            i, f, g, o = gates(a, ("sigmoid", "sigmoid", phi, "sigmoid"))
            opened.append(o)
            kept = f * carry.c[..., level, :]
            if level + 1 < self.depth:
                own = params[level + 1]
                a = recur(i * g, own.w_x, own.b) + recur(kept, own.w_h)
        # Of the innermost level, the last one.
        memories = [kept + i * noise.on_update(g)]
        for o in reversed(opened):
            memories.append(o * jnp.tanh(memories[-1]))
        *c, h = memories
        c = jnp.stack(c[::-1], axis=-2)
        return settled(carry, NestedLSTMCarry(h, c), h, z)
