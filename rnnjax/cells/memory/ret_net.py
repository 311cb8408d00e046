"""The retention of RetNet, whose heads forget at rates that are not learnt."""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import check_input
from rnnjax.hyperparameters import Positive
from rnnjax.matrix_cell import HeadedCell, by_head, gated_output, parts
from rnnjax.outer import Outer

LONGEST = 10000.0
"""One over the smallest angle of a step."""


class RetNetParams(NamedTuple):
    """Parameters, fused in the order q, k, v, g: ``w_x [D, heads (2K + 2V)]``; the norm's ``gain
    [V]``; ``w_o [heads V, H]``."""

    w_x: jax.Array
    gain: jax.Array
    w_o: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class RetNet(HeadedCell):
    r"""The multi-scale retention of RetNet.

    .. math::
        q_t, k_t, v_t, g_t &= x_t W_q,\; K^{-1/2} x_t W_k,\; x_t W_v,\; x_t W_g \\
        S_t &= \gamma\, R(\theta)^\top S_{t-1} + k_t v_t^\top, \qquad
            \gamma = 1 - 2^{-5 - i}, \qquad o_t = S_t^\top q_t \\
        y_t &= (\mathrm{RMS}(o_t) \odot \mathrm{SiLU}(g_t))\, W_o

    for each head i from 0 on; the gain of the norm is the same for all of them. R turns each pair j
    of features by an angle :math:`\theta_j`, from 1 to 1/10000 in a geometric series.

    Args:
        input_size: D, features of one input.
        hidden_size: H, features of an output.
        heads: matrices, each by itself.
        key_size: K, features of a key, an even number; None for H / heads, or one more.
        value_size: V, features of a value; None for H / heads. The paper has 2 H / heads.
        epsilon: of the norm.

    Parameters: `RetNetParams`, Glorot uniform each, those of x times :math:`2^{-5/2}`: the authors'
    code. Carry: `rnnjax.matrix_cell.MatrixCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, K is odd, or the heads do not divide H.

    Equals the paper's layer, which turns q and k of step t by t θ and leaves the memory as it is:
    here the memory is turned back instead, a little at every step. So no step needs to know its
    number, and a stream may be as long as it likes without losing digits of large angles. The
    authors' code also divides what is found by numbers that its norm takes out again but for ε.

    >>> cell = RetNet(input_size=3, hidden_size=8, heads=2)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape, carry.s.shape
    ((8,), (2, 4, 4))

    Source: Y. Sun et al., "Retentive network: a successor to transformer for large language
    models", arXiv:2307.08621; microsoft/torchscale, ``component/multiscale_retention.py``, whose
    norm is without a gain, and fla-org/flash-linear-attention, which has one.
    """

    epsilon: Positive = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        if self._key % 2:
            raise ValueError(
                f"RetNet: key_size must be even, as keys are turned in pairs, not {self._key}."
            )

    @property
    def _key(self) -> int:
        return self.key_size or 2 * math.ceil(self.hidden_size // self.heads / 2)

    @property
    def _sizes(self) -> list[int]:
        return [self.heads * own for own in (self._key, self._key, self._value, self._value)]

    def init(self, key: jax.Array) -> RetNetParams:
        d, values = self.input_size, self.heads * self._value
        draw = jax.nn.initializers.glorot_uniform()
        *keys, last = jax.random.split(key, 5)
        w_x = [draw(own, (d, size)) for own, size in zip(keys, self._sizes, strict=True)]
        w_o = draw(last, (values, self.hidden_size))
        return RetNetParams(2**-2.5 * jnp.concatenate(w_x, axis=1), jnp.ones(self._value), w_o)

    def project(self, params: RetNetParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return jnp.matmul(x, params.w_x)

    def coefficients(self, params: RetNetParams, z: jax.Array) -> Outer:
        _, k, v, _ = parts(z, self._sizes)
        k, v = by_head(k, self.heads) * self._key**-0.5, by_head(v, self.heads)
        pairs = self._key // 2
        decay = jnp.asarray([math.log1p(-(2.0 ** -(5 + i))) for i in range(self.heads)], z.dtype)
        angle = jnp.asarray([LONGEST ** -(j / max(pairs - 1, 1)) for j in range(pairs)], z.dtype)
        log_a = jnp.broadcast_to(decay, k.shape[:-1])
        turn = jnp.broadcast_to(angle, (*k.shape[:-1], pairs))
        return Outer(log_a, k, v, turn=turn)

    def queries(self, params: RetNetParams, z: jax.Array) -> jax.Array:
        return by_head(parts(z, self._sizes)[0], self.heads)

    def output(
        self, params: RetNetParams, found: jax.Array, z: jax.Array, m: None = None
    ) -> jax.Array:
        gate = parts(z, self._sizes)[3]
        return gated_output(found, params.gain, gate, params.w_o, self.epsilon)
