"""Running a model over a whole data set."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax


class Predictor:
    """Computes a model's outputs for every example, whatever the batch size.

    Args:
        apply: ``apply(params, batch)``: outputs ``[B, ...]`` for a batch of inputs.
        inputs: a pytree of arrays ``[N, ...]``; it is put on the device once.
        batch_size: B, examples at a time; the last batch is filled up and cut off again.
    """

    def __init__(
        self, apply: Callable[[Any, Any], jax.Array], inputs: Any, batch_size: int = 2000
    ) -> None:
        self._num_examples = len(jax.tree.leaves(inputs)[0])
        batch_size = min(batch_size, self._num_examples)
        self._batches = jax.device_put(_as_batches(inputs, batch_size))
        self._run = jax.jit(functools.partial(_run, apply))

    def __call__(self, params: Any) -> jax.Array:
        """The outputs ``[N, ...]``, in the order of the examples."""
        outputs = self._run(params, self._batches)
        return outputs.reshape(-1, *outputs.shape[2:])[: self._num_examples]


def _run(apply: Callable[[Any, Any], jax.Array], params: Any, batches: Any) -> jax.Array:
    return lax.map(functools.partial(apply, params), batches)


def _as_batches(inputs: Any, batch_size: int) -> Any:
    """Cuts ``[N, ...]`` into ``[batches, B, ...]``, filled up with zeros."""

    def cut(a: Any) -> jax.Array:
        filling = -len(a) % batch_size
        padded = jnp.pad(jnp.asarray(a), [(0, filling)] + [(0, 0)] * (a.ndim - 1))
        return padded.reshape(-1, batch_size, *a.shape[1:])

    return jax.tree.map(cut, inputs)


def classification_metrics(
    logits: jax.Array, labels: np.ndarray | jax.Array, prefix: str = "test"
) -> dict[str, float]:
    """Mean cross-entropy in nats, and accuracy, as ``<prefix>_loss`` and ``<prefix>_accuracy``.

    Args:
        logits: ``[N, C]``, or ``[N]`` for two classes.
        labels: ``[N]``.
        prefix: of which data.
    """
    labels = jnp.asarray(labels)
    if logits.ndim == 1:
        losses = optax.sigmoid_binary_cross_entropy(logits, labels)
        hits = (logits > 0) == (labels > 0)
    else:
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        hits = logits.argmax(axis=-1) == labels
    return {f"{prefix}_loss": float(losses.mean()), f"{prefix}_accuracy": float(hits.mean())}
