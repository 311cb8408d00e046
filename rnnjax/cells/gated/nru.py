"""The non-saturating recurrent unit."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import NoisyCell, affine, check_input, recur, settled, zero_carry
from rnnjax.hyperparameters import Flag, Size, check_hyperparameters
from rnnjax.initializers import symmetric_uniform
from rnnjax.noise import SILENCE, Noise
from rnnjax.normalization import layer_norm


class NRUParams(NamedTuple):
    """Parameters of the hidden state, and of the Q = 2K + 4√(KM) sums that make up the writes.

    ``w_x [D, H]``, ``w_h [H, H]``, ``w_m [M, H]``, ``u [H + M, Q]``; ``b [H]`` and ``b_u [Q]``;
    ``gain [H]`` and ``shift [H]`` of layer normalization (None where absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    w_m: jax.Array
    u: jax.Array
    b: jax.Array | None = None
    b_u: jax.Array | None = None
    gain: jax.Array | None = None
    shift: jax.Array | None = None


class NRUCarry(NamedTuple):
    """Carry: the hidden state ``h [..., H]`` and the memory ``m [..., M]``."""

    h: jax.Array
    m: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class NRU(NoisyCell):
    r"""Non-saturating recurrent unit: heads write to and erase from a memory that has no gate.

    .. math::
        h_t &= \mathrm{relu}(x_t W_x + h_{t-1} W_h + m_{t-1} W_m + b) \\
        \alpha, \beta, p, q, r, s &= [h_t, m_{t-1}] U + b_u \\
        v &= p \otimes q, \qquad w = r \otimes s \\
        m_t &= m_{t-1} + \frac{1}{K} \sum_{k=1}^K \Bigl(\alpha_k \frac{v_k}{\|v_k\|_5}
            - \beta_k \frac{w_k}{\|w_k\|_5}\Bigr), \qquad y_t = h_t

    The outer products of vectors of √(KM) features become K vectors of M. At first parameters are
    those of PyTorch's linear layers, uniform ±1/√(inputs), biases too.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        memory_size: M, features of the memory.
        heads: K; √(KM) is an integer.
        layer_norm: whether h is normalized before its relu.
        rectify: whether α, β, v and w go through a relu.
        use_bias: whether there are biases.

    Parameters: `NRUParams`. Carry: `NRUCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or √(KM) is not one.

    A norm is 1e-12 at least, as in the authors' code.

    >>> cell = NRU(input_size=3, hidden_size=2, memory_size=4, heads=1)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> carry.m.shape, y.shape
    ((4,), (2,))

    Source: S. Chandar et al., "Towards non-saturating recurrent units for modelling long-term
    dependencies", AAAI 2019; ``nru_project/NRU.py`` of apsarath/NRU.
    """

    input_size: Size
    hidden_size: Size
    memory_size: Size = 64
    heads: Size = 4
    layer_norm: Flag = False
    rectify: Flag = False
    use_bias: Flag = True

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        if self._side**2 != self.heads * self.memory_size:
            raise ValueError(
                "NRU: the product of heads and memory_size must be a square number, but "
                f"{self.heads} times {self.memory_size} is none."
            )

    @property
    def _side(self) -> int:
        return math.isqrt(self.heads * self.memory_size)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    @property
    def update_size(self) -> int:
        """Features of the update: M."""
        return self.memory_size

    def init(self, key: jax.Array) -> NRUParams:
        d, h, m = self.input_size, self.hidden_size, self.memory_size
        width = 2 * self.heads + 4 * self._side
        keys = jax.random.split(key, 4)
        of_h, of_m = symmetric_uniform(d + h + m), symmetric_uniform(h + m)
        w, u = of_h(keys[0], (d + h + m, h)), of_m(keys[1], (h + m, width))
        return NRUParams(
            w[:d], w[d : d + h], w[d + h :], u,
            of_h(keys[2], (h,)) if self.use_bias else None,
            of_m(keys[3], (width,)) if self.use_bias else None,
            jnp.ones(h) if self.layer_norm else None,
            jnp.zeros(h) if self.layer_norm and self.use_bias else None,
        )  # fmt: skip

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> NRUCarry:
        return zero_carry(NRUCarry, batch_shape, dtype, h=self.hidden_size, m=self.memory_size)

    def project(self, params: NRUParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return affine(x, params.w_x, params.b)

    def step(
        self, params: NRUParams, carry: NRUCarry, z: jax.Array, noise: Noise = SILENCE
    ) -> tuple[NRUCarry, jax.Array]:
        a = z + recur(noise.on_state(carry.h), params.w_h) + recur(carry.m, params.w_m)
        if params.gain is not None:
            a = layer_norm(a, params.gain, params.shift, epsilon=1e-5)
        h = jax.nn.relu(a)
        read = jnp.concatenate([noise.on_state(h), carry.m], axis=-1)
        sums = recur(read, params.u, params.b_u)
        k = self.heads
        alpha, beta = (self._rectified(sums[..., part : part + k]) for part in (0, k))
        p, q, r, s = jnp.split(sums[..., 2 * k :], 4, axis=-1)
        written = alpha[..., None] * self._directions(p, q)
        erased = beta[..., None] * self._directions(r, s)
        m = carry.m + noise.on_update(jnp.mean(written - erased, axis=-2))
        return settled(carry, NRUCarry(h, m), h, z)

    def _rectified(self, a: jax.Array) -> jax.Array:
        return jax.nn.relu(a) if self.rectify else a

    def _directions(self, p: jax.Array, q: jax.Array) -> jax.Array:
        """The outer product as heads ``[..., K, M]``, each of 5-norm 1."""
        v = self._rectified(p[..., :, None] * q[..., None, :])
        v = v.reshape(*p.shape[:-1], self.heads, self.memory_size)
        wide = v.astype(jnp.promote_types(v.dtype, jnp.float32))
        # Fifth powers of what is small would be 0, and the root of 0 has no gradient.
        largest = jnp.max(jnp.abs(wide), axis=-1, keepdims=True)
        scaled = wide / jax.lax.stop_gradient(jnp.maximum(largest, 1e-12))
        total = jnp.sum(jnp.abs(scaled) ** 5, axis=-1, keepdims=True)
        return (scaled / jnp.where(total >= 1, total, 1) ** 0.2).astype(v.dtype)
