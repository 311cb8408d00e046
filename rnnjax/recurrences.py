r"""Steps that are linear in the state, as values: what a `rnnjax.linear_cell.LinearCell` states.

A recurrence is one step :math:`s \mapsto A s + b` of a state s, a tuple of arrays. Two steps after
each other are one of the same kind, so a sequence of them can be taken in any grouping; and the
step of a cotangent back through one is one, too. Each kind has these three written once:

* ``apply(state)``: the state after the step;
* ``after(earlier)``: the earlier step and then this one, as one step;
* ``transposed(cotangent)``: :math:`A^\top g`, without b.

The arrays of A may have fewer axes in front than those of b, where A is the same for all rows or
steps. Complex states are pairs of real arrays.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import jax
import jax.numpy as jnp

State = tuple[jax.Array, ...]
"""What a recurrence steps."""


class Recurrence(Protocol):
    """One step, linear in the state."""

    def apply(self, state: State) -> State:
        """The state after the step."""
        ...

    def transposed(self, cotangent: State) -> State:
        """The cotangent of the state before, of that of the state after."""
        ...

    def with_update(self, factor: jax.Array) -> Recurrence:
        """The same with what the step adds multiplied, as dropout of the update does."""
        ...


class Diagonal(NamedTuple):
    r"""Each number of the state by itself.

    .. math:: h_t = a_t \odot h_{t-1} + b_t

    The state is ``(h,)``, of the shape of b.
    """

    a: jax.Array
    b: jax.Array

    def apply(self, state: State) -> State:
        """The state after the step."""
        (h,) = state
        return (_wide(self.a, h) * h + self.b,)

    def after(self, earlier: Diagonal) -> Diagonal:
        """The earlier step and then this one.

        >>> both = Diagonal(jnp.array(2.0), jnp.array(1.0)).after(
        ...     Diagonal(jnp.array(3.0), jnp.array(5.0)))
        >>> float(both.a), float(both.b)
        (6.0, 11.0)
        """
        return Diagonal(self.a * earlier.a, _wide(self.a, earlier.b) * earlier.b + self.b)

    def transposed(self, cotangent: State) -> State:
        """a ⊙ g."""
        (g,) = cotangent
        return (_wide(self.a, g) * g,)

    def with_update(self, factor: jax.Array) -> Diagonal:
        """With b multiplied."""
        return self._replace(b=self.b * factor.astype(self.b.dtype))


class Rotation(NamedTuple):
    r"""Each complex number of the state by itself, as a pair of real ones.

    .. math:: h_t = a_t \odot h_{t-1} + b_t, \qquad a, b, h \in \mathbb{C}

    The state is ``(re, im)``, each of the shape of b_re.
    """

    a_re: jax.Array
    a_im: jax.Array
    b_re: jax.Array
    b_im: jax.Array

    def apply(self, state: State) -> State:
        """The state after the step."""
        re, im = _times(self.a_re, self.a_im, *state)
        return re + self.b_re, im + self.b_im

    def after(self, earlier: Rotation) -> Rotation:
        """The earlier step and then this one."""
        a = _times(self.a_re, self.a_im, earlier.a_re, earlier.a_im)
        re, im = _times(self.a_re, self.a_im, earlier.b_re, earlier.b_im)
        return Rotation(*a, re + self.b_re, im + self.b_im)

    def transposed(self, cotangent: State) -> State:
        """The complex conjugate of a, times g."""
        return _times(self.a_re, -self.a_im, *cotangent)

    def with_update(self, factor: jax.Array) -> Rotation:
        """With b multiplied."""
        own = factor.astype(self.b_re.dtype)
        return self._replace(b_re=self.b_re * own, b_im=self.b_im * own)


def _wide(a: jax.Array, like: jax.Array) -> jax.Array:
    return jnp.broadcast_to(a, like.shape)


def _times(
    a_re: jax.Array, a_im: jax.Array, re: jax.Array, im: jax.Array
) -> tuple[jax.Array, jax.Array]:
    a_re, a_im = _wide(a_re, re), _wide(a_im, im)
    return a_re * re - a_im * im, a_re * im + a_im * re
