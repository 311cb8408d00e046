"""The training loop: chunks of many steps as one program on the device, driven from Python."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from jax.sharding import NamedSharding

from rnnjax.devices import hosts
from rnnjax.devices.layout import Layout, split_key
from rnnjax.errors import NonFiniteLossError
from rnnjax.training.batches import Batches
from rnnjax.training.feed import Feed
from rnnjax.training.nonfinite import all_finite, find_operation, holds_nonfinite, skipped_in_a_row
from rnnjax.unrolling.rows import ROWS

LossFn = Callable[..., tuple[jax.Array, Any]]
"""``loss_fn(params, carry, batch, key, **numbers)``: the loss of each row of the batch ``[B]``, and
the recurrent state to hand to the next step (as it came, where a task has none)."""

CutFn = Callable[[Callable[[Any], Any], Any], Any]
"""``cut(function, batch)``: what the function gives of the batch, perhaps cut shorter."""

MAX_CHUNK_STEPS = 256
"""The longest chunk; a buffer of this many losses comes back from each."""

CHUNK_SECONDS = 0.4
"""How long a chunk should take: long against the cost of starting it, short to a waiting eye."""


def whole(function: Callable[[Any], Any], batch: Any) -> Any:
    """What the function gives of all of the batch."""
    return function(batch)


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
    """The training loss of each step, ``[steps]`` or ``[steps, S]``; NaN or infinite where its
    update may have been skipped."""
    seconds: float


def init_state(
    params: Any,
    optimizer: optax.GradientTransformation,
    carry: Any = (),
    layout: Layout | None = None,
) -> TrainState:
    """The state before the first update.

    Args:
        params: initial parameters, with a leading axis where there are several seeds.
        optimizer: from optax.
        carry: the initial recurrent state of one seed, if any.
        layout: of seeds and rows over devices; one device by default.
    """
    layout = layout or Layout.single()
    params, first = jax.tree.map(jnp.asarray, (params, carry))
    # One program: array by array there would be some dozen, which take longer to load than to run.
    opt_state = layout.per_seed(jax.jit(optimizer.init), params)
    carry = layout.per_seed(lambda: first)
    return place(TrainState(jnp.zeros((), jnp.int32), params, opt_state, carry), layout)


def place(state: TrainState, layout: Layout) -> TrainState:
    """Puts a state on the devices."""
    shardings = _shardings(state, layout)
    placed = jax.tree.map(layout.put, state, shardings)
    # Copies, because the training steps reuse the memory of the state that they are given.
    return jax.jit(_copied, out_shardings=shardings)(placed)


class Trainer:
    """Compiles and runs the training steps of one model.

    Args:
        loss_fn: the loss of each row of a batch.
        optimizer: from optax.
        batches: which examples each step sees.
        data: the training data, a pytree of arrays ``[N, ...]``.
        key: the run's random key, or one for each seed; orders and losses draw from it.
        carry: the initial recurrent state, for losses that carry one from batch to batch.
        layout: of seeds and rows over devices; one device by default.
        own_data: whether each seed has data of its own, ``[S, ...]``.
        tells_step: whether the loss is told the number of the update as ``step``.
        cut: applies the loss and its gradient to a batch, perhaps cut shorter. What chooses between
            programs belongs here, not into the loss: the gradient of a choice would keep what each
            of them needs, also of those that did not run.
        max_skipped: after how many steps in a row whose loss or gradient is not finite to give up;
            more than 1 needs an optimiser that skips such updates, by `skip_nonfinite`.
        debug_nans: give up at the first of them, and name the operation that it came from.
        numbers: what the loss takes by name and is not the same for all seeds: of each a number.
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
        layout: Layout | None = None,
        own_data: bool = False,
        tells_step: bool = False,
        cut: CutFn = whole,
        max_skipped: int = 1,
        debug_nans: bool = False,
        numbers: Mapping[str, Any] | None = None,
    ) -> None:
        self._batches = batches
        self._layout = layout = layout or Layout.single()
        self._max_skipped = max_skipped
        self._debug_nans = debug_nans
        self._feed = Feed(batches, data, layout, own_data=own_data)
        order_key, loss_key = layout.per_seed(split_key, key)
        self._order_key = layout.put(order_key, layout.of_seeds())
        # What the loss is given of each seed besides its state and data.
        self._given = layout.put((loss_key, dict(numbers or {})), layout.of_seeds())
        self._gradients = functools.partial(_gradients, loss_fn, tells_step, cut)
        self._first_carry = carry
        self._update = layout.over_seeds(
            functools.partial(_update, layout.in_use(self._gradients), carry, optimizer),
            in_axes=(None, 0, 0, 0),
        )
        self._make_plan = jax.jit(
            layout.over_seeds(batches.plan, in_axes=(0, None)), out_shardings=layout.sharding()
        )
        self._run_chunk: Callable[..., Any] | None = None

    def compile(self, state: TrainState) -> float:
        """Compiles the program of a chunk for states like this one; returns the seconds it took."""
        start = time.perf_counter()
        program, arguments = self.program(state)
        self._run_chunk = program.lower(*arguments).compile()
        return time.perf_counter() - start

    def program(self, state: TrainState) -> tuple[Any, tuple[Any, ...]]:
        """The program of a chunk, not yet compiled, and its arguments for a chunk of no step."""
        whole = self._layout.sharding()
        program = jax.jit(
            functools.partial(_run_chunk, self._update, self._take, self._layout.num_seeds),
            donate_argnums=0,
            out_shardings=(_shardings(state, self._layout), whole, whole),
        )
        plan = self._plan(0)
        return program, (state, self._feed.epoch(plan), plan, self._given, np.int32(0))

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
        if self._run_chunk is None:
            self.compile(state)
        run_chunk = cast(Callable[..., Any], self._run_chunk)
        step, in_a_row = int(state.step), skipped_in_a_row(state.opt_state)
        epoch, plan, data = -1, None, None
        length = 8
        while step < until:
            if epoch != step // self._batches.steps_per_epoch:
                epoch = step // self._batches.steps_per_epoch
                plan = self._plan(epoch)
                data = self._feed.epoch(plan)
            end_of_epoch = (epoch + 1) * self._batches.steps_per_epoch
            count = min(length, until - step, end_of_epoch - step)
            before = jax.tree.map(jnp.copy, state) if self._debug_nans else None
            start = time.perf_counter()
            state, losses, finite = run_chunk(state, data, plan, self._given, np.int32(count))
            # On all devices: programs that queue up on several CPU devices may block each other.
            jax.block_until_ready(state)
            losses, finite = np.asarray(losses)[:count], np.asarray(finite)[:count]
            seconds = hosts.exchange(time.perf_counter() - start)[0]
            if before is not None and not finite.all():
                ahead = int(finite.reshape(count, -1).all(axis=1).argmin())
                before, *_ = run_chunk(before, data, plan, self._given, np.int32(ahead))
                self._name_operation(before, data, plan, int(finite[ahead].argmin()))
            in_a_row = self._count_in_a_row(finite, step, in_a_row)
            yield state, ChunkReport(step, losses, seconds)
            step += count
            wanted = CHUNK_SECONDS * count / max(seconds, 1e-9)
            length = int(np.clip(wanted, 1, min(MAX_CHUNK_STEPS, 4 * length)))

    def _plan(self, epoch: int) -> jax.Array:
        return self._make_plan(self._order_key, np.int32(epoch))

    def _take(self, data: Any, plan: jax.Array, step: jax.Array) -> Any:
        return self._feed.take(data, plan, step % self._batches.steps_per_epoch)

    def _count_in_a_row(
        self, finite: np.ndarray, first_step: int, in_a_row: np.ndarray
    ) -> np.ndarray:
        """How many steps without a finite loss and gradient end this chunk, and the ones before."""
        if finite.all():
            return np.zeros_like(in_a_row)
        for step, is_finite in enumerate(finite, first_step):
            in_a_row = np.where(is_finite, 0, in_a_row + 1)
            count = int(in_a_row.max())
            if count == self._max_skipped:
                raise NonFiniteLossError(
                    f"The training loss or its gradient was NaN or infinite at step "
                    f"{step - count + 1}{self._of_seed(int(in_a_row.argmax()))}{_and_after(count)}"
                    "; try a smaller --learning_rate or a limit on the gradient with --clip_norm, "
                    "or name the operation that it comes from with --debug_nans."
                )
        return in_a_row

    def _name_operation(self, state: TrainState, data: Any, plan: Any, seed: int) -> None:
        """Tells what is not finite in the step that a state is before."""
        part = functools.partial(self._layout.part, seed=seed)
        batch, weights, anew = part(self._take(data, plan, state.step))
        carry = _begin(anew, self._first_carry, part(state.carry))
        key, numbers = part(self._given)
        given = batch, weights, jax.random.fold_in(key, state.step), state.step, numbers
        what = find_operation(self._gradients, part(state.params), carry, *given)
        if holds_nonfinite(batch):
            what = "there is NaN or infinity in the training data of this step"
        elif what is None:
            what = "one by one its operations are finite, so a number is near its type's limit"
        raise NonFiniteLossError(
            f"The training loss or its gradient was NaN or infinite at step {int(state.step)}"
            f"{self._of_seed(seed)}: {what}."
        )

    def _of_seed(self, seed: int) -> str:
        return (
            f" of seed {seed + 1} of {self._layout.num_seeds}" if self._layout.num_seeds > 1 else ""
        )


