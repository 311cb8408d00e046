"""Running a cell over a sequence."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
from jax import lax

from rnnjax.cell import (
    Carry,
    Cell,
    Composite,
    Layer,
    Memory,
    NoisyCell,
    Options,
    Params,
    ReadingCell,
)
from rnnjax.linear_cell import LinearCell
from rnnjax.noise import Noise, as_factors
from rnnjax.unrolling.arguments import as_lengths, prepare
from rnnjax.unrolling.choice import chosen_executor
from rnnjax.unrolling.chunked import Recurrence, where_rows
from rnnjax.unrolling.executors import execute
from rnnjax.unrolling.parallel import PARALLEL, linear_steps
from rnnjax.unrolling.placement import placed_as_rows
from rnnjax.unrolling.rows import divide_rows

P = ParamSpec("P")
R = TypeVar("R")


def unroll(
    layer: Layer,
    params: Params,
    xs: jax.Array,
    carry: Carry | None = None,
    *,
    mask: jax.Array | None = None,
    resets: jax.Array | None = None,
    reverse: bool = False,
    key: jax.Array | None = None,
    memory: Memory | None = None,
    executor: str = "auto",
    remat_chunk: int | str | None = None,
) -> tuple[Carry, jax.Array]:
    """Runs a layer over a sequence, time first.

    Where a mesh with an axis "rows" is in use (`jax.set_mesh`), its devices share out the rows,
    the first batch axis, and sum the gradients of the weights once, after the whole sequence.

    Args:
        layer: a cell, or a combination of cells.
        params: its parameters.
        xs: the inputs ``[T, ..., D]``.
        carry: the state before the first step; by default `layer.first_carry`, zeros unless it is
            learned. A carry of another dtype than the inputs keeps it: a float32 carry may ride
            on bf16 inputs.
        mask: booleans ``[T]`` or ``[T, ...]``, False where there is no input. There the carry is
            held and the output is zero, and whatever `xs` holds, NaN included, reaches no output
            and no gradient. Gaps, and rows without any step, are allowed.
        resets: booleans like `mask`. Where True, the carry is replaced by the first one before
            the step is taken, masked or not: a new segment begins. What came before it, NaN
            included, reaches nothing after it, and no gradient of what comes after it (the
            latter by every executor but "scan").
        reverse: whether to run from the last step to the first. The outputs stay in the order of
            the inputs. With a mask, a right-padded row needs no flipping. A reset then marks the
            segment's last step, where a reverse run enters it.
        key: what dropout draws from, in training; without it the run is an evaluation.
        memory: what every step of a `rnnjax.cell.ReadingCell`, such as a decoder with attention,
            reads: the batch axes are those of the inputs.
        executor: how the steps are taken: "auto" chooses by the cell, the sizes and the platform
            (`rnnjax.chosen_executor` tells what). "chunked" has a backward pass
            of its own and no forward-mode derivative (`jax.jvp`, `jax.linearize`); "scan" is
            `jax.lax.scan`, and is taken too where `jax.export` has a symbol for the number of
            steps. For cells that are linear in their state there are "associative", which composes
            steps, and "chunkwise", which writes those of a matrix memory as products of matrices;
            both have all kinds of derivatives.
        remat_chunk: to differentiate long sequences in little memory: what the backward pass
            needs is kept for so many steps at a time and computed again from the carry before
            them, for one more forward pass. "auto" is about √T, where the memory is least.

    Returns:
        The final carry, and the outputs ``[T, ..., O]``.

    Raises:
        ValueError: the inputs, the mask, the parameters or the carry do not fit the layer, or an
            option is unknown.

    >>> from rnnjax.cells import GRU
    >>> cell = GRU(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> xs = jax.random.normal(jax.random.key(1), (5, 4, 3))  # 5 steps, 4 rows
    >>> lengths = jnp.array([5, 3, 0, 1])
    >>> carry, ys = unroll(cell, params, xs, mask=length_mask(lengths, 5))
    >>> ys.shape, bool((ys[3:, 1] == 0).all())
    ((5, 4, 2), True)
    """
    options = Options(
        mask=mask,
        resets=resets,
        reverse=reverse,
        executor=executor,
        remat_chunk=remat_chunk,
        key=key,
        memory=memory,
    )
    return run(layer, params, xs, *prepare(layer, params, xs, carry, options))


def _with_arguments_of(function: Callable[P, R]) -> Callable[[Callable[..., R]], Callable[P, R]]:
    """Lets a function take what another one takes; people and type checkers see its arguments."""
    signature = inspect.signature(function)
    names = signature.parameters.keys()

    def like(other: Callable[..., R]) -> Callable[P, R]:
        @functools.wraps(other)
        def checked(*arguments: P.args, **options: P.kwargs) -> R:
            if unknown := options.keys() - names:
                raise TypeError(f"{other.__name__} has no argument {min(unknown)!r}.")
            return other(*arguments, **options)

        as_seen: Any = checked
        as_seen.__signature__ = signature
        return checked

    return like


@_with_arguments_of(unroll)
def unroll_last(
    layer: Layer, params: Params, xs: jax.Array, carry: Carry | None = None, **options: Any
) -> tuple[Carry, jax.Array]:
    """Runs a layer like `unroll`, which see for the arguments, but keeps the last output only.

    Returns:
        The final carry, and the output ``[..., O]`` of the last step that the run took: of the
        last one that the mask lets through, zero for a row without any.

    Raises:
        ValueError: as `unroll`.
    """
    how = Options(**options, keep="last")
    return run(layer, params, xs, *prepare(layer, params, xs, carry, how))


@_with_arguments_of(unroll)
def unroll_carries(
    layer: Layer, params: Params, xs: jax.Array, carry: Carry | None = None, **options: Any
) -> tuple[Carry, jax.Array]:
    """Runs a layer like `unroll`, which see for the arguments, but gives the carry of every step.

    Returns:
        The carries, each array with a time axis in front, ``[T, ..., H]``, held where the mask is
        False; and the outputs ``[T, ..., O]``. Of a reverse run, or of the backward direction,
        entry t is the carry after the step that read x_t, so the final one is entry 0.

    Raises:
        ValueError: as `unroll`.

    >>> from rnnjax.cells import LSTM
    >>> cell = LSTM(input_size=3, hidden_size=2)
    >>> xs = jax.random.normal(jax.random.key(1), (5, 4, 3))
    >>> carries, ys = unroll_carries(cell, cell.init(jax.random.key(0)), xs)
    >>> carries.c.shape
    (5, 4, 2)
    """
    how = Options(**options, keep="carries")
    return run(layer, params, xs, *prepare(layer, params, xs, carry, how))


def length_mask(lengths: jax.Array, num_steps: int) -> jax.Array:
    """The mask ``[T, ...]`` of rows with so many steps ``[...]`` each, padded behind.

    Args:
        lengths: integers ``[...]`` from 0 to T. Inside of a program their values can't be checked;
            there a longer one counts as T, and a negative one as 0.
        num_steps: T.

    Raises:
        ValueError: a length is no integer or not in this range, or T is no number of steps.

    >>> length_mask(jnp.array([2, 0]), 3).astype(int)
    Array([[1, 0],
           [1, 0],
           [0, 0]], dtype=int32)
    """
    lengths = as_lengths(lengths, num_steps)
    steps = jnp.arange(num_steps).reshape((num_steps,) + (1,) * jnp.ndim(lengths))
    return steps < lengths[None]


def run(
    layer: Layer, params: Params, xs: jax.Array, carry: Carry, options: Options
) -> tuple[Carry, jax.Array]:
    """Runs a layer on arguments that are known to fit: what a `Composite` calls for its parts."""
    if isinstance(layer, Composite):
        return layer.unroll(params, xs, carry, options)
    assert isinstance(layer, Cell)
    return run_cell(layer, params, xs, carry, options)


class _Settings(NamedTuple):
    """What of a run is fixed when its program is compiled."""

    reverse: bool
    executor: str
    keep: str
    remat_chunk: int | None
    update_rate: float
    zoneout_rates: tuple[tuple[str, float], ...]


class _Extras(NamedTuple):
    """The arrays of a run beside the inputs."""

    mask: jax.Array | None
    resets: jax.Array | None
    first: Carry | None
    state_noise: jax.Array | None
    update_noise: jax.Array | None
    zoneout: dict[str, jax.Array] | None
    memory: Memory | None


def run_cell(
    cell: Cell, params: Params, xs: jax.Array, carry: Carry, options: Options
) -> tuple[Carry, jax.Array]:
    """Steps through the inputs, by a program that equal runs share, jitted or not."""
    noise = options.noise
    rates = tuple(sorted((noise.zoneout_rates or {}).items()))
    chunk = options.remat_chunk
    assert not isinstance(chunk, str)  # `prepare` has made a number of it
    executor = chosen_executor(cell, xs.shape, options.executor, keep=options.keep)
    settings = _Settings(options.reverse, executor, options.keep, chunk, noise.update_rate, rates)
    extras = _Extras(
        options.mask, options.resets, options.first, noise.state, noise.update, noise.zoneout,
        options.memory,
    )  # fmt: skip
    try:
        hash(cell)
    except TypeError:  # a user's cell with an array in it, say
        return _take_steps(cell, settings, params, xs, carry, extras)
    return _shared_program(cell, settings, params, xs, carry, extras)


def _take_steps(
    cell: Cell, settings: _Settings, params: Params, xs: jax.Array, carry: Carry, extras: _Extras
) -> tuple[Carry, jax.Array]:
    """Projects the inputs and steps through them, with masks, by the chosen executor."""
    last = None
    if settings.keep == "last":
        x = jax.eval_shape(lambda xs: xs[0], xs)
        reads = () if extras.memory is None else (extras.memory,)
        y = jax.eval_shape(cell, params, carry, x, *reads)[1]
        last = jnp.zeros(y.shape, y.dtype)

    def project(constants: Any, xs: jax.Array, flags: Any) -> Any:
        mask, *others = flags
        if mask is not None:
            # Before the projection, so that a NaN in the padding meets no weight.
            xs = where_rows(mask, xs, jnp.zeros((), xs.dtype))
        return cell.project(constants[0], xs), mask, *others

    def step(constants: Any, state: Any, inputs: Any) -> Any:
        params, first, state_factors, memory = constants
        before, last = state
        z, valid, reset, update, zoneout = inputs
        if reset is not None:
            before = where_rows(reset, first, before)
        after, y = take_step(params, before, z, state_factors, update, memory)
        after, y = zone_out(before, after, y, kept=zoneout, rates=dict(settings.zoneout_rates))
        if isinstance(cell, LinearCell) and (zoneout or settings.zoneout_rates):
            y = cell.read(params, after, z)  # its output need not be its state
        if valid is not None:
            after = where_rows(valid, after, before)
            y = where_rows(valid, y, jnp.zeros_like(y) if last is None else last)
        outputs = {"outputs": y, "last": None, "carries": (after, y)}[settings.keep]
        return (after, y if settings.keep == "last" else None), outputs

    def take_step(
        params: Any, before: Any, z: Any, state: Any, update: Any, memory: Memory | None
    ) -> Any:
        if memory is not None:
            assert isinstance(cell, ReadingCell)
            # It depends on the constants alone, and so is computed before the loop.
            return cell.step(params, before, z, cell.remember(params, memory))
        if state is None and update is None:
            return cell.step(params, before, z)
        assert isinstance(cell, NoisyCell)
        if state is not None:
            state = lax.stop_gradient(state)
        if update is not None:
            update = as_factors(update, settings.update_rate, xs.dtype)
        return cell.step(params, before, z, Noise(state, update))

    of_rows = (carry, extras.first, extras.state_noise, extras.memory)
    num_batch_axes = xs.ndim - 1 - len(cell.input_shape)
    carry, *of_rows = placed_as_rows(xs, num_batch_axes, of_rows, 0)
    constants = (params, *of_rows)
    flags = (extras.mask, extras.resets, extras.update_noise, extras.zoneout)
    flags = placed_as_rows(xs, num_batch_axes, flags, 1)
    guarded = None if extras.resets is None else num_batch_axes
    recurrence = Recurrence(project, step, settings.reverse, guarded)
    run_steps = functools.partial(execute, settings.executor, settings.remat_chunk, recurrence)
    if settings.executor in PARALLEL:
        assert isinstance(cell, LinearCell)
        run_steps = functools.partial(linear_steps, cell, project, settings)
    if num_batch_axes:
        num_rows = xs.shape[1]
        # A mask may be the same for all rows, ``[T, 1]``.
        flag_axes = jax.tree.map(lambda flag: 1 if flag.shape[1] == num_rows else None, flags)
        run_steps = divide_rows(
            run_steps, num_rows, in_axes=((None, 0, 0, 0), 0, 1, flag_axes), out_axes=(0, 1)
        )
    (carry, last), ys = run_steps(constants, (carry, last), xs, flags)
    if settings.keep == "last":
        return carry, last
    return ys if settings.keep == "carries" else (carry, ys)


_shared_program = jax.jit(_take_steps, static_argnums=(0, 1))


def zone_out(
    before: Any,
    after: Any,
    y: jax.Array,
    *,
    kept: dict[str, jax.Array] | None = None,
    rates: dict[str, float] | None = None,
) -> tuple[Any, jax.Array]:
    """Lets fields of the carry keep their value, or in the mean so much of it; see `Zoneout`."""
    if not kept and not rates:
        return after, y
    fields: dict[str, jax.Array] = {}
    for name, where in (kept or {}).items():
        fields[name] = jnp.where(where, getattr(before, name), getattr(after, name))
    for name, rate in (rates or {}).items():
        fields[name] = rate * getattr(before, name) + (1 - rate) * getattr(after, name)
    after = after._replace(**fields)
    return after, after.h.astype(y.dtype)
