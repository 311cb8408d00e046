"""What cells that discretise differential equations have in common."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import affine, check_input
from rnnjax.fused_cell import FusedCell
from rnnjax.gated_cell import HiddenCarry
from rnnjax.hyperparameters import Flag


class PairCarry(NamedTuple):
    """Carry: y of the equations, ``h [..., H]``, and ``z [..., H]``."""

    h: jax.Array
    z: jax.Array


@dataclasses.dataclass(frozen=True)
class PhysicalCell(FusedCell):
    r"""A cell with one product of the input, whose first values are not for choice.

    .. math:: z_t = x_t W_x + b

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.
        use_bias: whether there are biases.

    Raises:
        ValueError: a field holds what its annotation does not allow.
    """

    use_bias: Flag = dataclasses.field(default=True, kw_only=True)

    carry_type: ClassVar[type] = HiddenCarry

    def project(self, params: Any, x: jax.Array) -> Any:
        """As of `rnnjax.Cell`."""
        check_input(self, x)
        return affine(x, params.w_x, params.b)


def tilted(m: jax.Array, beta: float, gamma: float) -> jax.Array:
    r"""A matrix between its antisymmetric part and its symmetric part, moved to the left.

    .. math:: S = \beta (M - M^\top) + (1 - \beta) (M + M^\top) - \gamma I

    Args:
        m: M ``[H, H]``.
        beta: β; at 1 the real parts of all eigenvalues are -γ.
        gamma: γ.

    >>> tilted(jnp.array([[5.0, 3.0], [1.0, 7.0]]), 1.0, 0.5).tolist()
    [[-0.5, 2.0], [-2.0, -0.5]]
    """
    across = jnp.matrix_transpose(m)
    moved = gamma * jnp.eye(m.shape[-1], dtype=m.dtype)
    return beta * (m - across) + (1 - beta) * (m + across) - moved
