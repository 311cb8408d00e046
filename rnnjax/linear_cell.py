"""Cells whose step is linear in their state: coefficients and a readout, stated once."""

from __future__ import annotations

import abc
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from rnnjax.cell import Carry, NoisyCell, Params
from rnnjax.noise import SILENCE, Noise
from rnnjax.recurrences import Recurrence, State


class LinearCell(NoisyCell):
    r"""A cell whose step is linear in its state.

    .. math:: s_t = A(z_t)\, s_{t-1} + b(z_t), \qquad y_t = \mathrm{readout}(s_t, z_t)

    `coefficients` and `readout` are of one step or of all steps at once, ``[T, ..., ?]``: whatever
    they compute, they compute for each step by itself. So the step, and every way of taking many
    steps in parallel, follow from the same two functions.
    """

    noise_places: ClassVar[tuple[str, ...]] = ("update",)

    carry_type: ClassVar[type]
    """The NamedTuple that its carry is; its fields are the arrays of the state."""

    @abc.abstractmethod
    def coefficients(self, params: Params, z: Any) -> Recurrence:
        """The recurrence of steps, in at least float32 and in the carry's type.

        Args:
            params: as `init` gives them.
            z: as `project` gives it, already in that type.
        """

    @abc.abstractmethod
    def readout(self, params: Params, state: State, z: Any) -> jax.Array:
        """The output ``[..., O]``, of the state after the step."""

    def step(
        self, params: Params, carry: Carry, z: Any, noise: Noise = SILENCE
    ) -> tuple[Carry, jax.Array]:
        """One step, which follows from coefficients and readout; nobody writes it."""
        dtype = jax.tree.leaves(z)[0].dtype
        state, z = _widened(carry, z)
        recurrence = self.coefficients(params, z)
        if noise.update is not None:
            recurrence = recurrence.with_update(noise.update)
        state = recurrence.apply(state)
        y = self.readout(params, state, z)
        kept = (new.astype(own.dtype) for new, own in zip(state, carry, strict=True))
        return self.carry_type(*kept), y.astype(dtype)

    def read(self, params: Params, carry: Carry, z: Any) -> jax.Array:
        """The output of a step that has left this carry."""
        return self.readout(params, *_widened(carry, z)).astype(jax.tree.leaves(z)[0].dtype)


def _widened(carry: Carry, z: Any) -> tuple[State, Any]:
    """Both in the carry's type, if z has no wider one.

    In half precision a = .999 would be 1: what is remembered would never fade.
    """
    wide = jnp.promote_types(jax.tree.leaves(carry)[0].dtype, jax.tree.leaves(z)[0].dtype)
    return tuple(own.astype(wide) for own in carry), jax.tree.map(lambda own: own.astype(wide), z)
