"""What dropout does to a run over a sequence: drawn before the run, applied while it steps."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Noise(NamedTuple):
    """Factors by which dropout multiplies values inside one step; None where it does not."""

    state: jax.Array | None = None
    """``[..., H]`` (``[..., P]`` for a projected state), for h wherever a product reads it."""
    update: jax.Array | None = None
    """``[..., H]``, for the candidate: what a step would add to the memory."""

    def on_state(self, h: jax.Array) -> jax.Array:
        """The state as the recurrent product reads it."""
        return h if self.state is None else h * self.state.astype(h.dtype)

    def on_update(self, candidate: jax.Array) -> jax.Array:
        """The candidate as the memory receives it."""
        return candidate if self.update is None else candidate * self.update.astype(candidate.dtype)


SILENCE = Noise()
"""No dropout inside the step: evaluation."""


class RunNoise(NamedTuple):
    """The noise of all steps of a run; None, or no entry, where there is none."""

    state: jax.Array | None = None
    """`Noise.state`, one for all steps."""
    update: jax.Array | None = None
    """Where `Noise.update` keeps, booleans ``[T, ..., H]``."""
    update_rate: float = 0.0
    zoneout: dict[str, jax.Array] | None = None
    """For fields of the carry, where they keep their value, booleans ``[T, ..., H]``."""
    zoneout_rates: dict[str, float] | None = None
    """For fields of the carry, how much of their value they keep: zoneout's expectation."""


QUIET = RunNoise()
"""A run without noise."""


def draw_kept(key: jax.Array, rate: float, shape: tuple[int, ...]) -> jax.Array:
    """Booleans, each False with probability `rate`."""
    return jax.random.bernoulli(key, 1 - rate, shape)


def as_factors(kept: jax.Array, rate: float, dtype: jnp.dtype) -> jax.Array:
    """Factors whose mean is 1: 1 / (1 - rate) where True, else 0."""
    return kept.astype(dtype) * (1 / (1 - rate))


def drop(key: jax.Array, rate: float, x: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Dropout of `x`, with a mask of a shape that broadcasts to that of `x`."""
    factors = as_factors(draw_kept(key, rate, shape), rate, x.dtype)
    return x * jnp.broadcast_to(factors, x.shape)
