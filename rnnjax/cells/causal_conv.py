"""A convolution over time that reads no later input."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import ACTIVATIONS
from rnnjax.cell import Cell, affine, check_input, zero_carry
from rnnjax.hyperparameters import Activation, Flag, Size, check_hyperparameters
from rnnjax.initializers import symmetric_uniform


class CausalConvParams(NamedTuple):
    """Parameters, the kernel's last row that of the present input.

    ``w [k, D]``, or ``[k, D, O]`` where dense; ``b [O]`` (None where absent).
    """

    w: jax.Array
    b: jax.Array | None = None


class CausalConvCarry(NamedTuple):
    """Carry: the k - 1 inputs before, the latest last: ``x [..., k - 1, D]``."""

    x: jax.Array


class Projected(NamedTuple):
    """The input ``[..., D]``, and what the present one alone gives, ``[..., O]``."""

    x: jax.Array
    y: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class CausalConv(Cell):
    r"""A convolution over the last k inputs, by default of each feature by itself.

    .. math::
        y_t &= \phi\Big(b + \sum_{j=1}^k w_j \odot x_{t-k+j}\Big) \qquad \text{(depthwise)} \\
        y_t &= \phi\Big(b + \sum_{j=1}^k x_{t-k+j} W_j\Big) \qquad \text{(dense)}

    Inputs that a mask hides are not counted; before the first one, and after a reset, there are
    zeros.

    Args:
        input_size: D, features of one input.
        window: k, at least 2.
        num_outputs: O, for a dense kernel; None for a depthwise one of D outputs. Of a dense one
            only the product with the present input is computed for all steps at once; see `Window`
            below another cell for all of them at once.
        activation: φ, a name in `rnnjax.activations.ACTIVATIONS`.
        use_bias: whether there is a bias.

    Parameters: `CausalConvParams`, uniform at ±1/√k, dense at ±1/√(k D), as in ``torch.nn.Conv1d``.
    Carry: `CausalConvCarry`. Output: ``[..., O]``.

    Raises:
        ValueError: a size is not a positive integer, the window is 1, or a name is unknown.

    Equal to ``torch.nn.Conv1d`` with ``groups=D`` (depthwise) and k - 1 zeros before the sequence,
    whose kernel is kept as ``[D, 1, k]``, or dense as ``[O, D, k]``.

    >>> cell = CausalConv(2, window=3)
    >>> params = CausalConvParams(jnp.array([[0.0, 1], [0, 1], [1, 1]]))
    >>> carry = cell.initial_carry()
    >>> for x in (1.0, 2.0, 3.0):
    ...     carry, y = cell(params, carry, jnp.array([x, x]))
    >>> y.tolist()
    [3.0, 6.0]

    Source: the blocks of A. Gu, T. Dao, "Mamba: linear-time sequence modeling with selective state
    spaces", arXiv:2312.00752, and of S. De et al., "Griffin", arXiv:2402.19427.
    """

    input_size: Size
    window: Size = 4
    num_outputs: Size | None = None
    activation: Activation = "linear"
    use_bias: Flag = True

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        if self.window < 2:
            raise ValueError("CausalConv: window must be at least 2, the present input among them.")

    @property
    def output_size(self) -> int:
        return self.num_outputs or self.input_size

    def init(self, key: jax.Array) -> CausalConvParams:
        keys = jax.random.split(key)
        shape = (self.window, self.input_size)
        if self.num_outputs is not None:
            shape = (*shape, self.num_outputs)
        draw = symmetric_uniform(self.window if len(shape) == 2 else self.window * self.input_size)
        b = draw(keys[1], (self.output_size,)) if self.use_bias else None
        return CausalConvParams(draw(keys[0], shape), b)

    def initial_carry(
        self, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> CausalConvCarry:
        past = (self.window - 1, self.input_size)
        return zero_carry(CausalConvCarry, batch_shape, dtype, x=past)

    def project(self, params: CausalConvParams, x: jax.Array) -> Projected:
        check_input(self, x)
        w = params.w[-1]
        if self.num_outputs is not None:
            return Projected(x, affine(x, w, params.b))
        y = x * jnp.broadcast_to(w, x.shape)
        return Projected(x, y if params.b is None else y + jnp.broadcast_to(params.b, y.shape))

    def step(
        self, params: CausalConvParams, carry: CausalConvCarry, z: Projected
    ) -> tuple[CausalConvCarry, jax.Array]:
        terms = "...kd,kdo->...o" if self.num_outputs is not None else "...kd,kd->...d"
        before = jnp.einsum(terms, carry.x.astype(z.y.dtype), params.w[:-1].astype(z.y.dtype))
        y = ACTIVATIONS[self.activation](z.y + before)
        latest = z.x[..., None, :].astype(carry.x.dtype)
        return CausalConvCarry(jnp.concatenate([carry.x[..., 1:, :], latest], axis=-2)), y
