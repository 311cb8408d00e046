"""What cells whose first values are their paper's have in common, and two states side by side."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, NamedTuple

import jax

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
        check_input(self, x)
        return affine(x, params.w_x, params.b)
