"""Training steps, forward passes and streaming in JAX, for whatever model a side brings.

rnnjax, flax.linen and flax.nnx run through the same code: a step is one call of one `jax.jit`
program whose state is donated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.peers import Settings
from benchmarks.work import Row, Work, make_batch

Place = Callable[[Any, bool], Any]
"""``place(tree, by_rows)`` puts arrays on the device, perhaps spread by their first axis."""


ADAM = optax.adam(1e-3)
"""The optimiser of every training step."""


def configure(settings: Settings) -> None:
    """Precision of products; float32 on a CPU is float32 in any case."""
    if settings.device == "gpu":
        try:
            jax.devices("cuda")
        except (AssertionError, RuntimeError):  # without the plug-in, an assertion of its own
            raise RuntimeError("JAX sees no GPU") from None
        name = {"float32": "highest", "tf32": "tensorfloat32"}[settings.precision]
        jax.config.update("jax_default_matmul_precision", name)


def put(tree: Any, by_rows: bool) -> Any:
    """Puts arrays on the one device."""
    del by_rows
    return jax.tree.map(jnp.array, tree)


def fill(like: Any, weights: dict[str, np.ndarray]) -> Any:
    """A tree of the same structure, with the arrays named by its paths.

    Raises:
        ValueError: an array has no place, or another shape.
    """
    places = {
        jax.tree_util.keystr(path, simple=True, separator="."): leaf.shape
        for path, leaf in jax.tree.leaves_with_path(like)
    }
    given = {name: a.shape for name, a in weights.items()}
    if places != given:
        raise ValueError(f"The model has {places}, the weights are {given}.")
    return jax.tree.unflatten(jax.tree.structure(like), [weights[name] for name in places])


def name_leaves(tree: Any) -> dict[str, np.ndarray]:
    """The inverse of `fill`."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): np.asarray(leaf)
        for path, leaf in jax.tree.leaves_with_path(tree)
    }


def row_losses(work: Work, logits: jax.Array, labels: jax.Array) -> jax.Array:
    """Cross-entropy of each row ``[B]``; of one logit if the label is 0 or 1."""
    if work.outputs == 1:
        return optax.sigmoid_binary_cross_entropy(logits, labels)
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    return losses.mean(axis=tuple(range(1, losses.ndim)))


def mean_loss(work: Work, logits: jax.Array, labels: jax.Array) -> jax.Array:
    """The mean over the rows."""
    return row_losses(work, logits, labels).mean()


class JaxProgram:
    """What all programs of JAX have in common."""

    def wait(self, result: Any) -> None:
        jax.block_until_ready(result)

    def to_numpy(self, result: Any) -> np.ndarray:
        return np.asarray(result)

    def gradients(self) -> dict[str, np.ndarray]:
        return {}


class Forward(JaxProgram):
    """The logits of a batch."""

    def __init__(self, row: Row, apply: Any, params: Any, place: Place = put) -> None:
        self._params = place(params, False)
        self._x = place(make_batch(row)[0], True)
        self._apply = jax.jit(apply)

    def run(self) -> Any:
        return self._apply(self._params, self._x)


class Updates(JaxProgram):
    """Loss, gradient and an update, given ``loss(params, *batch)``."""

    def __init__(
        self, loss: Any, params: Any, batch: Any, place: Place = put, optimizer: Any = ADAM
    ) -> None:
        def update(state: Any, *batch: Any) -> Any:
            params, opt_state = state
            value, gradient = jax.value_and_grad(loss)(params, *batch)
            updates, opt_state = optimizer.update(gradient, opt_state, params)
            return (optax.apply_updates(params, updates), opt_state), value

        self._first = params
        self._place = place
        params = place(params, False)
        self._state = params, place(optimizer.init(params), False)
        self._batch = place(batch, True)
        self._loss = loss
        # The state stays where it is; left alone, XLA spreads it over the devices in its own way.
        places = jax.tree.map(lambda a: a.sharding, self._state)
        self._update = jax.jit(update, donate_argnums=0, out_shardings=(places, None))

    def run(self) -> Any:
        self._state, value = self._update(self._state, *self._batch)
        if len(value.devices()) > 1:
            # Many steps under way on several CPU devices wait for each other, and XLA aborts.
            value.block_until_ready()
        return value

    def gradients(self) -> dict[str, np.ndarray]:
        gradient = jax.jit(jax.grad(self._loss))
        return name_leaves(gradient(self._place(self._first, False), *self._batch))


class Training(Updates):
    """`Updates` of a work with one recurrent layer, given ``apply(params, x) -> logits``."""

    def __init__(self, row: Row, apply: Any, params: Any, place: Place = put) -> None:
        def loss(params: Any, x: Any, y: Any) -> jax.Array:
            return mean_loss(row.work, apply(params, x), y)

        super().__init__(loss, params, make_batch(row), place)


class Stream(JaxProgram):
    """One step, given ``step(params, carry, x) -> (carry, y)``; the carry is kept."""

    def __init__(self, row: Row, step: Any, params: Any, carry: Any) -> None:
        self._params, self._carry = put(params, False), put(carry, False)
        self._x = put(make_batch(row)[0], False)
        self._step = jax.jit(step, donate_argnums=1)

    def run(self) -> Any:
        self._carry, y = self._step(self._params, self._carry, self._x)
        return y
