r"""Steps that are linear in the state, as values: what a `rnnjax.linear_cell.LinearCell` states.

A recurrence is one step :math:`s \mapsto A s + b` of a state s, a tuple of arrays. Two steps after
each other are one of the same kind, so a sequence of them can be taken in any grouping
(`rnnjax.unrolling.linear_scan`, where their derivative is stated once for all kinds). The arrays of
A may have fewer axes in front than those of b, where A is the same for all rows or steps. Complex
states are pairs of real arrays.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import jax
import jax.numpy as jnp

State = tuple[jax.Array, ...]
"""What a recurrence steps."""


class Recurrence(Protocol):
    """One step, linear in the state; of arrays with a time axis in front, one of each time."""

    def apply(self, state: State) -> State:
        """The state after the step."""
        ...

    def with_update(self, factor: jax.Array) -> Any:
        """The same with what the step adds multiplied, as dropout of the update does."""
        ...


class Composable(Recurrence, Protocol):
    """One that composes with others of its kind."""

    @property
    def factors(self) -> State:
        """The arrays of A."""
        ...

    @property
    def added(self) -> State:
        """The arrays of b, of the shapes of the state."""
        ...

    def replaced(self, factors: State, added: State) -> Any:
        """One with these arrays instead."""
        ...

    @staticmethod
    def identity(factors: State) -> State:
        """The arrays of an A that changes nothing."""
        ...

    @staticmethod
    def times(factors: State, state: State) -> State:
        """A s."""
        ...

    @staticmethod
    def product(later: State, earlier: State) -> State:
        """The arrays of the product of two A."""
        ...


class _Kind:
    """What all kinds have in common: their arrays are those of A, and as many of b."""

    @property
    def factors(self: Any) -> State:
        """The arrays of A."""
        return tuple(self[: len(self) // 2])

    @property
    def added(self: Any) -> State:
        """The arrays of b, of the shapes of the state."""
        return tuple(self[len(self) // 2 :])

    def replaced(self: Any, factors: State, added: State) -> Any:
        """One with these arrays instead."""
        return type(self)(*factors, *added)

    def apply(self: Any, state: State) -> State:
        """The state after the step."""
        moved = self.times(self.factors, state)
        return tuple(own + b for own, b in zip(moved, self.added, strict=True))

    def after(self: Any, earlier: Any) -> Any:
        """The earlier step and then this one, as one step."""
        factors = self.product(self.factors, earlier.factors)
        return self.replaced(factors, self.apply(earlier.added))

    def factors_ndim(self: Any, added: State) -> int:
        """How many axes a factor has that is of one step and one row."""
        return added[0].ndim

    def held(self: Any, kept: dict[str, jax.Array], rates: dict[str, float]) -> Any:
        """The same under zoneout of the state: where it is kept, or in the mean so much of it.

        Args:
            kept: bool ``[..., N]`` by the name of the carry's field, "h".
            rates: likewise, the share that is kept.
        """
        factors, added = self.factors, self.added
        if rate := rates.get("h"):
            one = self.identity(factors)
            factors = tuple(rate * i + (1 - rate) * a for i, a in zip(one, factors, strict=True))
            added = tuple((1 - rate) * b for b in added)
        if "h" in kept:
            where = kept["h"]
            factors = tuple(_wide(a, b) for a, b in zip(factors, added, strict=True))
            one = self.identity(factors)
            factors = tuple(jnp.where(where, i, a) for i, a in zip(one, factors, strict=True))
            added = tuple(jnp.where(where, 0, b) for b in added)
        return self.replaced(factors, added)

    def with_update(self: Any, factor: jax.Array) -> Any:
        """The same with what the step adds multiplied, as dropout of the update does."""
        return self.replaced(self.factors, tuple(b * factor.astype(b.dtype) for b in self.added))


class DiagonalFields(NamedTuple):
    """The arrays of a `Diagonal`."""

    a: jax.Array
    b: jax.Array


class Diagonal(_Kind, DiagonalFields):
    r"""Each number of the state by itself.

    .. math:: h_t = a_t \odot h_{t-1} + b_t

    The state is ``(h,)``, of the shape of b.

    >>> both = Diagonal(jnp.array(2.0), jnp.array(1.0)).after(
    ...     Diagonal(jnp.array(3.0), jnp.array(5.0)))
    >>> float(both.a), float(both.b)
    (6.0, 11.0)
    """

    @staticmethod
    def identity(factors: State) -> State:
        """1."""
        return (jnp.ones_like(factors[0]),)

    @staticmethod
    def times(factors: State, state: State) -> State:
        """a ⊙ h."""
        return (_wide(factors[0], state[0]) * state[0],)

    @staticmethod
    def product(later: State, earlier: State) -> State:
        """The product of both."""
        return (later[0] * earlier[0],)


class RotationFields(NamedTuple):
    """The arrays of a `Rotation`."""

    a_re: jax.Array
    a_im: jax.Array
    b_re: jax.Array
    b_im: jax.Array


class Rotation(_Kind, RotationFields):
    r"""Each complex number of the state by itself, as a pair of real ones.

    .. math:: h_t = a_t \odot h_{t-1} + b_t, \qquad a, b, h \in \mathbb{C}

    The state is ``(re, im)``, each of the shape of b_re.
    """

    @staticmethod
    def identity(factors: State) -> State:
        """1 + 0 i."""
        return jnp.ones_like(factors[0]), jnp.zeros_like(factors[1])

    @staticmethod
    def times(factors: State, state: State) -> State:
        """a ⊙ h."""
        re, im = (_wide(a, own) for a, own in zip(factors, state, strict=True))
        return re * state[0] - im * state[1], re * state[1] + im * state[0]

    @staticmethod
    def product(later: State, earlier: State) -> State:
        """The product of both."""
        return Rotation.times(later, earlier)


class DenseFields(NamedTuple):
    """The arrays of a `Dense`."""

    a: jax.Array
    b: jax.Array


class Dense(_Kind, DenseFields):
    r"""States of N numbers that a matrix mixes: M of them beside each other, with one matrix.

    .. math:: h_{t,m} = A_t h_{t-1,m} + b_{t,m}

    a is ``[..., N, N]`` or, where it is the same for all rows and steps, ``[N, N]``; the state is
    ``(h,)``, of the shape of b, ``[..., M, N]``. To compose two steps takes N³ operations.

    >>> one = Dense(jnp.array([[0.0, 1.0], [2.0, 0.0]]), jnp.array([[1.0, 1.0]]))
    >>> one.after(one).a.tolist(), one.after(one).b.tolist()
    ([[2.0, 0.0], [0.0, 2.0]], [[2.0, 3.0]])
    """

    @staticmethod
    def identity(factors: State) -> State:
        """1 on the diagonal."""
        (a,) = factors
        return (jnp.broadcast_to(jnp.eye(a.shape[-1], dtype=a.dtype), a.shape),)

    @staticmethod
    def times(factors: State, state: State) -> State:
        """A h for each of the M."""
        return (jnp.matmul(state[0], jnp.matrix_transpose(factors[0])),)

    @staticmethod
    def product(later: State, earlier: State) -> State:
        """The product of both."""
        return (jnp.matmul(later[0], earlier[0]),)


def _wide(a: jax.Array, like: jax.Array) -> jax.Array:
    return jnp.broadcast_to(a, like.shape)
