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
from rnnjax.training.nonfinite import (
    NonFiniteLossError,
    all_finite,
    find_operation,
    holds_nonfinite,
    skipped_in_a_row,
)

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
    """The training loss of each step; NaN or infinite where its update may have been skipped."""
    seconds: float


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
        max_skipped: after how many steps in a row whose loss or gradient is not finite to give up;
            more than 1 needs an optimiser that skips such updates, by `skip_nonfinite`.
        debug_nans: give up at the first of them, and name the operation that it came from.
    """

    def __init__(
        self,
        loss_fn: LossFn,
        optimizer: optax.GradientTransformation,
        batches: Batches,
        data: Any,
        key: jax.Array,
        carry: Any = (),
        *,
        max_skipped: int = 1,
        debug_nans: bool = False,
    ) -> None:
        self._batches = batches
        self._max_skipped = max_skipped
        self._debug_nans = debug_nans
        self._data = jax.device_put(data)
        self._order_key, self._loss_key = jax.random.split(key)
        self._gradients = functools.partial(_gradients, loss_fn)
        self._take = functools.partial(_take, batches, carry)
        self._program = jax.jit(
            functools.partial(_run_chunk, self._gradients, self._take, optimizer), donate_argnums=0
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
            NonFiniteLossError: too many losses or gradients in a row were NaN or infinite.
        """
        step, in_a_row = int(state.step), skipped_in_a_row(state.opt_state)
        epoch, plan = -1, None
        length = 8
        while step < until:
            if epoch != step // self._batches.steps_per_epoch:
                epoch = step // self._batches.steps_per_epoch
                plan = self._plan(epoch)
            end_of_epoch = (epoch + 1) * self._batches.steps_per_epoch
            count = min(length, until - step, end_of_epoch - step)
            before = jax.tree.map(jnp.copy, state) if self._debug_nans else None
            start = time.perf_counter()
            state, losses, finite = self._run_chunk(
                state, self._data, plan, self._loss_key, jnp.int32(count)
            )
            losses, finite = np.asarray(losses)[:count], np.asarray(finite)[:count]
            seconds = time.perf_counter() - start
            if before is not None and not finite.all():
                self._name_operation(before, plan, int(finite.argmin()))
            in_a_row = self._count_in_a_row(finite, step, in_a_row)
            yield state, ChunkReport(step, losses, seconds)
            step += count
            wanted = CHUNK_SECONDS * count / max(seconds, 1e-9)
            length = int(np.clip(wanted, 1, min(MAX_CHUNK_STEPS, 4 * length)))

    def _plan(self, epoch: int) -> jax.Array:
        return self._batches.plan(self._order_key, jnp.int32(epoch))

    def _count_in_a_row(self, finite: np.ndarray, first_step: int, in_a_row: int) -> int:
        """How many steps without a finite loss and gradient end this chunk, and the ones before."""
        if finite.all():
            return 0
        for step, is_finite in enumerate(finite.tolist(), first_step):
            in_a_row = 0 if is_finite else in_a_row + 1
            if in_a_row == self._max_skipped:
                raise NonFiniteLossError(
                    f"The training loss or its gradient was NaN or infinite at step "
                    f"{step - in_a_row + 1}{_and_after(in_a_row)}; try a smaller --learning_rate "
                    "or a limit on the gradient with --clip_norm, or name the operation that it "
                    "comes from with --debug_nans."
                )
        return in_a_row

    def _name_operation(self, before: TrainState, plan: Any, count: int) -> None:
        """Tells what is not finite in the step that comes `count` steps after a state."""
        state, *_ = self._run_chunk(before, self._data, plan, self._loss_key, jnp.int32(count))
        batch, weights, carry = self._take(state, self._data, plan)
        key = jax.random.fold_in(self._loss_key, state.step)
        what = find_operation(self._gradients, state, carry, batch, weights, key)
        if holds_nonfinite(batch):
            what = "there is NaN or infinity in the training data of this step"
        elif what is None:
            what = "one by one its operations are finite, so a number is near its type's limit"
        raise NonFiniteLossError(
            f"The training loss or its gradient was NaN or infinite at step {int(state.step)}: "
            f"{what}."
        )


def _and_after(in_a_row: int) -> str:
    return "" if in_a_row == 1 else f" and the {in_a_row - 1} after it, whose updates were skipped"


def _take(
    batches: Batches, first_carry: Any, state: TrainState, data: Any, plan: jax.Array
) -> tuple[Any, jax.Array, Any]:
    """The batch of the next step, its rows' weights, and the recurrent state to begin with."""
    entry = plan[state.step % batches.steps_per_epoch]
    batch, weights = batches.take(data, entry)
    anew = batches.starts_anew(entry)
    carry = jax.tree.map(lambda first, c: jnp.where(anew, first, c), first_carry, state.carry)
    return batch, weights, carry


def _gradients(
    loss_fn: LossFn, state: TrainState, carry: Any, batch: Any, weights: jax.Array, key: jax.Array
) -> tuple[tuple[jax.Array, Any], Any]:
    """The mean loss of a batch and the new recurrent state, and the gradient."""

    def mean_loss(params: Any) -> tuple[jax.Array, Any]:
        losses, new_carry = loss_fn(params, carry, batch, key)
        return weighted_mean(losses, weights), new_carry

    return jax.value_and_grad(mean_loss, has_aux=True)(state.params)


def _run_chunk(
    gradients_of: Callable[..., Any],
    take: Callable[..., Any],
    optimizer: optax.GradientTransformation,
    state: TrainState,
    data: Any,
    plan: jax.Array,
    key: jax.Array,
    num_steps: jax.Array,
) -> tuple[TrainState, jax.Array, jax.Array]:
    """`num_steps` updates; one program serves every number.

    Returns:
        The state; the loss before each update; and whether it and its gradient were finite.
    """

    def update(
        i: jax.Array, loop: tuple[TrainState, jax.Array, jax.Array]
    ) -> tuple[TrainState, jax.Array, jax.Array]:
        state, losses, finite = loop
        batch, weights, carry = take(state, data, plan)
        (loss, new_carry), gradients = gradients_of(
            state, carry, batch, weights, jax.random.fold_in(key, state.step)
        )
        # A loss that is not finite says so in its gradient, which is where optimisers look.
        gradients = jax.tree.map(lambda g: jnp.where(jnp.isfinite(loss), g, jnp.nan), gradients)
        is_finite = all_finite(gradients)
        updates, opt_state = optimizer.update(gradients, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        # A batch that is skipped leaves no trace in the recurrent state either.
        carry = jax.tree.map(lambda new, c: jnp.where(is_finite, new, c), new_carry, carry)
        state = TrainState(state.step + 1, params, opt_state, carry)
        return state, losses.at[i].set(loss), finite.at[i].set(is_finite)

    buffers = jnp.zeros(MAX_CHUNK_STEPS), jnp.ones(MAX_CHUNK_STEPS, bool)
    return lax.fori_loop(0, num_steps, update, (state, *buffers))


def weighted_mean(values: jax.Array, weights: jax.Array) -> jax.Array:
    """The mean of values ``[B]``, each counted as often as its weight says."""
    return jnp.sum(values * weights) / jnp.sum(weights)
