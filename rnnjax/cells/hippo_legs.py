"""A memory of all that has been, at every length: HiPPO-LegS."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import Cell, check_input, settled, zero_carry
from rnnjax.hippo import scaled_step
from rnnjax.hyperparameters import Flag, Size, check_hyperparameters


class HiPPOLegSParams(NamedTuple):
    """Parameters: there are none."""


class HiPPOLegSCarry(NamedTuple):
    """Carry: the memory ``m [..., D, N]``, and how many steps there were, ``[..., 1]``, int32."""

    m: jax.Array
    steps: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class HiPPOLegS(Cell):
    r"""All inputs since the beginning, as N coefficients of Legendre polynomials.

    .. math:: \dot m(t) = \frac1t A m(t) + \frac1t B x(t), \qquad
              m_{t,d} = \Big(1 - \frac{A}{2t}\Big)^{-1} \Big(\Big(1 + \frac{A}{2t}\Big) m_{t-1,d} +
              \frac1t B x_{t,d}\Big), \qquad y_t = (m_{t,1}, \dots, m_{t,D})

    A and B are fixed (`rnnjax.hippo.legs` writes them out), and nothing is learnt. What is far back
    is stretched, not forgotten: there is no length of a window to choose.

    Args:
        input_size: D, features of one input, each of which has a memory of its own.
        order: N, coefficients of a memory.
        exact_start: whether the first input becomes coefficient 0, which is exact, and t = 1 at the
            second, as in the authors' recurrent cell; if not, t = 1 at the first, which begins from
            zeros, as in their module ``HiPPO_LegS``.

    Parameters: `HiPPOLegSParams`. Carry: `HiPPOLegSCarry`. Output: ``[..., D N]``, the coefficients
    of one feature after those of another.

    Raises:
        ValueError: a size is not a positive integer.

    The step depends on how many there were, which the carry counts; a masked step is none, and a
    reset begins anew. So this is no linear cell. The authors' code has a table of matrices for 1024
    steps, and repeats the last or ends; here a step is a few sums along N, whatever its number.

    >>> cell = HiPPOLegS(input_size=3, order=4)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> y.shape
    (12,)

    Source: A. Gu, T. Dao, S. Ermon, A. Rudra, C. Ré, "HiPPO: recurrent memory with optimal
    polynomial projections", NeurIPS 2020, arXiv:2008.07669; HazyResearch/hippo-code.
    """

    input_size: Size
    order: Size
    exact_start: Flag = True

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.input_size * self.order

    def init(self, key: jax.Array) -> HiPPOLegSParams:
        del key
        return HiPPOLegSParams()

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> HiPPOLegSCarry:
        own = self.input_size, self.order
        zeros = zero_carry(HiPPOLegSCarry, batch_shape, dtype, m=own, steps=1)
        # A count in half precision would stay at 256.
        return zeros._replace(steps=jnp.zeros(zeros.steps.shape, jnp.int32))

    def project(self, params: HiPPOLegSParams, x: jax.Array) -> jax.Array:
        check_input(self, x)
        return x

    def step(
        self, params: HiPPOLegSParams, carry: HiPPOLegSCarry, z: jax.Array
    ) -> tuple[HiPPOLegSCarry, jax.Array]:
        wide = jnp.promote_types(carry.m.dtype, z.dtype)
        m = scaled_step(carry.m.astype(wide), z.astype(wide), carry.steps, exact=self.exact_start)
        after = HiPPOLegSCarry(m, carry.steps + 1)
        return settled(carry, after, m.reshape(*z.shape[:-1], -1), z)
