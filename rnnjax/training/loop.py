"""The training loop: chunks of many steps as one program on the device, driven from Python."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from rnnjax.training.batches import Batches

LossFn = Callable[[Any, Any, Any, jax.Array], tuple[jax.Array, Any]]
"""``loss_fn(params, carry, batch, key)``: the loss of each row of the batch ``[B]``, and the
recurrent state to hand to the next step (as it came, where a task has none)."""

MAX_CHUNK_STEPS = 256
"""The longest chunk; a buffer of this many losses comes back from each."""

CHUNK_SECONDS = 0.4
"""How long a chunk should take: long against the cost of starting it, short to a waiting eye."""


class TrainState(NamedTuple):
    """All that a training run hands from step to step.

    A step depends on this, the data and the run's key alone, so a run can be cut anywhere and
    taken up again without changing a bit of its result.
    """

    step: jax.Array
    """Updates done, int32."""
    params: Any
    opt_state: optax.OptState
    carry: Any
    """The recurrent state that the last batch ended with."""


class ChunkReport(NamedTuple):
    """What a chunk of steps did."""

    first_step: int
    losses: np.ndarray
    """The training loss of each step."""
    seconds: float


class NonFiniteLossError(ArithmeticError):
    """The training loss became NaN or infinite."""


def init_state(params: Any, optimizer: optax.GradientTransformation, carry: Any = ()) -> TrainState:
    """The state before the first update; `carry` is the initial recurrent state, if any."""
    # Copies, because the training steps reuse the memory of the state that they are given.
    params, carry = jax.tree.map(jnp.array, (params, carry))
    return TrainState(jnp.zeros((), jnp.int32), params, optimizer.init(params), carry)


class Trainer:
    """Compiles and runs the training steps of one model.

    Args:
        loss_fn: the loss of each row of a batch.
        optimizer: from optax.
        batches: which examples each step sees.
        data: the training data, a pytree of arrays; it is put on the device once.
        key: the run's random key; orders and losses draw from it.
        carry: the initial recurrent state, for losses that carry one from batch to batch.
    """

    def __init__(
        self,
        loss_fn: LossFn,
        optimizer: optax.GradientTransformation,
        batches: Batches,
        data: Any,
        key: jax.Array,
        carry: Any = (),
    ) -> None:
        self._batches = batches
        self._data = jax.device_put(data)
        self._order_key, self._loss_key = jax.random.split(key)
        self._program = jax.jit(
            functools.partial(_run_chunk, loss_fn, optimizer, batches, carry), donate_argnums=0
        )
        self._run_chunk: Callable[..., Any] = self._program

    def compile(self, state: TrainState) -> float:
        """Compiles the program of a chunk for states like this one; returns the seconds it took."""
        start = time.perf_counter()
        plan = self._plan(0)
        arguments = (state, self._data, plan, self._loss_key, jnp.int32(0))
        self._run_chunk = self._program.lower(*arguments).compile()
        return time.perf_counter() - start

    def run(self, state: TrainState, until: int) -> Iterator[tuple[TrainState, ChunkReport]]:
        """Trains until so many updates are done, one chunk after the other.

        Where the chunks are cut changes no bit of the result. Only the last state yielded may be
        kept, because the next chunk reuses its memory.

        Args:
            state: where to start.
            until: the number of updates to end at.

        Yields:
            The state, and the report of a finished chunk.

        Raises:
            NonFiniteLossError: a loss was NaN or infinite; names the step.
        """
        step = int(state.step)
        epoch, plan = -1, None
        length = 8
        while step < until:
            if epoch != step // self._batches.steps_per_epoch:
                epoch = step // self._batches.steps_per_epoch
                plan = self._plan(epoch)
            end_of_epoch = (epoch + 1) * self._batches.steps_per_epoch
            count = min(length, until - step, end_of_epoch - step)
            start = time.perf_counter()
            state, losses = self._run_chunk(
                state, self._data, plan, self._loss_key, jnp.int32(count)
            )
            losses = np.asarray(losses)[:count]
            seconds = time.perf_counter() - start
            _check_finite(losses, step)
            yield state, ChunkReport(step, losses, seconds)
            step += count
            wanted = CHUNK_SECONDS * count / max(seconds, 1e-9)
            length = int(np.clip(wanted, 1, min(MAX_CHUNK_STEPS, 4 * length)))

    def _plan(self, epoch: int) -> jax.Array:
        return self._batches.plan(self._order_key, jnp.int32(epoch))


def _run_chunk(
    loss_fn: LossFn,
    optimizer: optax.GradientTransformation,
    batches: Batches,
    first_carry: Any,
    state: TrainState,
    data: Any,
    plan: jax.Array,
    key: jax.Array,
    num_steps: jax.Array,
) -> tuple[TrainState, jax.Array]:
    """`num_steps` updates, and the loss before each; one program serves every number."""

    def mean_loss(params: Any, carry: Any, batch: Any, weights: Any, key: Any) -> Any:
        losses, carry = loss_fn(params, carry, batch, key)
        return weighted_mean(losses, weights), carry

    def update(i: jax.Array, loop: tuple[TrainState, jax.Array]) -> tuple[TrainState, jax.Array]:
        (step, params, opt_state, carry), losses = loop
        entry = plan[step % batches.steps_per_epoch]
        batch, weights = batches.take(data, entry)
        anew = batches.starts_anew(entry)
        carry = jax.tree.map(lambda first, c: jnp.where(anew, first, c), first_carry, carry)
        (loss, carry), gradients = jax.value_and_grad(mean_loss, has_aux=True)(
            params, carry, batch, weights, jax.random.fold_in(key, step)
        )
        updates, opt_state = optimizer.update(gradients, opt_state, params)
        params = optax.apply_updates(params, updates)
        return TrainState(step + 1, params, opt_state, carry), losses.at[i].set(loss)

    return lax.fori_loop(0, num_steps, update, (state, jnp.zeros(MAX_CHUNK_STEPS)))


def weighted_mean(values: jax.Array, weights: jax.Array) -> jax.Array:
    """The mean of values ``[B]``, each counted as often as its weight says."""
    return jnp.sum(values * weights) / jnp.sum(weights)


def _check_finite(losses: np.ndarray, first_step: int) -> None:
    bad = np.flatnonzero(~np.isfinite(losses))
    if bad.size:
        raise NonFiniteLossError(
            f"The training loss became {losses[bad[0]]} at step {first_step + int(bad[0])}; "
            "try a smaller --learning_rate or a limit on the gradient with --clip_norm."
        )
