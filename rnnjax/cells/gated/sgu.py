"""The simple gated unit, and the deep one."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import ACTIVATIONS, gates
from rnnjax.cell import recur, settled
from rnnjax.gated_cell import GatedCell, HiddenCarry
from rnnjax.hyperparameters import Activation
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.noise import SILENCE, Noise


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class SGU(GatedCell):
    r"""Simple gated unit: what is let in is a gated state, made positive.

    .. math::
        s_t &= \tanh(((x_t W_{xg} + b_g) \odot h_{t-1}) W_{hg}) \\
        q_t &= \mathrm{softplus}(s_t \odot h_{t-1}) \\
        z_t &= \sigma(x_t W_{xz} + h_{t-1} W_{hz} + b_z) \\
        h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot q_t, \qquad y_t = h_t

    softplus(0) = log 2 is all that leads out of a state of zeros.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        gate_activation: σ, a name in `rnnjax.activations.ACTIVATIONS`; a hard sigmoid in the paper.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`.
        use_bias: whether there are biases.

    Parameters: `GatedParams`, in the order g, z. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    torchrecurrent and three re-implementations in Chainer, against which the equations were
    checked, add a bias inside the tanh. The paper was not read, and which hard sigmoid it means was
    not established; here it is that of Chainer and Keras 2, of slope 0.2.

    >>> cell = SGU(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: Y. Gao, D. Glowacka, "Deep gate recurrent neural network", ACML 2016, PMLR 63,
    arXiv:1604.02910.
    """

    gate_activation: Activation = "keras2_hard_sigmoid"

    gate_names = ("g", "z")

    def step(
        self, params: Any, carry: HiddenCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[HiddenCarry, jax.Array]:
        read = noise.on_state(carry.h)
        (w_g, w_z), (z_g, z_z) = (jnp.split(own, 2, axis=-1) for own in (params.w_h, z))
        s = jnp.tanh(recur(z_g * read, w_g))
        update = ACTIVATIONS[self.gate_activation](z_z + recur(read, w_z))
        q = noise.on_update(self._candidate(params, s * read))
        h = (1 - update) * carry.h + update * q
        return settled(carry, HiddenCarry(h), h, z)

    def _candidate(self, params: Any, gated: jax.Array) -> jax.Array:
        del params
        return jax.nn.softplus(gated)


class DSGUParams(NamedTuple):
    """Parameters, gates fused in the order g, z.

    ``w_x [D, 2H]``, ``w_h [H, 2H]``, ``w_q [H, H]``, ``b [2H]`` (None where absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    w_q: jax.Array
    b: jax.Array | None = None


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class DSGU(SGU):
    r"""Deep simple gated unit: one product more before a candidate between 0 and 1.

    .. math::
        s_t &= \tanh(((x_t W_{xg} + b_g) \odot h_{t-1}) W_{hg}) \\
        q_t &= \mathrm{sigmoid}((s_t \odot h_{t-1}) W_q) \\
        z_t &= \sigma(x_t W_{xz} + h_{t-1} W_{hz} + b_z) \\
        h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot q_t, \qquad y_t = h_t

    sigmoid(0) = ½ is all that leads out of a state of zeros.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        gate_activation: σ, a name in `rnnjax.activations.ACTIVATIONS`; a hard sigmoid in the paper.
        initialization: "keras" or "torch", as of `rnnjax.gated_cell.GatedCell`, w_q drawn like w_h.
        use_bias: whether there are biases.

    Parameters: `DSGUParams`. Carry: `HiddenCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or a name is unknown.

    What other libraries do, and what was checked, is said of `SGU`.

    >>> cell = DSGU(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (2,)

    Source: as of `SGU`.
    """

    def init(self, key: jax.Array) -> DSGUParams:
        gates_key, own_key = jax.random.split(key)
        w_x, w_h, b = super().init(gates_key)
        draw = INITIALIZATIONS[self.initialization].recurrent_kernel(self.hidden_size)
        return DSGUParams(w_x, w_h, draw(own_key, (self.hidden_size, self.hidden_size)), b)

    def _candidate(self, params: DSGUParams, gated: jax.Array) -> jax.Array:
        return gates(recur(gated, params.w_q), ("sigmoid",))[0]
