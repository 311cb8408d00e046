"""What most gated cells have in common."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

import jax

from rnnjax.cell import Carry, NoisyCell, Params, affine, check_input, zero_carry
from rnnjax.hyperparameters import Size, check_hyperparameters
from rnnjax.initializers import gate_params


@dataclasses.dataclass(frozen=True)
class FusedCell(NoisyCell):
    r"""A cell of H units whose gates are fused: one product of the input, with all biases in it.

    .. math:: z_t = x_t W_x + b + b_h

    Its carry begins as zeros, H in each of its fields, and what it gives has H features; a cell of
    which one of these is not so says so itself.

    Args:
        input_size: D, features of one input.
        hidden_size: H, units.

    Raises:
        ValueError: a field holds what its annotation does not allow.
    """

    input_size: Size
    hidden_size: Size

    carry_type: ClassVar[type]
    """The NamedTuple that its carry is."""

    def __post_init__(self) -> None:
        check_hyperparameters(self)

    @property
    def output_size(self) -> int:
        return self.hidden_size

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Carry:
        sizes = dict.fromkeys(self.carry_type._fields, self.hidden_size)  # pyright: ignore[reportAttributeAccessIssue]
        return zero_carry(self.carry_type, batch_shape, dtype, **sizes)

    def project(self, params: Params, x: jax.Array) -> Any:
        check_input(self, x)
        return affine(x, params.w_x, params.b, params.b_h)

    def draw_gates(
        self, key: jax.Array, num_gates: int, **options: Any
    ) -> tuple[jax.Array, jax.Array, jax.Array | None, jax.Array | None]:
        """Draws w_x, w_h, b and b_h as the fields `initialization` and `use_bias` say.

        Args:
            key: a random key.
            num_gates: how many are fused.
            options: as those of `rnnjax.initializers.gate_params`.
        """
        own: Any = self  # these two stand behind those of each cell's own
        return gate_params(
            key, own.initialization, self.input_size, self.hidden_size,
            num_gates=num_gates, use_bias=own.use_bias, **options,
        )  # fmt: skip
