"""The long short-term memory with a shortcut inside."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import affine, recur, settled
from rnnjax.gated_cell import GatedCell, MemoryCarry
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.noise import SILENCE, Noise


class ResidualLSTMParams(NamedTuple):
    """Parameters, gates fused in the order i, f, g, o, peepholes in the order i, f, o.

    ``w_x [D, 4H]``, ``w_h [H, 4H]``, ``p [3H]``, ``w_p [H, H]``, ``w_r [D, H]`` (None if D = H),
    ``b [4H]`` (None where absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    p: jax.Array
    w_p: jax.Array
    w_r: jax.Array | None = None
    b: jax.Array | None = None


class Projected(NamedTuple):
    """What depends on the input alone: the gates' ``[..., 4H]`` and the shortcut ``[..., H]``."""

    gates: jax.Array
    shortcut: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class ResidualLSTM(GatedCell):
    r"""Long short-term memory with peepholes, whose output gate also lets the input pass by.

    .. math::
        i_t &= \sigma(x_t W_{xi} + h_{t-1} W_{hi} + b_i + p_i \odot c_{t-1}) \\
        f_t &= \sigma(x_t W_{xf} + h_{t-1} W_{hf} + b_f + p_f \odot c_{t-1}) \\
        g_t &= \tanh(x_t W_{xg} + h_{t-1} W_{hg} + b_g) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        o_t &= \sigma(x_t W_{xo} + h_{t-1} W_{ho} + b_o + p_o \odot c_t) \\
        h_t &= o_t \odot (\tanh(c_t) W_p + x_t W_r), \qquad y_t = h_t

    If D = H, W_r is the identity matrix and no parameter.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`, W_p and W_r drawn
            like w_x, the peepholes as those of `rnnjax.PeepholeLSTM`; the forget gate's bias begins
            at 1 more.
        use_bias: whether there are biases.

    Parameters: `ResidualLSTMParams`. Carry: `MemoryCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.PeepholeLSTM` with W_p = I and W_r = 0. torchrecurrent's ``ResLSTMCell`` learns
    W_r even if D = H. The equations were checked against that one only: the paper was not read, and
    that its W_r is I for D = H was not established anew.

    >>> cell = ResidualLSTM(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: J. Kim, M. El-Khamy, J. Lee, "Residual LSTM: design of a deep recurrent architecture for
    distant speech recognition", Interspeech 2017, arXiv:1701.03360.
    """

    gate_names = ("i", "f", "g", "o")
    first_biases: ClassVar = {"f": 1.0}
    carry_type = MemoryCarry

    def init(self, key: jax.Array) -> ResidualLSTMParams:
        d, h = self.input_size, self.hidden_size
        keys = jax.random.split(key, 4)
        w_x, w_h, b = super().init(keys[0])
        draw = INITIALIZATIONS[self.initialization].kernel(h)
        p = [jnp.diagonal(draw(k, (h, h))) for k in jax.random.split(keys[1], 3)]
        w_r = None if d == h else draw(keys[3], (d, h))
        return ResidualLSTMParams(w_x, w_h, jnp.concatenate(p), draw(keys[2], (h, h)), w_r, b)

    def project(self, params: ResidualLSTMParams, x: jax.Array) -> Projected:
        sums = super().project(params, x)
        return Projected(sums, x if params.w_r is None else affine(x, params.w_r))

    def step(
        self, params: ResidualLSTMParams, carry: MemoryCarry, z: Projected, noise: Noise = SILENCE
    ) -> tuple[MemoryCarry, jax.Array]:
        a = self.sums(params, carry.h, z.gates, noise)
        a_i, a_f, a_g, a_o = jnp.split(a, 4, axis=-1)
        p_i, p_f, p_o = (jnp.broadcast_to(p, a_o.shape) for p in jnp.split(params.p, 3))
        (i,) = gates(a_i + p_i * carry.c, ("sigmoid",))
        (f,) = gates(a_f + p_f * carry.c, ("sigmoid",))
        c = f * carry.c + i * noise.on_update(jnp.tanh(a_g))
        (o,) = gates(a_o + p_o * c, ("sigmoid",))
        h = o * (recur(jnp.tanh(c), params.w_p) + z.shortcut)
        return settled(carry, MemoryCarry(h, c), h, z.gates)
