"""Running a model over a whole data set."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from rnnjax.devices.layout import SEEDS, Layout
from rnnjax.training.remembering import remembered
from rnnjax.unrolling.rows import ROWS


class Predictor:
    """Computes a model's outputs for every example, whatever the batch size.

    Args:
        apply: ``apply(params, batch)``: outputs ``[B, ...]`` for a batch of inputs.
        inputs: a pytree of arrays ``[N, ...]``; it is put on the devices once.
        batch_size: B, examples at a time; the last batch is filled up and cut off again.
        layout: of seeds and rows over devices; one device by default.
        own_inputs: whether each seed has inputs of its own, ``[S, N, ...]``.
    """

    def __init__(
        self,
        apply: Callable[[Any, Any], jax.Array],
        inputs: Any,
        batch_size: int = 2000,
        layout: Layout | None = None,
        *,
        own_inputs: bool = False,
    ) -> None:
        layout = layout or Layout.single()
        own_inputs = own_inputs and layout.num_seeds > 1
        first = jax.tree.leaves(inputs)[0]
        num_examples = first.shape[int(own_inputs)]
        shares = layout.num_shares
        batch_size = math.ceil(min(batch_size, num_examples) / shares) * shares
        cut = functools.partial(_as_batches, batch_size=batch_size)
        batches = layout.per_seed(cut, inputs) if own_inputs else cut(inputs)
        axes = (SEEDS, None, ROWS) if own_inputs else (None, ROWS)
        self._batches = layout.put(batches, layout.sharding(*axes))
        run = functools.partial(_run, layout.in_use(apply), num_examples)
        self._run = jax.jit(
            layout.over_seeds(run, in_axes=(0, 0 if own_inputs else None)),
            out_shardings=layout.sharding(),
        )

    def __call__(self, params: Any) -> jax.Array:
        """The outputs ``[N, ...]``, or ``[S, N, ...]``, in the order of the examples."""
        # Done before anything else begins, for the reason that `Trainer.run` gives.
        return jax.block_until_ready(self._run(params, self._batches))


def _run(
    apply: Callable[[Any, Any], jax.Array], num_examples: int, params: Any, batches: Any
) -> jax.Array:
    outputs = lax.map(functools.partial(apply, params), batches)
    return outputs.reshape(-1, *outputs.shape[2:])[:num_examples]


def _as_batches(inputs: Any, batch_size: int) -> Any:
    """Cuts ``[N, ...]`` into ``[batches, B, ...]``, filled up with zeros."""

    def cut(a: Any) -> np.ndarray:
        filling = -len(a) % batch_size
        padded = np.pad(a, [(0, filling)] + [(0, 0)] * (a.ndim - 1))
        return padded.reshape(-1, batch_size, *a.shape[1:])

    return jax.tree.map(cut, inputs)


def classification_metrics(
    logits: jax.Array,
    labels: np.ndarray | jax.Array,
    prefix: str = "test",
    *,
    binary: bool = False,
) -> dict[str, np.ndarray]:
    """Mean cross-entropy in nats, and accuracy, as ``<prefix>_loss`` and ``<prefix>_accuracy``.

    Args:
        logits: ``[N, C]``, or ``[S, N, C]`` for several seeds, each of which has a number then.
        labels: ``[N]``, or ``[S, N]``.
        prefix: of which data.
        binary: whether a single logit without the last axis stands for two classes.
    """
    shape = logits.shape if binary else logits.shape[:-1]
    labels = jnp.broadcast_to(jnp.asarray(labels), shape)
    if binary:
        losses = optax.sigmoid_binary_cross_entropy(logits, labels)
        hits = (logits > 0) == (labels > 0)
    else:
        losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
        hits = logits.argmax(axis=-1) == labels
    return {
        f"{prefix}_loss": np.asarray(losses.mean(axis=-1)),
        f"{prefix}_accuracy": np.asarray(hits.mean(axis=-1)),
    }


def classifying(
    logits: Callable[[Any, Any], jax.Array],
    inputs: Any,
    labels: np.ndarray,
    layout: Layout,
    prefix: str = "test",
    *,
    batch_size: int = 2000,
    binary: bool = False,
) -> tuple[Callable[[Any], jax.Array], Callable[[Any], dict[str, np.ndarray]]]:
    """What a classifier makes of a data set, and how well: functions of parameters.

    What was made with the parameters of before is not computed again.

    Args:
        logits: ``logits(params, batch)``, of a batch of the inputs.
        inputs: a pytree of arrays ``[N, ...]``.
        labels: ``[N]``.
        layout: of seeds and rows over devices.
        prefix: as in `classification_metrics`.
        batch_size: examples at a time.
        binary: as in `classification_metrics`.
    """
    predict = remembered(Predictor(logits, inputs, batch_size, layout))
    return predict, scoring(predict, labels, prefix, binary=binary)


def scoring(
    predict: Callable[[Any], jax.Array],
    labels: np.ndarray | jax.Array,
    prefix: str = "test",
    *,
    binary: bool = False,
) -> Callable[[Any], dict[str, np.ndarray]]:
    """The `classification_metrics` of what is predicted with given parameters.

    Args:
        predict: the logits.
        labels: as many in all as there are logits, or those that all seeds have.
        prefix: as in `classification_metrics`.
        binary: as there.
    """

    def evaluate(params: Any) -> dict[str, np.ndarray]:
        logits = predict(params)
        shape = logits.shape if binary else logits.shape[:-1]
        own = labels.reshape(shape) if labels.size == math.prod(shape) else labels
        return classification_metrics(logits, own, prefix, binary=binary)

    return evaluate


def regression_metrics(
    outputs: np.ndarray | jax.Array, targets: np.ndarray | jax.Array, prefix: str = "test"
) -> dict[str, np.ndarray]:
    """Mean squared and mean absolute error, as ``<prefix>_loss`` and ``<prefix>_mae``.

    Args:
        outputs: ``[N, ...]``, or ``[S, N, ...]`` for several seeds, each of which has a number
            then.
        targets: ``[N, ...]``; all numbers of an example count alike.
        prefix: of which data.

    Raises:
        ValueError: outputs and targets differ in shape.

    >>> regression_metrics(np.array([[1.0], [3.0]]), np.array([[1.0], [1.0]]))
    {'test_loss': array(2.), 'test_mae': array(1.)}
    """
    if outputs.shape[outputs.ndim - targets.ndim :] != targets.shape:
        raise ValueError(
            f"outputs {outputs.shape} and targets {targets.shape} must have one shape, but for an "
            "axis of seeds in front of the outputs."
        )
    axes = tuple(range(outputs.ndim - targets.ndim, outputs.ndim))
    errors = outputs - targets.reshape((1,) * axes[0] + targets.shape)
    return {
        f"{prefix}_loss": np.asarray(np.square(errors).mean(axis=axes)),
        f"{prefix}_mae": np.asarray(abs(errors).mean(axis=axes)),
    }


def regressing(
    apply: Callable[[Any, Any], jax.Array],
    inputs: Any,
    targets: np.ndarray,
    layout: Layout,
    prefix: str = "test",
    *,
    batch_size: int = 2000,
) -> tuple[Callable[[Any], jax.Array], Callable[[Any], dict[str, np.ndarray]]]:
    """What a regression makes of a data set, and how well: functions of parameters.

    What was made with the parameters of before is not computed again.

    Args:
        apply: ``apply(params, batch)``, of a batch of the inputs.
        inputs: a pytree of arrays ``[N, ...]``.
        targets: ``[N, ...]``, of the shape of what is applied.
        layout: of seeds and rows over devices.
        prefix: as in `regression_metrics`.
        batch_size: examples at a time.
    """
    predict = remembered(Predictor(apply, inputs, batch_size, layout))
    return predict, lambda params: regression_metrics(predict(params), targets, prefix)


def reading(
    read: Callable[[Any, Any], Any], inputs: Any, layout: Layout
) -> Callable[[Any], jax.Array]:
    """What a model makes of all inputs at once, of which each seed has its own, by parameters.

    What was made with the parameters of before is not computed again.

    Args:
        read: ``read(params, inputs)``, of one seed.
        inputs: of each seed, ``[S, ...]`` for several.
        layout: of seeds over devices.
    """
    inputs = layout.put(inputs, layout.of_seeds())
    run = jax.jit(layout.over_seeds(read, in_axes=(0, 0)), out_shardings=layout.sharding())
    return remembered(lambda params: run(params, inputs))
