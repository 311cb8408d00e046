"""Spectra with bands and stretches of time left out, to learn from."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def leave_out(
    key: jax.Array,
    features: jax.Array,
    mask: jax.Array,
    *,
    num_bands: int,
    most_bands: int,
    most_steps: int,
    times: int = 2,
) -> jax.Array:
    r"""The same features, of each row some neighbouring bands and some neighbouring steps being 0.

    So many times each, a width is drawn uniformly from 0 to the most, and then a place that it
    fits; of standardised features 0 is the mean.

    Args:
        key: of what is drawn.
        features: ``[B, T, K * num_bands]``, the bands of K frames one after the other.
        mask: where there is no padding, bool ``[B, T]``, behind the steps.
        num_bands: of a frame.
        most_bands: that are left out at a time.
        most_steps: likewise.
        times: how often, of bands and of steps.

    Source: D. Park et al., "SpecAugment: a simple data augmentation method for automatic speech
    recognition", Interspeech 2019, without warping.
    """
    bands_key, steps_key = jax.random.split(key)
    rows = features.shape[0]
    lengths = mask.sum(axis=1)
    stacked = jnp.arange(features.shape[-1]) % num_bands

    def hidden(key: jax.Array, places: jax.Array, length: jax.Array, most: int) -> jax.Array:
        widths_key, starts_key = jax.random.split(key)
        widths = jax.random.randint(widths_key, (times, rows), 0, most + 1)
        room = jnp.maximum(length[None] - widths + 1, 1)
        starts = (jax.random.uniform(starts_key, (times, rows)) * room).astype(jnp.int32)
        since = places[None, None] - starts[..., None]
        return ((since >= 0) & (since < widths[..., None])).any(axis=0)

    bands = hidden(bands_key, stacked, jnp.full(rows, num_bands), most_bands)
    steps = hidden(steps_key, jnp.arange(features.shape[1]), lengths, most_steps)
    return jnp.where(bands[:, None] | steps[..., None], 0, features)
