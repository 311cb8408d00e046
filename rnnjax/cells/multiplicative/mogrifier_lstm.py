"""The long short-term memory whose input and state gate each other first."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, check_input, recur, settled
from rnnjax.gated_cell import GatedCell, MemoryCarry
from rnnjax.hyperparameters import Flag, Size
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.noise import SILENCE, Noise


class MogrifierLSTMParams(NamedTuple):
    """Parameters.

    Gates in the order i, f, g, o: ``w_x [D, 4H]``, ``w_h [H, 4H]``, ``b [4H]``. Of the Q rounds
    that gate the input ``q [Q, H, D]``, ``b_q [Q D]``; of the R that gate the state
    ``r [R, D, H]``, ``b_r [R H]``. Of rank K ``q [Q, H, K]`` with ``q_out [Q, K, D]`` behind it,
    and ``r [R, D, K]`` with ``r_out [R, K, H]``. None where absent.
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None
    q: jax.Array
    r: jax.Array | None
    b_q: jax.Array | None = None
    b_r: jax.Array | None = None
    q_out: jax.Array | None = None
    r_out: jax.Array | None = None


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MogrifierLSTM(GatedCell):
    r"""Long short-term memory before whose step input and state scale each other in turns.

    .. math::
        x^{-1} &= x_t, \qquad h^0 = h_{t-1} \\
        x^k &= 2 \sigma(h^{k-1} Q^k + b^k) \odot x^{k-2} \quad \text{for odd } k \\
        h^k &= 2 \sigma(x^{k-1} R^k + b^k) \odot h^{k-2} \quad \text{for even } k \\
        h_t, c_t &= \mathrm{LSTM}(x^*, h^*, c_{t-1}), \qquad y_t = h_t

    where :math:`x^*` and :math:`h^*` are the last of them after all rounds.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        rounds: how many times one is scaled by the other; the paper takes 5 or 6.
        rank: that of Q and R, which are then products of two matrices; None for full.
        mogrify_bias: whether they have biases, which begin at 0; none where `use_bias` is False.
        cap_input_gate: whether the input gate is at most 1 - f, as unless told in the authors'
            code.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`, with Q and R as
            :math:`W_x`; the forget gate's bias begins at 1 more.
        use_bias: whether there are biases.

    Parameters: `MogrifierLSTMParams`. Carry: `MemoryCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.LSTM` where Q, R and their biases are 0. Nothing of it can be computed before
    the state is known, so that each step has the product of the input too.

    >>> cell = MogrifierLSTM(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: G. Melis, T. Kočiský, P. Blunsom, "Mogrifier LSTM", ICLR 2020, arXiv:1909.01792;
    ``lamb/tiled_lstm.py`` of deepmind/lamb.
    """

    rounds: Size = 5
    rank: Size | None = None
    mogrify_bias: Flag = True
    cap_input_gate: Flag = False

    gate_names = ("i", "f", "g", "o")
    first_biases: ClassVar = {"f": 1.0}
    carry_type = MemoryCarry

    def init(self, key: jax.Array) -> MogrifierLSTMParams:
        keys = jax.random.split(key, 3)
        w_x, w_h, b = GatedCell.init(self, keys[0])
        d, h = self.input_size, self.hidden_size
        states = self.rounds // 2
        inputs = self.rounds - states
        q, q_out = self._stack(keys[1], inputs, h, d)
        r, r_out = self._stack(keys[2], states, d, h) if states else (None, None)
        b_q = b_r = None
        if self.mogrify_bias and self.use_bias:
            b_q, b_r = jnp.zeros(inputs * d), jnp.zeros(states * h) if states else None
        return MogrifierLSTMParams(w_x, w_h, b, q, r, b_q, b_r, q_out, r_out)

    def _stack(
        self, key: jax.Array, count: int, inputs: int, width: int
    ) -> tuple[jax.Array, jax.Array | None]:
        draw = INITIALIZATIONS[self.initialization].kernel(self.hidden_size)
        shapes = (
            [(inputs, width)] if self.rank is None else [(inputs, self.rank), (self.rank, width)]
        )
        first, *second = (
            jnp.stack([draw(own, shape) for own in jax.random.split(part, count)])
            for part, shape in zip(jax.random.split(key, len(shapes)), shapes, strict=True)
        )
        return first, second[0] if second else None

    def project(self, params: MogrifierLSTMParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return x.astype(jnp.result_type(x, params.w_x))

    def step(
        self, params: MogrifierLSTMParams, carry: MemoryCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[MemoryCarry, jax.Array]:
        x, h = z, noise.on_state(carry.h).astype(params.w_h.dtype)
        for k in range(self.rounds):
            if k % 2 == 0:
                x = x * _scale(h, k // 2, params.q, params.q_out, params.b_q)
            else:
                h = h * _scale(x, k // 2, params.r, params.r_out, params.b_r)
        a = affine(x, params.w_x, params.b) + recur(h, params.w_h)
        i, f, g, o = gates(a, ("sigmoid", "sigmoid", "tanh", "sigmoid"))
        i = jnp.minimum(i, 1 - f) if self.cap_input_gate else i
        c = f * carry.c + i * noise.on_update(g)
        h = o * jnp.tanh(c)
        return settled(carry, MemoryCarry(h, c), h, z)


def _scale(
    seen: jax.Array, k: int, w: jax.Array | None, out: jax.Array | None, b: jax.Array | None
) -> jax.Array:
    """What one of both is multiplied by in the round `k` of its own."""
    assert w is not None
    a = recur(seen, w[k])
    a = a if out is None else affine(a, out[k])
    if b is not None:
        a = a + jnp.broadcast_to(jnp.split(b, len(w))[k], a.shape)
    return 2 * jax.nn.sigmoid(a)
