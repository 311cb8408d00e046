"""The mass-conserving long short-term memory."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.activations import gates
from rnnjax.cell import Cell, affine, check_input, recur, settled, zero_carry
from rnnjax.hyperparameters import Flag, Size, check_hyperparameters


class MassConservingLSTMParams(NamedTuple):
    """Parameters of the K = (M + H + 1) H sums in I row by row, R row by row, and o.

    ``w_x [D - M, K]`` of the auxiliary inputs, ``w_c [H, K]`` of the stored mass, and ``b [K]``
    (None where absent).
    """

    w_x: jax.Array
    w_c: jax.Array
    b: jax.Array | None = None


class MassConservingLSTMCarry(NamedTuple):
    """Carry: the mass in store ``c [..., H]``."""

    c: jax.Array


class Projected(NamedTuple):
    """What depends on the input alone: the gates' ``[..., K]``, and the mass ``[..., M]``."""

    gates: jax.Array
    mass: jax.Array


@jax.tree_util.register_static
@dataclasses.dataclass(frozen=True)
class MassConservingLSTM(Cell):
    r"""A memory that shares out, moves and gives out what it is given, and loses nothing of it.

    .. math::
        q_t &= [x^a_t, c_{t-1} / \textstyle\sum c_{t-1}] \\
        I_t &= \mathrm{softmax}(q_t W_I + b_I), \qquad R_t = \mathrm{softmax}(q_t W_R + b_R), \qquad
            o_t = \sigma(q_t W_o + b_o) \\
        m_t &= c_{t-1} R_t + x^m_t I_t \\
        c_t &= (1 - o_t) \odot m_t, \qquad y_t = o_t \odot m_t

    x^m are the first M features of the input, meant to be amounts of at least 0, and x^a the
    others. The rows of I [M, H] and of R [H, H] sum to 1. Where nothing is in store, q has zeros.
    At first each of the three W is orthogonal, b_I is 0, b_R the identity matrix and b_o is -3.

    Args:
        input_size: D, features of one input, the M amounts included.
        hidden_size: H, units.
        mass_size: M, at most D.
        use_bias: whether there are biases.

    Parameters: `MassConservingLSTMParams`. Carry: `MassConservingLSTMCarry`. Output: ``[..., H]``.

    Raises:
        ValueError: a size is not a positive integer, or M is above D.

    Σc_t + Σy_t is Σc_{t-1} + Σx^m_t. Whoever wants mass that leaves and is not seen lets a unit of
    the output go unread. The library neuralhydrology lets the gates see x^m, and divides c by its
    norm over a whole batch. What torchrecurrent calls MCLSTM is `rnnjax.MemoryControllerLSTM`.

    >>> cell = MassConservingLSTM(input_size=3, hidden_size=2, mass_size=1)
    >>> params = cell.init(jax.random.key(0))
    >>> carry, y = cell(params, cell.initial_carry(), jnp.array([1.0, -1.0, 2.0]))
    >>> print(f"{carry.c.sum() + y.sum():.3f}")
    1.000

    Source: P.-J. Hoedt et al., "MC-LSTM: mass-conserving LSTM", ICML 2021, arXiv:2101.05186;
    ``mclstm.py`` of ml-jku/mc-lstm.
    """

    input_size: Size
    hidden_size: Size
    mass_size: Size
    use_bias: Flag = True

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        if self.mass_size > self.input_size:
            raise ValueError(
                f"MassConservingLSTM: mass_size must be at most input_size, {self.input_size}, not "
                f"{self.mass_size}."
            )

    @property
    def output_size(self) -> int:
        return self.hidden_size

    @property
    def _widths(self) -> tuple[int, int, int]:
        """Of the sums of I, R and o."""
        return self.mass_size * self.hidden_size, self.hidden_size**2, self.hidden_size

    def init(self, key: jax.Array) -> MassConservingLSTMParams:
        auxiliary, h = self.input_size - self.mass_size, self.hidden_size
        draw = jax.nn.initializers.orthogonal()
        each = zip(jax.random.split(key, 3), self._widths, strict=True)
        w = jnp.concatenate([draw(k, (auxiliary + h, width)) for k, width in each], axis=-1)
        zeros = jnp.zeros(self._widths[0])
        b = jnp.concatenate([zeros, jnp.eye(h).reshape(-1), jnp.full(h, -3.0)])
        return MassConservingLSTMParams(w[:auxiliary], w[auxiliary:], b if self.use_bias else None)

    def initial_carry(
        self, batch_shape: tuple[int, ...] = (), dtype: Any = None
    ) -> MassConservingLSTMCarry:
        return zero_carry(MassConservingLSTMCarry, batch_shape, dtype, c=self.hidden_size)

    def project(self, params: MassConservingLSTMParams, x: jax.Array) -> Projected:
        check_input(self, x)
        mass, auxiliary = x[..., : self.mass_size], x[..., self.mass_size :]
        return Projected(affine(auxiliary, params.w_x, params.b), mass)

    def step(
        self, params: MassConservingLSTMParams, carry: MassConservingLSTMCarry, z: Projected
    ) -> tuple[MassConservingLSTMCarry, jax.Array]:
        total = jnp.sum(carry.c, axis=-1, keepdims=True)
        shares = carry.c / jnp.where(total == 0, 1, total)
        # In half precision the rows would not sum to 1, and mass would be lost or made.
        wide = jnp.promote_types(carry.c.dtype, jnp.promote_types(z.gates.dtype, jnp.float32))
        a = (z.gates + recur(shares, params.w_c)).astype(wide)
        given, moved, _ = self._widths
        a_i, a_r, a_o = jnp.split(a, (given, given + moved), axis=-1)
        share_out, move = self._rows(a_i), self._rows(a_r)
        (o,) = gates(a_o, ("sigmoid",))
        masses = jnp.concatenate([carry.c.astype(wide), z.mass.astype(wide)], axis=-1)
        targets = jnp.concatenate([move, share_out], axis=-2)
        m = jnp.einsum("...i,...ij->...j", masses, targets)
        return settled(carry, MassConservingLSTMCarry((1 - o) * m), o * m, z.gates)

    def _rows(self, a: jax.Array) -> jax.Array:
        """Rows of H that sum to 1."""
        return jax.nn.softmax(a.reshape(*a.shape[:-1], -1, self.hidden_size), axis=-1)
