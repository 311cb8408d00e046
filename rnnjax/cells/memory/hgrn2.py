"""HGRN2: the forget gate of a gated linear network also says what is written."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import check_input
from rnnjax.hyperparameters import Initialization, Positive, Rate
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.matrix_cell import HeadedCell, by_head, parts, together
from rnnjax.normalization import rms_norm
from rnnjax.outer import Outer


class HGRN2Params(NamedTuple):
    """Parameters, fused in the order q, f, i: ``w_x [D, heads (2K + V)]``; the norm's ``gain [heads
    V]``; ``w_o [heads V, H]``."""

    w_x: jax.Array
    gain: jax.Array
    w_o: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class HGRN2(HeadedCell):
    r"""The second hierarchically gated recurrent network.

    .. math::
        f_t &= l + (1 - l)\, \sigma(x_t W_f), \qquad
            q_t = \mathrm{SiLU}(x_t W_q), \qquad v_t = x_t W_i \\
        S_t &= \mathrm{diag}(f_t)\, S_{t-1} + (1 - f_t)\, v_t^\top, \qquad
            o_t = K^{-1/2}\, S_t^\top q_t \\
        y_t &= \mathrm{RMS}(o_t)\, W_o

    for each head, with one norm over all heads. 1 - f is computed as (1 - l) σ(-x W_f): near f = 1
    the difference has no digits left.

    Args:
        input_size: D, features of one input.
        hidden_size: H, features of an output.
        heads: matrices, each by itself.
        key_size: K, features of a key; None for H / heads. The paper has 128.
        value_size: V, features of a value; None for H / heads.
        lower_bound: l, below which no gate falls. In a network the paper learns it for each layer,
            0 for the first and rising from layer to layer; here it is a setting.
        initialization: of the matrices, "torch" or "keras".
        epsilon: of the norm.

    Parameters: `HGRN2Params`. Carry: `rnnjax.matrix_cell.MatrixCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, the heads do not divide H, or the bound is not
            in [0, 1).

    Source: Z. Qin et al., "HGRN2: gated linear RNNs with state expansion", COLM 2024,
    arXiv:2404.07904, section 3; the factor of the queries as in fla-org/flash-linear-attention.
    """

    lower_bound: Rate = 0.0
    initialization: Initialization = "torch"
    epsilon: Positive = 1e-5

    @property
    def _sizes(self) -> list[int]:
        return [self.heads * own for own in (self._key, self._key, self._value)]

    def init(self, key: jax.Array) -> HGRN2Params:
        chosen, d = INITIALIZATIONS[self.initialization], self.input_size
        keys = jax.random.split(key)
        values = self.heads * self._value
        return HGRN2Params(
            chosen.dense_kernel(d)(keys[0], (d, sum(self._sizes))),
            jnp.ones(values),
            chosen.dense_kernel(values)(keys[1], (values, self.hidden_size)),
        )

    def project(self, params: HGRN2Params, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return jnp.matmul(x, params.w_x)

    def coefficients(self, params: HGRN2Params, z: jax.Array) -> Outer:
        _, f, v = parts(z, self._sizes)
        free = 1 - self.lower_bound
        # log(l + (1 - l) σ(f)) = log(1 - (1 - l) σ(-f))
        written = free * jax.nn.sigmoid(-f)
        log_a = jnp.log1p(-written) if self.lower_bound else jax.nn.log_sigmoid(f)
        return Outer(*(by_head(own, self.heads) for own in (log_a, written, v)))

    def queries(self, params: HGRN2Params, z: jax.Array) -> jax.Array:
        q = jax.nn.silu(parts(z, self._sizes)[0])
        return by_head(q, self.heads) * self._key**-0.5

    def output(
        self, params: HGRN2Params, found: jax.Array, z: jax.Array, m: None = None
    ) -> jax.Array:
        y = rms_norm(together(found), params.gain, epsilon=self.epsilon)
        return jnp.matmul(y, params.w_o.astype(y.dtype))
