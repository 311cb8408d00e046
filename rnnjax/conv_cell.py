"""What the convolutional cells have in common."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from rnnjax.cell import Carry, Cell, Params, check_input, zero_carry
from rnnjax.gated_cell import HiddenCarry
from rnnjax.hyperparameters import (
    Flag,
    Initialization,
    Size,
    Sizes,
    check_hyperparameters,
    one_of,
)
from rnnjax.initializers import INITIALIZATIONS

AXES = "DHW"
"""The names of three axes of space, of which a cell has the last ones."""

Padding = Annotated[str, one_of(("same", "valid"))]
"""How much is put around an image: so much that its size stays, or nothing."""


class ConvParams(NamedTuple):
    """Parameters of G gates, fused in the order of the cell's `gate_names`.

    ``w_x [*kernel_size, D, G H]``, ``w_h [*kernel_size, H, R H]`` of the R first of them, which
    read the state, and ``b [G H]`` (None where absent).
    """

    w_x: jax.Array
    w_h: jax.Array
    b: jax.Array | None = None


@dataclasses.dataclass(frozen=True)
class ConvCell(Cell):
    r"""A cell whose products are convolutions over one to three axes of space, channels last.

    .. math:: a_t = W_x * x_t + b + W_h * h_{t-1}

    The convolution of the state keeps its shape: stride 1, as many zeros around it as that takes.
    Only that of the input has strides, a padding and a dilation, and its outputs' shape is the
    state's. As everywhere in neural networks, a convolution does not flip its kernel.

    Args:
        input_size: D, channels of one input.
        hidden_size: H, channels of the state.
        space: the sizes of an input's axes of space, one to three.
        kernel_size: of both convolutions, one size for each axis of space.
        strides: of the input's convolution; 1 by default.
        padding: "same" or "valid", of the input's convolution.
        dilation: of the input's convolution; 1 by default.
        use_bias: whether there are biases.

    Raises:
        ValueError: a field holds what its annotation does not allow, or the sizes do not fit.
    """

    input_size: Size
    hidden_size: Size
    space: Sizes
    kernel_size: Sizes
    strides: Sizes | None = dataclasses.field(default=None, kw_only=True)
    padding: Padding = dataclasses.field(default="same", kw_only=True)
    dilation: Sizes | None = dataclasses.field(default=None, kw_only=True)
    use_bias: Flag = dataclasses.field(default=True, kw_only=True)

    carry_type: ClassVar[type] = HiddenCarry
    """The NamedTuple that its carry is."""

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        name, axes = type(self).__name__, len(self.space)
        if axes > len(AXES):
            raise ValueError(f"{name}: space has one to three axes, not {self.space}.")
        for field in ("kernel_size", "strides", "dilation"):
            sizes = getattr(self, field)
            if sizes is not None and len(sizes) != axes:
                raise ValueError(
                    f"{name}: {field} must have a size for each of the {axes} axes of space, but "
                    f"is {sizes}."
                )
        if min(self.state_space) < 1:
            raise ValueError(
                f"{name}: an input of {self.space} is smaller than the kernel {self.kernel_size} "
                "and its dilation, so that padding='valid' leaves nothing."
            )

    @property
    def output_size(self) -> int:
        return self.hidden_size

    @property
    def input_shape(self) -> tuple[int, ...]:
        return (*self.space, self.input_size)

    @property
    def output_shape(self) -> tuple[int, ...]:
        return (*self.state_space, self.hidden_size)

    @property
    def state_space(self) -> tuple[int, ...]:
        """The sizes of the state's axes of space: those that the input's convolution leaves."""
        spans = (
            0 if self.padding == "same" else (kernel - 1) * dilation
            for kernel, dilation in zip(self.kernel_size, self._dilation, strict=True)
        )
        return tuple(
            -(-(size - span) // stride)
            for size, span, stride in zip(self.space, spans, self._strides, strict=True)
        )

    @property
    def _strides(self) -> tuple[int, ...]:
        return self.strides or (1,) * len(self.space)

    @property
    def _dilation(self) -> tuple[int, ...]:
        return self.dilation or (1,) * len(self.space)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Carry:
        sizes = dict.fromkeys(self.carry_type._fields, self.output_shape)  # pyright: ignore[reportAttributeAccessIssue]
        return zero_carry(self.carry_type, batch_shape, dtype, **sizes)

    def project(self, params: Params, x: jax.Array) -> Any:
        check_input(self, x)
        a = convolved(
            x, params.w_x, strides=self._strides, padding=self.padding, dilation=self._dilation
        )
        return a if params.b is None else a + jnp.broadcast_to(params.b, a.shape)


@dataclasses.dataclass(frozen=True)
class GatedConvCell(ConvCell):
    """A convolutional cell whose gates are drawn as a framework's dense gates are.

    Args:
        input_size: as of `ConvCell`, and so are the others.
        hidden_size: as there.
        space: as there.
        kernel_size: as there.
        strides: as there.
        padding: as there.
        dilation: as there.
        use_bias: as there.
        initialization: "keras" (Glorot uniform, orthogonal, zero biases) or "torch" (all uniform
            ±1/√n, n the numbers that one number of a convolution is made of); what a cell says of
            its first biases is added to either.

    Raises:
        ValueError: as `ConvCell`.
    """

    initialization: Initialization = dataclasses.field(default="keras", kw_only=True)

    gate_names: ClassVar[tuple[str, ...]]
    """The gates in the order in which they are fused."""

    first_biases: ClassVar[Mapping[str, float]] = MappingProxyType({})
    """What is added to the initial bias of a gate, by its name."""

    def init(self, key: jax.Array) -> Any:
        chosen, keys = INITIALIZATIONS[self.initialization], jax.random.split(key, 3)
        width, taps = len(self.gate_names) * self.hidden_size, math.prod(self.kernel_size)
        read, kept = taps * self.input_size, taps * self.hidden_size
        w_x = chosen.kernel(read)(keys[0], (*self.kernel_size, self.input_size, width))
        w_h = chosen.recurrent_kernel(kept)(keys[1], (*self.kernel_size, self.hidden_size, width))
        if not self.use_bias:
            return ConvParams(w_x, w_h)
        b = chosen.bias(read)(keys[2], (width,))
        first = jnp.asarray([self.first_biases.get(name, 0.0) for name in self.gate_names], b.dtype)
        return ConvParams(w_x, w_h, b + jnp.repeat(first, self.hidden_size))


def convolved(
    x: jax.Array,
    kernel: jax.Array,
    *,
    strides: tuple[int, ...] | None = None,
    padding: str = "same",
    dilation: tuple[int, ...] | None = None,
) -> jax.Array:
    """The convolution of images ``[..., *space, D]``: ``[..., *space, K]``.

    Args:
        x: any number of batch axes in front; they become one.
        kernel: ``[*sizes, D, K]``.
        strides: 1 by default.
        padding: "same" or "valid".
        dilation: 1 by default.
    """
    num_axes = kernel.ndim - 2
    ones = (1,) * num_axes
    batch_shape, image = x.shape[: x.ndim - num_axes - 1], x.shape[x.ndim - num_axes - 1 :]
    axes = AXES[-num_axes:]
    y = lax.conv_general_dilated(
        x.reshape(math.prod(batch_shape), *image).astype(jnp.result_type(x, kernel)),
        kernel.astype(jnp.result_type(x, kernel)),
        strides or ones,
        padding.upper(),
        rhs_dilation=dilation or ones,
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
    )
    return y.reshape(*batch_shape, *y.shape[1:])


def recur(h: jax.Array, kernel: jax.Array) -> jax.Array:
    """`convolved` for a state, computed in the parameters' float type."""
    return convolved(h.astype(kernel.dtype), kernel)
