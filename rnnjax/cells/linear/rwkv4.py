"""The time mixing of RWKV-4: a mean over the past whose weights are exponentials."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import Cell, check_input, recur, settled, zero_carry
from rnnjax.exponents import mean, over_largest
from rnnjax.hyperparameters import Size, check_hyperparameters
from rnnjax.initializers import symmetric_uniform


class RWKV4Params(NamedTuple):
    """Parameters, fused in the order k, v, r: ``mix [3, D]``, ``w_x [D, 3H]``; the ``decay`` and
    the ``bonus`` ``[H]``; ``w_o [H, D]``."""

    mix: jax.Array
    w_x: jax.Array
    decay: jax.Array
    bonus: jax.Array
    w_o: jax.Array


class RWKV4Carry(NamedTuple):
    """Carry: what the input before gives of k, v, r, ``x [..., 3H]``; all ``[..., H]``, over e to
    ``m``, the sum of values ``s`` and that of weights ``n``."""

    x: jax.Array
    s: jax.Array
    n: jax.Array
    m: jax.Array


class Projected(NamedTuple):
    """What this input gives of k, v and r, and what it will give of the next step's: ``[...,
    3H]``."""

    own: jax.Array
    next: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class RWKV4(Cell):
    r"""The time mixing of RWKV-4.

    .. math::
        k_t, v_t, r_t &= (\mu_{k,v,r} \odot x_t + (1 - \mu_{k,v,r}) \odot x_{t-1}) W_{k,v,r} \\
        y_t &= \Big(\sigma(r_t) \odot
               \frac{S_{t-1} + e^{u + k_t} \odot v_t}{N_{t-1} + e^{u + k_t}}\Big) W_o \\
        S_t &= e^{-e^w} \odot S_{t-1} + e^{k_t} \odot v_t, \qquad
        N_t = e^{-e^w} \odot N_{t-1} + e^{k_t}

    The state is linear, but it is read before the step writes, with a bonus u for the step itself;
    so this is a plain cell, whose steps are taken one by one. What is kept is
    :math:`S_t e^{-m_t}`, :math:`N_t e^{-m_t}` and m, so that no exponential overflows; what comes
    out does not depend on m. Before the first input, and after a reset, there are zeros.

    Args:
        input_size: D, features of one input and of an output.
        hidden_size: H, units.

    Parameters: `RWKV4Params`. The first values are the authors' for the lowest layer: μ is i / D
    for k and v, its root for r; w rises from -5 to 3; u is log 0.3 and by turns 0, 0.5 and -0.5
    more. Matrices are uniform at ±1/√(their inputs); the authors' code has zeros for k, r and the
    output instead, and orthogonal values. Carry: `RWKV4Carry`. Output: ``[..., D]``.

    Raises:
        ValueError: a size is not a positive integer.

    >>> cell = RWKV4(input_size=3, hidden_size=4)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape, carry.n.tolist()
    ((3,), [1.0, 1.0, 1.0, 1.0])

    Source: B. Peng et al., "RWKV: reinventing RNNs for the transformer era", Findings of EMNLP
    2023, arXiv:2305.13048; BlinkDL/RWKV-LM, ``RWKV-v4/src/model.py``. The channel mixing is
    another layer, not here.
    """

    input_size: Size
    hidden_size: Size

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.input_size

    def init(self, key: jax.Array) -> RWKV4Params:
        d, h = self.input_size, self.hidden_size
        keys = jax.random.split(key)
        place, unit = jnp.arange(d) / d, jnp.arange(h)
        return RWKV4Params(
            mix=jnp.stack((place, place, jnp.sqrt(place))),
            w_x=symmetric_uniform(d)(keys[0], (d, 3 * h)),
            decay=-5 + 8 * (unit / max(h - 1, 1)) ** 0.7,
            bonus=math.log(0.3) + 0.5 * ((unit + 1) % 3 - 1),
            w_o=symmetric_uniform(h)(keys[1], (h, d)),
        )

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> RWKV4Carry:
        h = self.hidden_size
        return zero_carry(RWKV4Carry, batch_shape, dtype, x=3 * h, s=h, n=h, m=h)

    def project(self, params: RWKV4Params, x: jax.Array) -> Projected:
        check_input(self, x)
        mix = jnp.repeat(params.mix.T, self.hidden_size, axis=1)
        return Projected(jnp.matmul(x, mix * params.w_x), jnp.matmul(x, (1 - mix) * params.w_x))

    def step(
        self, params: RWKV4Params, carry: RWKV4Carry, z: Projected
    ) -> tuple[RWKV4Carry, jax.Array]:
        # At least in the carry's type: a decay near 1 is 1 in half precision.
        k, v, r = jnp.split(z.own + carry.x, 3, axis=-1)
        bonus, decay = (
            jnp.broadcast_to(own.astype(k.dtype), k.shape) for own in (params.bonus, params.decay)
        )
        _, past, now = over_largest(carry.m, bonus + k, carry.n)
        found = mean(past * carry.s + now * v, past * carry.n + now)
        m, kept, gained = over_largest(carry.m - jnp.exp(decay), k, carry.n)
        s, n = kept * carry.s + gained * v, kept * carry.n + gained
        y = recur(jax.nn.sigmoid(r) * found, params.w_o)
        return settled(carry, RWKV4Carry(z.next, s, n, m), y, z.own)