def _and_after(in_a_row: int) -> str:
    return "" if in_a_row == 1 else f" and the {in_a_row - 1} after it, whose updates were skipped"


def _shardings(state: TrainState, layout: Layout) -> TrainState:
    def of(a: jax.Array) -> NamedSharding:
        # A recurrent state has a row for each of the batch's; a single number belongs to all.
        has_rows = a.ndim > (layout.num_seeds > 1)
        return layout.of_seeds(ROWS) if has_rows else layout.of_seeds()

    every, carry = layout.of_seeds(), jax.tree.map(of, state.carry)
    params, opt_state = jax.tree.map(lambda _: every, (state.params, state.opt_state))
    return TrainState(cast(Any, layout.sharding()), params, opt_state, carry)


def _copied(tree: Any) -> Any:
    return jax.tree.map(jnp.copy, tree)


def _begin(anew: jax.Array, first_carry: Any, carry: Any) -> Any:
    """The recurrent state that a step begins with."""
    return jax.tree.map(lambda first, c: jnp.where(anew, first, c), first_carry, carry)


def _gradients(
    loss_fn: LossFn,
    tells_step: bool,
    cut: CutFn,
    params: Any,
    carry: Any,
    batch: Any,
    weights: jax.Array,
    key: jax.Array,
    step: jax.Array,
    numbers: Mapping[str, jax.Array],
) -> tuple[tuple[jax.Array, Any], Any]:
    """The mean loss of a batch and the new recurrent state, and the gradient."""
    told = {**numbers, "step": step} if tells_step else numbers

    def of(batch: Any) -> tuple[tuple[jax.Array, Any], Any]:
        def mean_loss(params: Any) -> tuple[jax.Array, Any]:
            losses, new_carry = loss_fn(params, carry, batch, key, **told)
            return weighted_mean(losses, weights), new_carry

        return jax.value_and_grad(mean_loss, has_aux=True)(params)

    return cut(of, batch)


