"""Linear attention: a sum of all values, by keys with positive features."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import affine, check_input
from rnnjax.hyperparameters import Initialization, Positive
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.matrix_cell import HeadedCell, by_head, parts, together
from rnnjax.outer import Outer


class LinearAttentionParams(NamedTuple):
    """Parameters, fused in the order q, k, v: ``w_x [D, heads (2K + V)]``, ``b``; ``w_o [heads V,
    H]``, ``b_o [H]``."""

    w_x: jax.Array
    b: jax.Array
    w_o: jax.Array
    b_o: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class LinearAttention(HeadedCell):
    r"""Causal linear attention.

    .. math::
        q_t, k_t &= \phi(x_t W_q + b_q),\; \phi(x_t W_k + b_k), \qquad v_t = x_t W_v + b_v \\
        S_t &= S_{t-1} + k_t v_t^\top, \qquad z_t = z_{t-1} + k_t \\
        y_t &= \frac{S_t^\top q_t}{z_t^\top q_t + \epsilon} W_o + b_o

    with φ(u) = elu(u) + 1, for each head. z is the last column of the carry's matrices.

    Args:
        input_size: D, features of one input.
        hidden_size: H, features of an output.
        heads: matrices, each by itself.
        key_size: K, features of a key; None for H / heads.
        value_size: V, features of a value; None for H / heads.
        initialization: of the matrices and biases, "torch" (as of the authors' layers) or "keras".
        epsilon: ε.

    Parameters: `LinearAttentionParams`. Carry: `rnnjax.matrix_cell.MatrixCarry`, ``s [..., heads,
    K, V + 1]``. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or the heads do not divide H.

    Source: A. Katharopoulos, A. Vyas, N. Pappas, F. Fleuret, "Transformers are RNNs", ICML 2020,
    equations 18 to 20; idiap/fast-transformers.
    """

    initialization: Initialization = "torch"
    epsilon: Positive = 1e-6

    @property
    def _columns(self) -> int:
        return self._value + 1

    def init(self, key: jax.Array) -> LinearAttentionParams:
        chosen, d, inner = INITIALIZATIONS[self.initialization], self.input_size, self.heads
        keys = jax.random.split(key, 4)
        width, values = inner * (2 * self._key + self._value), inner * self._value
        return LinearAttentionParams(
            chosen.dense_kernel(d)(keys[0], (d, width)), chosen.dense_bias(d)(keys[1], (width,)),
            chosen.dense_kernel(values)(keys[2], (values, self.hidden_size)),
            chosen.dense_bias(values)(keys[3], (self.hidden_size,)),
        )  # fmt: skip

    def project(self, params: LinearAttentionParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x, params.b)

    def _parts(self, z: jax.Array) -> list[jax.Array]:
        sizes = [self.heads * size for size in (self._key, self._key, self._value)]
        return [by_head(own, self.heads) for own in parts(z, sizes)]

    def coefficients(self, params: LinearAttentionParams, z: jax.Array) -> Outer:
        _, k, v = self._parts(z)
        counted = jnp.concatenate((v, jnp.ones_like(v[..., :1])), axis=-1)
        return Outer(jnp.zeros_like(k[..., 0]), jax.nn.elu(k) + 1, counted)

    def queries(self, params: LinearAttentionParams, z: jax.Array) -> jax.Array:
        return jax.nn.elu(self._parts(z)[0]) + 1

    def output(
        self, params: LinearAttentionParams, found: jax.Array, z: jax.Array, m: None = None
    ) -> jax.Array:
        mean = found[..., :-1] / (found[..., -1:] + self.epsilon)
        return affine(together(mean), params.w_o.astype(mean.dtype), params.b_o)
