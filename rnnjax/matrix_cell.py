"""Cells whose state is a matrix for each head, which keys write to and queries read from."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from rnnjax.cell import Params, zero_carry
from rnnjax.hyperparameters import Size, check_hyperparameters
from rnnjax.linear_cell import LinearCell
from rnnjax.normalization import rms_norm
from rnnjax.outer import Outer, read
from rnnjax.recurrences import State


class MatrixCell(LinearCell):
    r"""A linear cell with a memory of matrices.

    .. math:: y_t = \mathrm{output}(S_t^\top q_t,\; z_t)

    Stated like this, a whole chunk of steps is a few products of matrices, and no matrix but that
    at the chunk's end is ever made: the executor "chunkwise".
    """

    @abc.abstractmethod
    def coefficients(self, params: Params, z: Any) -> Outer:
        """As of `LinearCell`."""

    @abc.abstractmethod
    def queries(self, params: Params, z: Any) -> jax.Array:
        """q ``[..., heads, K]``."""

    @abc.abstractmethod
    def output(
        self, params: Params, found: jax.Array, z: Any, m: jax.Array | None = None
    ) -> jax.Array:
        """The output ``[..., O]``.

        Args:
            params: as `init` gives them.
            found: Sᵀ q, ``[..., heads, V]``.
            z: as `project` gives it.
            m: the largest exponent so far, ``[..., heads]``, where the state has one.
        """

    def readout(self, params: Params, state: State, z: Any) -> jax.Array:
        """Of the whole state, for a single step."""
        found = read(state[0], self.queries(params, z))
        return self.output(params, found, z, *state[1:])


class MatrixCarry(NamedTuple):
    """Carry: a matrix for each head, ``s [..., heads, K, V]``."""

    s: jax.Array


@dataclasses.dataclass(frozen=True)
class HeadedCell(MatrixCell):
    """A matrix cell with heads, the sizes of whose keys and values are free."""

    input_size: Size
    hidden_size: Size
    heads: Size = 4
    key_size: Size | None = None
    value_size: Size | None = None

    carry_type = MatrixCarry

    def __post_init__(self) -> None:
        check_hyperparameters(self)
        if self.hidden_size % self.heads and None in (self.key_size, self.value_size):
            raise ValueError(
                f"{type(self).__name__}: heads={self.heads} must divide the hidden size, "
                f"{self.hidden_size}, or key_size and value_size be given."
            )

    @property
    def output_size(self) -> int:
        """H."""
        return self.hidden_size

    @property
    def update_size(self) -> int:
        """Of the values of all heads."""
        return self.heads * self._value

    @property
    def _key(self) -> int:
        """K, features of a key."""
        return self.key_size or self.hidden_size // self.heads

    @property
    def _value(self) -> int:
        """V, features of a value."""
        return self.value_size or self.hidden_size // self.heads

    @property
    def _columns(self) -> int:
        """Of a head's matrix: V, unless one more counts what was written."""
        return self._value

    @property
    def _matrices(self) -> tuple[int, int, int]:
        """The shape of all of a row's."""
        return self.heads, self._key, self._columns

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Any:
        """Matrices of zeros."""
        return zero_carry(MatrixCarry, batch_shape, dtype, s=self._matrices)


def parts(z: jax.Array, sizes: Sequence[int]) -> list[jax.Array]:
    """The last axis cut into parts of these sizes."""
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes) - 1)]
    return jnp.split(z, ends, axis=-1)


def by_head(x: jax.Array, heads: int) -> jax.Array:
    """``[..., heads · F]`` to ``[..., heads, F]``."""
    return x.reshape(*x.shape[:-1], heads, x.shape[-1] // heads)


def together(x: jax.Array) -> jax.Array:
    """``[..., heads, F]`` to ``[..., heads · F]``."""
    return x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])


def blocked(x: jax.Array, w: jax.Array) -> jax.Array:
    """Features ``[..., N · S]`` by a matrix of N blocks, ``[N, S, S]``."""
    read = by_head(x, len(w))
    return jnp.einsum("...ns,nst->...nt", read, w).reshape(x.shape)


def gated_output(
    found: jax.Array, gain: jax.Array, gate: jax.Array | None, w_o: jax.Array, epsilon: float
) -> jax.Array:
    """What all heads found, each normalised, gated by SiLU, and a matrix of it.

    Args:
        found: ``[..., heads, V]``.
        gain: of the norm, ``[V]``.
        gate: ``[..., heads · V]``, before SiLU; None for none.
        w_o: ``[heads · V, O]``.
        epsilon: of the norm.
    """
    y = together(rms_norm(found, gain, epsilon=epsilon))
    if gate is not None:
        y = y * jax.nn.silu(gate)
    return jnp.matmul(y, w_o.astype(y.dtype))
