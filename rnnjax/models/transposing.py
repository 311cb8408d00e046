"""Music moved up or down by semitones, as pieces in other keys to learn from."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def drawn_shifts(key: jax.Array, most: int, low: jax.Array, high: jax.Array) -> jax.Array:
    """A shift for each piece, evenly drawn from those allowed.

    Args:
        key: of the draw.
        most: semitones up or down.
        low: the lowest shift that each piece bears ``[B]``, at most 0.
        high: the highest one ``[B]``, at least 0.

    Returns:
        int32 ``[B]``.
    """
    low, high = jnp.maximum(low, -most), jnp.minimum(high, most)
    return low + jax.random.randint(key, low.shape, 0, high - low + 1)


def transposed_rolls(key: jax.Array, rolls: jax.Array, most: int) -> jax.Array:
    """Piano rolls ``[B, T, K]``, each moved by a shift of its own; no key leaves the keyboard."""
    num_keys = rolls.shape[-1]
    used = (rolls > 0).any(axis=1)
    low, high = used.argmax(axis=1), num_keys - 1 - used[:, ::-1].argmax(axis=1)
    silent = ~used.any(axis=1)
    low, high = jnp.where(silent, 0, low), jnp.where(silent, num_keys - 1, high)
    shifts = drawn_shifts(key, most, -low, num_keys - 1 - high)
    return jax.vmap(lambda roll, shift: jnp.roll(roll, shift, axis=-1))(rolls, shifts)


def transposed_voices(key: jax.Array, symbols: jax.Array, most: int, num_symbols: int) -> jax.Array:
    """Symbols ``[B, T, V]``, 0 for silence, each piece moved by a shift that has symbols for it."""
    wide = symbols.astype(jnp.int32)
    sounds = wide > 0
    low = jnp.where(sounds, wide, num_symbols - 1).min(axis=(1, 2))
    high = jnp.where(sounds, wide, 1).max(axis=(1, 2))
    shifts = drawn_shifts(key, most, jnp.minimum(1 - low, 0), num_symbols - 1 - high)
    return jnp.where(sounds, wide + shifts[:, None, None], 0).astype(symbols.dtype)
