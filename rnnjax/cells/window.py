"""The last inputs side by side, for a layer above that reads more than one at a time."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import Cell, check_input, zero_carry
from rnnjax.hyperparameters import Size, check_hyperparameters


class WindowCarry(NamedTuple):
    """Carry: the k - 1 inputs before, side by side, the latest first: ``x [..., (k - 1) D]``."""

    x: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Window(Cell):
    r"""The last k inputs side by side.

    .. math:: y_t = [x_t, x_{t-1}, \dots, x_{t-k+1}]

    Below a cell it makes a convolution over time of that cell's input matrix, computed for all
    steps in one product: ``Stack((Window(D, 2), QRNN(2 * D, H)))`` is a QRNN of window 2. Inputs
    that a mask hides are not counted; before the first one, and after a reset, there are zeros.

    Args:
        input_size: D, features of one input.
        window: k, at least 2.

    Parameters: none, ``()``. Carry: `WindowCarry`. Output: ``[..., k D]``.

    Raises:
        ValueError: a size is not a positive integer, or the window is 1.

    >>> cell = Window(1, 3)
    >>> carry = cell.initial_carry()
    >>> for x in (1.0, 2.0, 3.0, 4.0):
    ...     carry, y = cell((), carry, jnp.array([x]))
    >>> y.tolist()
    [4.0, 3.0, 2.0]

    Source: the "time-delay" inputs of A. Waibel et al., "Phoneme recognition using time-delay
    neural networks", IEEE Transactions on Acoustics, Speech and Signal Processing 37 (1989).
    """

    input_size: Size
    window: Size = 2

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        if self.window < 2:
            raise ValueError(
                "Window: window must be at least 2; of 1 it is the input itself, which needs none."
            )

    @property
    def output_size(self) -> int:
        return self.window * self.input_size

    def init(self, key: jax.Array) -> tuple[()]:
        return ()

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> WindowCarry:
        size = self.output_size - self.input_size
        return zero_carry(WindowCarry, batch_shape, dtype, x=size)

    def project(self, params: tuple[()], x: jax.Array) -> jax.Array:
        check_input(self, x)
        return x

    def step(
        self, params: tuple[()], carry: WindowCarry, z: jax.Array
    ) -> tuple[WindowCarry, jax.Array]:
        y = jnp.concatenate([z, carry.x.astype(z.dtype)], axis=-1)
        kept = carry.x[..., : -self.input_size]
        return WindowCarry(jnp.concatenate([z.astype(carry.x.dtype), kept], axis=-1)), y
