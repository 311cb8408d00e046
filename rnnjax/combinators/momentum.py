"""A cell to which its input comes with momentum."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import Carry, Cell, Params, param_shapes
from rnnjax.combinators.wrapper import Around, check_plain
from rnnjax.hyperparameters import AnyLayer, Positive, Rate, check_hyperparameters, one_of

Kind = Annotated[str, one_of(("momentum", "adam"))]
"""How the sum of the inputs is taken."""


class MomentumCarry(NamedTuple):
    """Carry of the cell, the sum ``v`` and, with "adam", the mean square ``s``.

    Both have the shape of what the cell's `project` gives.
    """

    cell: Carry
    v: jax.Array
    s: jax.Array | None = None


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class Momentum(Around, Cell):
    r"""A cell that reads a decaying sum of what it would make of its inputs.

    .. math::
        v_t &= \mu v_{t-1} + \epsilon\, \mathrm{project}(x_t) \\
        (s_t, y_t) &= \mathrm{step}(s_{t-1}, v_t)

    With "adam" the step reads v_t divided by the root of m_t + 1e-16, where m is the mean square
    of the inputs' products:

    .. math:: m_t = \mu_s m_{t-1} + (1 - \mu_s)\, \mathrm{project}(x_t)^2

    The cell's biases are in its projection, and so in the sum. In the long run v is
    ε / (1 - μ) times what is added.

    Args:
        layer: a cell, in no wrapper, whose `project` gives one array.
        momentum: μ.
        step_size: ε.
        kind: "momentum" or "adam".
        square_momentum: μ_s, with "adam".

    Parameters and output: those of the wrapped cell. Carry: `MomentumCarry`.

    Raises:
        ValueError: a value is out of its range, or the cell is none that can be wrapped.

    Equals the wrapped cell for μ = 0 and ε = 1. The official code keeps the state's own bias
    outside of the sum; here a cell with two biases has both inside. Its third kind, after
    Nesterov, needs the product with the state by itself, and is not here.

    >>> from rnnjax import LSTM, unroll
    >>> layer = Momentum(LSTM(3, 4), momentum=0.6, step_size=0.6)
    >>> carry, ys = unroll(layer, layer.init(jax.random.key(0)), jnp.ones((7, 3)))
    >>> carry.cell.h.shape, carry.v.shape
    ((4,), (16,))

    Source: T. M. Nguyen et al., "MomentumRNN: integrating momentum into recurrent neural
    networks", NeurIPS 2020, arXiv:2006.06919; minhtannguyen/MomentumRNN,
    ``mnist-timit/momentumnet.py``, from which the equations of the LSTM are; the defaults of the
    hyper-parameters are this package's.
    """

    layer: AnyLayer
    momentum: Rate = 0.6
    step_size: Positive = 0.6
    kind: Kind = "momentum"
    square_momentum: Rate = 0.9

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        check_plain("Momentum", self.layer)
        if not isinstance(self._projected(), jax.ShapeDtypeStruct):
            raise ValueError(
                f"Momentum: what {type(self.layer).__name__} makes of an input is not one array, "
                "to which momentum could be added; wrap cells such as rnnjax.LSTM(28, 64)."
            )

    @property
    def _cell(self) -> Cell:
        assert isinstance(self.layer, Cell)
        return self.layer

    def _projected(self) -> Any:
        x = jnp.zeros(self.layer.input_shape)
        return jax.eval_shape(self._cell.project, param_shapes(self.layer), x)

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Carry:
        return self._begin(self.layer.initial_carry(batch_shape, dtype), batch_shape, dtype)

    def first_carry(
        self, params: Params, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> Carry:
        return self._begin(self.layer.first_carry(params, batch_shape, dtype), batch_shape, dtype)

    def _begin(self, cell: Carry, batch_shape: tuple[int, ...], dtype: Any) -> MomentumCarry:
        shape = (*batch_shape, *self._projected().shape)
        v, s = (jnp.zeros(shape, dtype) for _ in range(2))
        return MomentumCarry(cell, v, s if self.kind == "adam" else None)

    def project(self, params: Params, x: jax.Array) -> Any:
        return self._cell.project(params, x)

    def step(
        self, params: Params, carry: MomentumCarry, z: jax.Array
    ) -> tuple[MomentumCarry, jax.Array]:
        v = read = self.momentum * carry.v + self.step_size * z.astype(carry.v.dtype)
        s = carry.s
        if s is not None:
            rate = self.square_momentum
            s = rate * s + (1 - rate) * z.astype(s.dtype) ** 2
            read = v / jnp.sqrt(s + 1e-16)
        cell, y = self._cell.step(params, carry.cell, read.astype(z.dtype))
        return MomentumCarry(cell, v, s), y
