"""The long short-term memory whose gates see all of the memory."""

from __future__ import annotations

import dataclasses
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import recur, settled
from rnnjax.gated_cell import GatedCell, MemoryCarry
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.noise import SILENCE, Noise


class WMCLSTMParams(NamedTuple):
    """Parameters, gates fused in the order i, f, g, o, connections of the memory in i, f, o.

    ``w_x [D, 4H]``, ``w_h [H, 4H]``, ``w_c [H, 3H]``, ``b [4H]``, ``b_c [3H]`` (None where absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    w_c: jax.Array
    b: jax.Array | None = None
    b_c: jax.Array | None = None


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class WMCLSTM(GatedCell):
    r"""Long short-term memory with working memory connections: squashed reads of the memory.

    .. math::
        i_t &= \sigma(x_t W_{xi} + h_{t-1} W_{hi} + b_i + \tanh(c_{t-1} W_{ci} + b_{ci})) \\
        f_t &= \sigma(x_t W_{xf} + h_{t-1} W_{hf} + b_f + \tanh(c_{t-1} W_{cf} + b_{cf})) \\
        g_t &= \tanh(x_t W_{xg} + h_{t-1} W_{hg} + b_g) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        o_t &= \sigma(x_t W_{xo} + h_{t-1} W_{ho} + b_o + \tanh(c_t W_{co} + b_{co})) \\
        h_t &= o_t \odot \tanh(c_t), \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`, w_c drawn like w_h;
            the forget gate's bias begins at 1 more.
        use_bias: whether there are biases.

    Parameters: `WMCLSTMParams`. Carry: `MemoryCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    Equals `rnnjax.LSTM` with w_c = 0 and b_c = 0. RecurrentLayers.jl let o read the old memory at
    first. The equations are those on which torchrecurrent and RecurrentLayers.jl agree; whether
    the paper has b_c was not established.

    >>> cell = WMCLSTM(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: F. Landi, L. Baraldi, M. Cornia, R. Cucchiara, "Working memory connections for LSTM",
    Neural Networks 144 (2021), arXiv:2109.00020.
    """

    gate_names = ("i", "f", "g", "o")
    first_biases: ClassVar = {"f": 1.0}
    carry_type = MemoryCarry

    def init(self, key: jax.Array) -> WMCLSTMParams:
        gates_key, weights_key, bias_key = jax.random.split(key, 3)
        w_x, w_h, b = super().init(gates_key)
        chosen, h = INITIALIZATIONS[self.initialization], self.hidden_size
        w_c = chosen.recurrent_kernel(h)(weights_key, (h, 3 * h))
        b_c = chosen.bias(h)(bias_key, (3 * h,)) if self.use_bias else None
        return WMCLSTMParams(w_x, w_h, w_c, b, b_c)

    def step(
        self, params: WMCLSTMParams, carry: MemoryCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[MemoryCarry, jax.Array]:
        a = self.sums(params, carry.h, z, noise)
        two = 2 * self.hidden_size
        b_if, b_o = (None, None) if params.b_c is None else (params.b_c[:two], params.b_c[two:])
        seen = jnp.tanh(recur(carry.c, params.w_c[:, :two], b_if))
        i, f = gates(a[..., :two] + seen, ("sigmoid", "sigmoid"))
        g, a_o = jnp.split(a[..., two:], 2, axis=-1)
        c = f * carry.c + i * noise.on_update(jnp.tanh(g))
        (o,) = gates(a_o + jnp.tanh(recur(c, params.w_c[:, two:], b_o)), ("sigmoid",))
        h = o * jnp.tanh(c)
        return settled(carry, MemoryCarry(h, c), h, z)
