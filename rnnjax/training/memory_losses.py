"""What answers to tasks of long memory cost, and which are right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from optax import softmax_cross_entropy_with_integer_labels as cross_entropy

from rnnjax.data.memory_tasks import NEAR, NUM_COPIED

EACH_STEP = ("copy", "parity")
"""The tasks where every step has a target."""


def losses(task: str, answers: jax.Array, targets: jax.Array) -> jax.Array:
    """Of each sequence ``[..., B]``: the squared error, or the mean cross-entropy of its steps."""
    if task == "adding":
        return jnp.square(answers - targets)
    found = cross_entropy(answers, targets)
    return found.mean(axis=-1) if task in EACH_STEP else found


def right(task: str, answers: jax.Array, targets: jax.Array) -> jax.Array:
    """What of each sequence is right: of copy its symbols, of parity every step's answer."""
    if task == "adding":
        return abs(answers - targets) < NEAR
    found = answers.argmax(axis=-1) == targets
    return found[..., -NUM_COPIED:] if task == "copy" else found


def scoring(
    task: str, predict: Callable[[Any], jax.Array], targets: np.ndarray, part: str
) -> Callable[[Any], dict[str, np.ndarray]]:
    """A function of parameters that gives ``<part>_loss`` and ``<part>_accuracy``.

    Parity is asked after the last bit alone.

    Args:
        task: one of `rnnjax.data.long_sequences.TASKS`.
        predict: ``predict(params)``: the answers to all sequences, each run's for several.
        targets: of the sequences.
        part: of which data.
    """

    def evaluate(params: Any) -> dict[str, np.ndarray]:
        answers, asked = predict(params), jnp.asarray(targets)
        if task == "parity":
            answers, asked = answers[..., -1:, :], asked[:, -1:]
        runs = answers.shape[: answers.ndim - asked.ndim - (task != "adding")]
        asked = jnp.broadcast_to(asked, (*runs, *asked.shape))
        hits = right(task, answers, asked).reshape(*runs, -1)
        return {
            f"{part}_loss": np.asarray(losses(task, answers, asked).mean(axis=-1)),
            f"{part}_accuracy": np.asarray(hits.mean(axis=-1)),
        }

    return evaluate
