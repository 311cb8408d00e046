"""Gated linear attention, each key of which fades at a rate of its own."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import check_input
from rnnjax.hyperparameters import Initialization, Positive, Size
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.matrix_cell import HeadedCell, by_head, gated_output, parts
from rnnjax.outer import Outer


class GLAParams(NamedTuple):
    """Parameters, fused in the order q, k, v, g: ``w_x [D, heads (2K + 2V)]``; the decay's ``w_low
    [D, R]``, ``w_a [R, heads K]``, ``b_a [heads K]``; the norm's ``gain [V]``; ``w_o [heads V,
    H]``."""

    w_x: jax.Array
    w_low: jax.Array
    w_a: jax.Array
    b_a: jax.Array
    gain: jax.Array
    w_o: jax.Array


class Projected(NamedTuple):
    """What depends on the input alone: q, k, v and g side by side, and the decay before σ."""

    qkvg: jax.Array
    decay: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class GLA(HeadedCell):
    r"""Gated linear attention.

    .. math::
        \alpha_t &= \sigma(x_t W_{low} W_a + b_a)^{1 / \tau}, \qquad
            q_t, k_t, v_t, g_t = x_t W_q, x_t W_k, x_t W_v, x_t W_g \\
        S_t &= \mathrm{diag}(\alpha_t)\, S_{t-1} + k_t v_t^\top, \qquad
            o_t = K^{-1/2}\, S_t^\top q_t \\
        y_t &= (\mathrm{RMS}(o_t) \odot \mathrm{SiLU}(g_t))\, W_o

    for each head; the gain of the norm is the same for all of them.

    Args:
        input_size: D, features of one input.
        hidden_size: H, features of an output.
        heads: matrices, each by itself.
        key_size: K, features of a key; None for H / (2 heads), as in the paper.
        value_size: V, features of a value; None for H / heads.
        low_rank: R, features between the two matrices of the decay.
        temperature: τ, which keeps decays near 1 at first.
        initialization: of the matrices, "torch" (as of the authors' layer) or "keras".
        epsilon: of the norm.

    Parameters: `GLAParams`. Carry: `rnnjax.matrix_cell.MatrixCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or the heads do not divide H.

    Source: S. Yang, B. Wang, Y. Shen, R. Panda, Y. Kim, "Gated linear attention transformers with
    hardware-efficient training", ICML 2024, arXiv:2312.06635, section 4;
    fla-org/flash-linear-attention, whose norm this has (the paper writes a layer norm).
    """

    low_rank: Size = 16
    temperature: Positive = 16.0
    initialization: Initialization = "torch"
    epsilon: Positive = 1e-5

    @property
    def _key(self) -> int:
        return self.key_size or max(self.hidden_size // (2 * self.heads), 1)

    @property
    def _sizes(self) -> list[int]:
        return [self.heads * own for own in (self._key, self._key, self._value, self._value)]

    def init(self, key: jax.Array) -> GLAParams:
        chosen, d, r = INITIALIZATIONS[self.initialization], self.input_size, self.low_rank
        keys = jax.random.split(key, 5)
        decays, values = self.heads * self._key, self.heads * self._value
        return GLAParams(
            chosen.dense_kernel(d)(keys[0], (d, sum(self._sizes))),
            chosen.dense_kernel(d)(keys[1], (d, r)),
            chosen.dense_kernel(r)(keys[2], (r, decays)),
            chosen.dense_bias(r)(keys[3], (decays,)),
            jnp.ones(self._value),
            chosen.dense_kernel(values)(keys[4], (values, self.hidden_size)),
        )

    def project(self, params: GLAParams, x: jax.Array) -> Projected:
        check_input(self, x)
        decay = jnp.matmul(jnp.matmul(x, params.w_low), params.w_a)
        return Projected(
            jnp.matmul(x, params.w_x), decay + jnp.broadcast_to(params.b_a, decay.shape)
        )

    def coefficients(self, params: GLAParams, z: Projected) -> Outer:
        _, k, v, _ = parts(z.qkvg, self._sizes)
        log_a = jax.nn.log_sigmoid(z.decay) / self.temperature
        return Outer(*(by_head(own, self.heads) for own in (log_a, k, v)))

    def queries(self, params: GLAParams, z: Projected) -> jax.Array:
        q = parts(z.qkvg, self._sizes)[0]
        return by_head(q, self.heads) * self._key**-0.5

    def output(
        self, params: GLAParams, found: jax.Array, z: Projected, m: None = None
    ) -> jax.Array:
        gate = parts(z.qkvg, self._sizes)[3]
        return gated_output(found, params.gain, gate, params.w_o, self.epsilon)
