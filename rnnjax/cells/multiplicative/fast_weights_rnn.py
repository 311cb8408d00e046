"""The simple recurrent cell that attends to its recent past."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import recur, settled, zero_carry
from rnnjax.gated_cell import GatedCell
from rnnjax.hyperparameters import Positive, Rate, Real, Size
from rnnjax.noise import SILENCE, Noise
from rnnjax.normalization import layer_norm


class FastWeightsParams(NamedTuple):
    """Parameters: ``w_x [D, H]``, ``w_h [H, H]``, ``b [H]``, ``gain [H]``, ``shift [H]``.

    b and the shift are None where absent.
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None
    gain: jax.Array
    shift: jax.Array | None = None


class FastWeightsCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]`` and the fast weights ``a [..., H, H]``."""

    h: jax.Array
    a: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class FastWeightsRNN(GatedCell):
    r"""Simple recurrent cell with a second matrix, which its own states write and which decays.

    .. math::
        A_t &= \lambda A_{t-1} + \eta h_{t-1}^\top h_{t-1} \\
        p_t &= x_t W_x + h_{t-1} W_h + b, \qquad s^0_t = \mathrm{relu}(p_t) \\
        s^{j+1}_t &= \mathrm{relu}(\mathrm{LN}(p_t + s^j_t A_t; \alpha, \beta)), \quad j < S \\
        h_t &= s^S_t, \qquad y_t = h_t

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        decay: λ, at least 0 and below 1.
        rate: η.
        inner_steps: S, how many times the fast weights are read in a step.
        epsilon: of the layer normalisation, as of `rnnjax.normalization.layer_norm`.
        initialization: of :math:`W_x` and b, "keras" or "torch", as of
            `rnnjax.gated_cell.GatedCell`; :math:`W_h` is 0.05 times the identity.
        use_bias: whether there are b and the shift β.

    Parameters: `FastWeightsParams`. Carry: `FastWeightsCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size or ε is not positive, λ is no rate, η is not finite, or a name is
            unknown.

    Equals `rnnjax.SimpleRNN` with relu behind a layer normalisation where η is 0. The product with
    A is :math:`\eta \sum_{\tau < t} \lambda^{t-1-\tau} (s h_\tau^\top) h_\tau`, an attention to the
    past states, from a carry of zeros. Checked in re-implementations, not in the paper: that A
    holds the states up to the last one, λ = 0.95 and η = 0.5 are not established. One
    re-implementation, jxwufan/AssociativeRetrieval, applies A one step later; another one writes
    the state before the normalisation, that of this step, too.

    >>> cell = FastWeightsRNN(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> carry.a.shape, y.shape
    ((2, 2), (2,))

    Source: J. Ba et al., "Using fast weights to attend to the recent past", NIPS 2016,
    arXiv:1610.06258, equation 2.
    """

    decay: Rate = 0.95
    rate: Real = 0.5
    inner_steps: Size = 1
    epsilon: Positive = 1e-5

    gate_names = ("h",)
    noise_places = ("state",)
    carry_type = FastWeightsCarry

    def init(self, key: jax.Array) -> FastWeightsParams:
        w_x, w_h, b = GatedCell.init(self, key)
        w_h = 0.05 * jnp.eye(self.hidden_size, dtype=w_h.dtype)
        one, zero = jnp.ones(self.hidden_size), jnp.zeros(self.hidden_size)
        return FastWeightsParams(w_x, w_h, b, one, zero if self.use_bias else None)

    def initial_carry(
        self, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> FastWeightsCarry:
        h = self.hidden_size
        return zero_carry(FastWeightsCarry, batch_shape, dtype, h=h, a=(h, h))

    def step(
        self,
        params: FastWeightsParams,
        carry: FastWeightsCarry,
        z: jax.Array,
        noise: Noise = SILENCE,
    ) -> tuple[FastWeightsCarry, jax.Array]:
        h = carry.h
        a = self.decay * carry.a + self.rate * h[..., :, None] * h[..., None, :]
        p = z + recur(noise.on_state(h), params.w_h)
        s = jax.nn.relu(p)
        for _ in range(self.inner_steps):
            read = jnp.matmul(s[..., None, :].astype(a.dtype), a)[..., 0, :]
            seen = p + read.astype(p.dtype)
            s = jax.nn.relu(layer_norm(seen, params.gain, params.shift, epsilon=self.epsilon))
        return settled(carry, FastWeightsCarry(s, a), s, z)
