"""What several models have: dense layers, dropout, pooling over time."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from flax import linen as nn

from rnnjax.initializers import INITIALIZATIONS


def dense(num_outputs: int, num_inputs: int, initialization: str, name: str) -> nn.Dense:
    """A dense layer with the named framework's initial distributions."""
    chosen = INITIALIZATIONS[initialization]
    return nn.Dense(
        num_outputs,
        kernel_init=chosen.dense_kernel(num_inputs),
        bias_init=chosen.dense_bias(num_inputs),
        name=name,
    )


class Dropout(nn.Dropout):
    """Flax's dropout, with the same masks, whose rate may also be a number inside of a program."""

    @nn.compact
    def __call__(
        self,
        inputs: jax.Array,
        deterministic: bool | None = None,
        rng: jax.Array | None = None,
    ) -> jax.Array:
        """Inputs of any shape: the same, some of them zero and the others larger."""
        if self.deterministic or not isinstance(self.rate, jax.Array):
            return super().__call__(inputs, deterministic, rng)
        kept = jnp.asarray(1.0 - self.rate)
        shape = [1 if i in self.broadcast_dims else n for i, n in enumerate(inputs.shape)]
        mask = jax.random.bernoulli(self.make_rng(self.rng_collection), kept, tuple(shape))
        return jnp.where(mask, inputs / kept.astype(inputs.dtype), 0)


def max_mean(ys: jax.Array, mask: jax.Array | None) -> jax.Array:
    """Maximum and mean over time of outputs ``[B, T, O]``, masked ``[B, T]``: ``[B, 2 O]``.

    A row without any step gives zeros.
    """
    if mask is None:
        return jnp.concatenate((ys.max(axis=1), ys.mean(axis=1)), axis=-1)
    steps = mask[..., None]
    count = jnp.maximum(mask.sum(axis=1, keepdims=True), 1).astype(ys.dtype)
    highest = jnp.where(steps, ys, jnp.finfo(ys.dtype).min).max(axis=1)
    highest = jnp.where(mask.any(axis=1, keepdims=True), highest, 0)
    return jnp.concatenate((highest, jnp.where(steps, ys, 0).sum(axis=1) / count), axis=-1)


def last_step(ys: jax.Array, mask: jax.Array | None) -> jax.Array:
    """Of outputs ``[B, T, O]`` that at the last step the mask ``[B, T]`` lets through: ``[B, O]``.

    A row without any step gives zeros.
    """
    if mask is None:
        return ys[:, -1]
    last = ys.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)
    found = jnp.take_along_axis(ys, last[:, None, None], axis=1)[:, 0]
    return jnp.where(mask.any(axis=1, keepdims=True), found, 0)
