"""DeltaNet and gated DeltaNet: memories that take out the old value before they write the new."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import check_input
from rnnjax.hyperparameters import Flag, Initialization, Positive
from rnnjax.initializers import INITIALIZATIONS, inverse_softplus_of_steps
from rnnjax.matrix_cell import HeadedCell, by_head, gated_output, parts
from rnnjax.normalization import l2_norm
from rnnjax.outer import Outer

SHORTEST = 1e-6
"""ε below the root of a key's length."""


class DeltaNetParams(NamedTuple):
    """Parameters, fused in the order q, k, v, β: ``w_x [D, heads (2K + V + 1)]``; the norm's ``gain
    [V]``; ``w_o [heads V, H]``."""

    w_x: jax.Array
    gain: jax.Array
    w_o: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class DeltaNet(HeadedCell):
    r"""A memory that learns by the delta rule.

    .. math::
        q_t, k_t &= \mathrm{l}_2(\mathrm{SiLU}(x_t W_q)),\; \mathrm{l}_2(\mathrm{SiLU}(x_t W_k)),
            \qquad v_t = \mathrm{SiLU}(x_t W_v), \qquad \beta_t = \sigma(x_t W_\beta) \\
        S_t &= (1 - \beta_t k_t k_t^\top)\, S_{t-1} + \beta_t k_t v_t^\top, \qquad
            o_t = K^{-1/2}\, S_t^\top q_t \\
        y_t &= \mathrm{RMS}(o_t)\, W_o

    for each head. In the authors' layer a causal convolution of four inputs stands before each
    SiLU, which matters in language models: put `rnnjax.CausalConv` below this one.

    Args:
        input_size: D, features of one input.
        hidden_size: H, features of an output.
        heads: matrices, each by itself.
        key_size: K, features of a key; None for H / heads.
        value_size: V, features of a value; None for H / heads.
        negative: whether β is twice as large, so that the memory can turn what it holds round:
            what parity needs (R. Grazzi et al., arXiv:2411.12537).
        initialization: of the matrices, "torch" (as of the authors' layer) or "keras".
        epsilon: of the norm.

    Parameters: `DeltaNetParams`. Carry: `rnnjax.matrix_cell.MatrixCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or the heads do not divide H.

    Source: S. Yang, B. Wang, Y. Zhang, Y. Shen, Y. Kim, "Parallelizing linear transformers with the
    delta rule over sequence length", NeurIPS 2024, arXiv:2406.06484, sections 2 and 3.3;
    fla-org/flash-linear-attention without short convolutions.
    """

    negative: Flag = False
    initialization: Initialization = "torch"
    epsilon: Positive = 1e-5

    @property
    def _sizes(self) -> list[int]:
        return [self.heads * own for own in (self._key, self._key, self._value, 1)]

    def init(self, key: jax.Array) -> DeltaNetParams:
        chosen, d = INITIALIZATIONS[self.initialization], self.input_size
        keys = jax.random.split(key)
        values = self.heads * self._value
        return DeltaNetParams(
            chosen.dense_kernel(d)(keys[0], (d, sum(self._sizes))),
            jnp.ones(self._value),
            chosen.dense_kernel(values)(keys[1], (values, self.hidden_size)),
        )

    def project(self, params: DeltaNetParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return jnp.matmul(x, params.w_x)

    def coefficients(self, params: DeltaNetParams, z: jax.Array) -> Outer:
        _, k, v, beta, *_ = parts(z, self._sizes)
        return _delta(k, v, beta, jnp.zeros_like(beta), self.heads, negative=self.negative)

    def queries(self, params: DeltaNetParams, z: jax.Array) -> jax.Array:
        return _unit(parts(z, self._sizes)[0], self.heads) * self._key**-0.5

    def output(
        self, params: DeltaNetParams, found: jax.Array, z: jax.Array, m: None = None
    ) -> jax.Array:
        return gated_output(found, params.gain, None, params.w_o, self.epsilon)


class GatedDeltaNetParams(NamedTuple):
    """Parameters, fused in the order q, k, v, g, β, a: ``w_x [D, heads (2K + 2V + 2)]``; ``a_log``,
    ``dt_bias`` ``[heads]``; the norm's ``gain [V]``; ``w_o [heads V, H]``."""

    w_x: jax.Array
    a_log: jax.Array
    dt_bias: jax.Array
    gain: jax.Array
    w_o: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class GatedDeltaNet(HeadedCell):
    r"""The delta rule in a memory that fades.

    .. math::
        \alpha_t &= \exp(-e^{A}\, \mathrm{softplus}(x_t W_a + b_{dt})) \\
        S_t &= \alpha_t (1 - \beta_t k_t k_t^\top)\, S_{t-1} + \beta_t k_t v_t^\top, \qquad
            o_t = K^{-1/2}\, S_t^\top q_t \\
        y_t &= (\mathrm{RMS}(o_t) \odot \mathrm{SiLU}(x_t W_g))\, W_o

    with q, k, v and β as of `DeltaNet`. At first :math:`e^A` is uniform below 16, and
    softplus(b) log-uniform between .001 and .1.

    Args:
        input_size: D, features of one input.
        hidden_size: H, features of an output.
        heads: matrices, each by itself.
        key_size: K, features of a key; None for H / heads.
        value_size: V, features of a value; None for H / heads. The paper has 2 K.
        negative: as of `DeltaNet`.
        initialization: of the matrices, "torch" (as of the authors' layer) or "keras".
        epsilon: of the norm.

    Parameters: `GatedDeltaNetParams`. Carry: `rnnjax.matrix_cell.MatrixCarry`. Output: ``[...,
    H]``.

    Raises:
        ValueError: a size is not a positive integer, or the heads do not divide H.

    Source: S. Yang, J. Kautz, A. Hatamizadeh, "Gated delta networks: improving Mamba2 with delta
    rule", ICLR 2025, arXiv:2412.06464, equation 10 and section 3.4; fla-org/flash-linear-attention
    without short convolutions.
    """

    negative: Flag = False
    initialization: Initialization = "torch"
    epsilon: Positive = 1e-5

    @property
    def _sizes(self) -> list[int]:
        own = self._key, self._key, self._value, self._value, 1, 1
        return [self.heads * size for size in own]

    def init(self, key: jax.Array) -> GatedDeltaNetParams:
        chosen, d = INITIALIZATIONS[self.initialization], self.input_size
        keys = jax.random.split(key, 4)
        values = self.heads * self._value
        least = jnp.finfo(jnp.zeros(()).dtype).tiny  # log 0 is none
        rate = jax.random.uniform(keys[1], (self.heads,), minval=least, maxval=16)
        return GatedDeltaNetParams(
            chosen.dense_kernel(d)(keys[0], (d, sum(self._sizes))),
            jnp.log(rate),
            inverse_softplus_of_steps(keys[2], (self.heads,)),
            jnp.ones(self._value),
            chosen.dense_kernel(values)(keys[3], (values, self.hidden_size)),
        )

    def project(self, params: GatedDeltaNetParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return jnp.matmul(x, params.w_x)

    def coefficients(self, params: GatedDeltaNetParams, z: jax.Array) -> Outer:
        _, k, v, _, beta, a = parts(z, self._sizes)
        rate = jnp.exp(params.a_log.astype(z.dtype))
        step = jax.nn.softplus(a + jnp.broadcast_to(params.dt_bias, a.shape))
        log_a = -jnp.broadcast_to(rate, a.shape) * step
        return _delta(k, v, beta, log_a, self.heads, negative=self.negative)

    def queries(self, params: GatedDeltaNetParams, z: jax.Array) -> jax.Array:
        return _unit(parts(z, self._sizes)[0], self.heads) * self._key**-0.5

    def output(
        self, params: GatedDeltaNetParams, found: jax.Array, z: jax.Array, m: None = None
    ) -> jax.Array:
        gate = parts(z, self._sizes)[3]
        return gated_output(found, params.gain, gate, params.w_o, self.epsilon)


def _unit(x: jax.Array, heads: int) -> jax.Array:
    return l2_norm(by_head(jax.nn.silu(x), heads), epsilon=SHORTEST)


def _delta(
    k: jax.Array, v: jax.Array, beta: jax.Array, log_a: jax.Array, heads: int, *, negative: bool
) -> Outer:
    beta = jax.nn.sigmoid(beta) * (2 if negative else 1)
    return Outer(log_a, _unit(k, heads), by_head(jax.nn.silu(v), heads), beta=beta)