def _update(
    gradients_of: Callable[..., Any],
    first_carry: Any,
    optimizer: optax.GradientTransformation,
    step: jax.Array,
    rest: tuple[Any, Any, Any],
    taken: tuple[Any, jax.Array, jax.Array],
    given: tuple[jax.Array, Mapping[str, jax.Array]],
) -> tuple[tuple[Any, Any, Any], jax.Array, jax.Array]:
    """One update of one seed.

    Args:
        gradients_of: as `_gradients`.
        first_carry: the initial recurrent state.
        optimizer: from optax.
        step: the number of the update, from 0.
        rest: of the state: parameters, optimiser's state and recurrent state.
        taken: the batch, its rows' weights, and whether the recurrent state begins anew.
        given: the run's key, and what else the loss takes.

    Returns:
        The rest of the state; the loss before; and whether it and its gradient were finite.
    """
    params, opt_state, carry = rest
    batch, weights, anew = taken
    key, numbers = given
    carry = _begin(anew, first_carry, carry)
    (loss, new_carry), gradients = gradients_of(
        params, carry, batch, weights, jax.random.fold_in(key, step), step, numbers
    )
    # A loss that is not finite says so in its gradient, which is where optimisers look.
    gradients = jax.tree.map(lambda g: jnp.where(jnp.isfinite(loss), g, jnp.nan), gradients)
    is_finite = all_finite(gradients)
    updates, opt_state = optimizer.update(gradients, opt_state, params)
    params = optax.apply_updates(params, updates)
    # A batch that is skipped leaves no trace in the recurrent state either.
    carry = jax.tree.map(lambda new, c: jnp.where(is_finite, new, c), new_carry, carry)
    return (params, opt_state, carry), loss, is_finite


def _run_chunk(
    update: Callable[..., Any],
    take: Callable[..., Any],
    num_seeds: int,
    state: TrainState,
    data: Any,
    plan: jax.Array,
    given: tuple[jax.Array, Mapping[str, jax.Array]],
    num_steps: jax.Array,
) -> tuple[TrainState, jax.Array, jax.Array]:
    """`num_steps` updates; one program serves every number.

    Returns:
        The state; the loss before each update; and whether it and its gradient were finite.
    """

    def one(
        i: jax.Array, loop: tuple[TrainState, jax.Array, jax.Array]
    ) -> tuple[TrainState, jax.Array, jax.Array]:
        (step, *rest), losses, finite = loop
        rest, loss, is_finite = update(step, tuple(rest), take(data, plan, step), given)
        return TrainState(step + 1, *rest), losses.at[i].set(loss), finite.at[i].set(is_finite)

    shape = (MAX_CHUNK_STEPS, num_seeds) if num_seeds > 1 else (MAX_CHUNK_STEPS,)
    return lax.fori_loop(0, num_steps, one, (state, jnp.zeros(shape), jnp.ones(shape, bool)))


def weighted_mean(values: jax.Array, weights: jax.Array) -> jax.Array:
    """The mean of values ``[B]``, each counted as often as its weight says."""
    return jnp.sum(values * weights) / jnp.sum(weights)
