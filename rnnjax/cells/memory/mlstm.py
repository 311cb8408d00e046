"""The LSTM with a matrix memory and an exponential input gate, of xLSTM."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import affine, check_input, zero_carry
from rnnjax.hyperparameters import Initialization, Positive
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.matrix_cell import HeadedCell, by_head, parts, together
from rnnjax.outer import Outer


class MLSTMParams(NamedTuple):
    """Parameters, fused in the order q, k, v, o: ``w_x [D, heads (2K + 2V)]``, ``b``; of the gates
    i, f: ``w_g [D, 2 heads]``, ``b_g [2 heads]``."""

    w_x: jax.Array
    b: jax.Array
    w_g: jax.Array
    b_g: jax.Array


class MLSTMCarry(NamedTuple):
    """Carry: ``s [..., heads, K, V + 1]``, C with n as its last column; ``m [..., heads]``."""

    s: jax.Array
    m: jax.Array


class Projected(NamedTuple):
    """What depends on the input alone: q, k, v and o side by side; i and f."""

    qkvo: jax.Array
    gates: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MLSTM(HeadedCell):
    r"""The mLSTM of xLSTM.

    .. math::
        m_t &= \max(\log \sigma(\tilde f_t) + m_{t-1},\; \tilde i_t) \\
        C_t &= e^{\log \sigma(\tilde f_t) + m_{t-1} - m_t}\, C_{t-1}
               + e^{\tilde i_t - m_t}\, K^{-1/2} k_t v_t^\top \\
        n_t &= e^{\log \sigma(\tilde f_t) + m_{t-1} - m_t}\, n_{t-1}
               + e^{\tilde i_t - m_t}\, K^{-1/2} k_t \\
        h_t &= \sigma(o_t) \odot
               \frac{C_t^\top q_t}{\max(|n_t^\top q_t|,\, e^{-m_t}) + \epsilon}

    for each head, with all of q, k, v, o, ĩ and f̃ dense layers of x. What comes out does not depend
    on m, but for ε: it keeps the exponentials from overflowing. Not Krause's mLSTM, which
    multiplies states.

    Args:
        input_size: D, features of one input.
        hidden_size: H, features of an output, heads · V.
        heads: matrices, each by itself.
        key_size: K, features of a key; None for H / heads.
        value_size: must be H / heads, or None for that.
        initialization: of the matrices, "torch" or "keras". The gates' are 0 at first, the forget
            gate's biases 3 to 6 over the heads, the input gate's N(0, .1²): the authors' code.
        epsilon: ε, of the authors' code.

    Parameters: `MLSTMParams`. Carry: `MLSTMCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or the heads do not divide H.

    The authors' code computes the gates from q, k and v, which are linear in x: the paper's
    equations have x, and so has this.

    Source: M. Beck et al., "xLSTM: extended long short-term memory", NeurIPS 2024,
    arXiv:2405.04517, equations 19 to 27; NX-AI/xlstm for m, ε and the biases.
    """

    initialization: Initialization = "torch"
    epsilon: Positive = 1e-6

    carry_type = MLSTMCarry

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.heads * self._value != self.hidden_size:
            raise ValueError(
                f"MLSTM: heads={self.heads} must divide the hidden size, {self.hidden_size}, into "
                "the values of each; leave value_size out."
            )

    @property
    def _columns(self) -> int:
        return self._value + 1

    @property
    def _sizes(self) -> list[int]:
        return [self.heads * own for own in (self._key, self._key, self._value, self._value)]

    def init(self, key: jax.Array) -> MLSTMParams:
        chosen, d = INITIALIZATIONS[self.initialization], self.input_size
        keys = jax.random.split(key, 3)
        width = sum(self._sizes)
        inputs = 0.1 * jax.random.normal(keys[2], (self.heads,))
        return MLSTMParams(
            chosen.dense_kernel(d)(keys[0], (d, width)), chosen.dense_bias(d)(keys[1], (width,)),
            jnp.zeros((d, 2 * self.heads)),
            jnp.concatenate((inputs, jnp.linspace(3.0, 6.0, self.heads))),
        )  # fmt: skip

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> MLSTMCarry:
        return zero_carry(MLSTMCarry, batch_shape, dtype, s=self._matrices, m=self.heads)

    def project(self, params: MLSTMParams, x: jax.Array) -> Projected:
        check_input(self, x)
        return Projected(affine(x, params.w_x, params.b), affine(x, params.w_g, params.b_g))

    def coefficients(self, params: MLSTMParams, z: Projected) -> Outer:
        _, k, v, _ = parts(z.qkvo, self._sizes)
        log_i, f = jnp.split(z.gates, 2, axis=-1)
        k, v = by_head(k, self.heads) * self._key**-0.5, by_head(v, self.heads)
        counted = jnp.concatenate((v, jnp.ones_like(v[..., :1])), axis=-1)
        return Outer(jax.nn.log_sigmoid(f), k, counted, log_i=log_i)

    def queries(self, params: MLSTMParams, z: Projected) -> jax.Array:
        return by_head(parts(z.qkvo, self._sizes)[0], self.heads)

    def output(
        self, params: MLSTMParams, found: jax.Array, z: Projected, m: jax.Array | None = None
    ) -> jax.Array:
        gate = parts(z.qkvo, self._sizes)[3]
        return jax.nn.sigmoid(gate) * together(self.mean(found, m))

    def mean(self, found: jax.Array, m: jax.Array | None) -> jax.Array:
        """What queries found, over how much was written: ``[..., heads, V]``."""
        assert m is not None
        least = jnp.maximum(jnp.abs(found[..., -1]), jnp.exp(-m)) + self.epsilon
        return found[..., :-1] / least[..., None]
