"""Running a cell over a sequence."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from rnnjax.cell import (
    Carry,
    Cell,
    Composite,
    Layer,
    NoisyCell,
    Options,
    Params,
    check_choice,
    check_input,
)
from rnnjax.noise import Noise, as_factors
from rnnjax.recurrence import Project, Step, over_chunks, recur

Execute = Callable[..., tuple[Any, Any]]
"""``execute(project, step, reverse, guarded, constants, carry, xs, flags)``, as `recur`."""


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
    executor: str = "chunked",
    remat_chunk: int | str | None = None,
) -> tuple[Carry, jax.Array]:
    """Runs a layer over a sequence, time first.

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
            latter by the executor "chunked" only).
        reverse: whether to run from the last step to the first. The outputs stay in the order of
            the inputs. With a mask, a right-padded row needs no flipping. A reset then marks the
            segment's last step, where a reverse run enters it.
        key: what dropout draws from, in training; without it the run is an evaluation.
        executor: how the steps are taken. "chunked" has a backward pass of its own and no
            forward-mode derivative (`jax.jvp`, `jax.linearize`); "scan" is `jax.lax.scan`, and is
            taken too where `jax.export` has a symbol for the number of steps.
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
    options = _options(mask, resets, reverse, key, executor, remat_chunk)
    return run(layer, params, xs, *_prepare(layer, params, xs, carry, options))


def unroll_last(
    layer: Layer,
    params: Params,
    xs: jax.Array,
    carry: Carry | None = None,
    *,
    mask: jax.Array | None = None,
    resets: jax.Array | None = None,
    reverse: bool = False,
    key: jax.Array | None = None,
    executor: str = "chunked",
    remat_chunk: int | str | None = None,
) -> tuple[Carry, jax.Array]:
    """Runs a layer like `unroll`, but keeps the last output only.

    Args:
        layer: as in `unroll`, and so are the others.
        params: as there.
        xs: as there.
        carry: as there.
        mask: as there.
        resets: as there.
        reverse: as there.
        key: as there.
        executor: as there.
        remat_chunk: as there.

    Returns:
        The final carry, and the output ``[..., O]`` of the last step that the run took: of the
        last one that the mask lets through, zero for a row without any.

    Raises:
        ValueError: as `unroll`.
    """
    options = _options(mask, resets, reverse, key, executor, remat_chunk, keep="last")
    return run(layer, params, xs, *_prepare(layer, params, xs, carry, options))


def unroll_carries(
    layer: Layer,
    params: Params,
    xs: jax.Array,
    carry: Carry | None = None,
    *,
    mask: jax.Array | None = None,
    resets: jax.Array | None = None,
    reverse: bool = False,
    key: jax.Array | None = None,
    executor: str = "chunked",
    remat_chunk: int | str | None = None,
) -> tuple[Carry, jax.Array]:
    """Runs a layer like `unroll`, but gives the carry after every step.

    Args:
        layer: as in `unroll`, and so are the others.
        params: as there.
        xs: as there.
        carry: as there.
        mask: as there.
        resets: as there.
        reverse: as there.
        key: as there.
        executor: as there.
        remat_chunk: as there.

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
    options = _options(mask, resets, reverse, key, executor, remat_chunk, keep="carries")
    return run(layer, params, xs, *_prepare(layer, params, xs, carry, options))


def length_mask(lengths: jax.Array, num_steps: int) -> jax.Array:
    """The mask ``[T, ...]`` of rows with so many steps ``[...]`` each, padded behind.

    >>> length_mask(jnp.array([2, 0]), 3).astype(int)
    Array([[1, 0],
           [1, 0],
           [0, 0]], dtype=int32)
    """
    steps = jnp.arange(num_steps).reshape((num_steps,) + (1,) * jnp.ndim(lengths))
    return steps < lengths[None]


def _options(
    mask: jax.Array | None,
    resets: jax.Array | None,
    reverse: bool,
    key: jax.Array | None,
    executor: str,
    remat_chunk: int | str | None,
    keep: str = "outputs",
) -> Options:
    """Puts the options together; "auto" is left for when the number of steps is known."""
    check_choice("unroll", "executor", executor, EXECUTORS)
    is_count = isinstance(remat_chunk, int) and remat_chunk >= 1
    if remat_chunk not in (None, "auto") and not is_count:
        raise ValueError(
            f"unroll: remat_chunk must be a positive number of steps, or 'auto', not "
            f"{remat_chunk!r}."
        )
    return Options(
        mask=mask,
        resets=resets,
        reverse=reverse,
        executor=executor,
        keep=keep,
        remat_chunk=remat_chunk,
        key=key,
    )


def _prepare(
    layer: Layer, params: Params, xs: jax.Array, carry: Carry | None, options: Options
) -> tuple[Carry, Options]:
    """Checks the arguments, fills in the carry and gives the masks all of the batch axes."""
    if not isinstance(layer, Layer):
        raise ValueError(
            f"unroll wants a cell, or a combination of cells, such as rnnjax.LSTM(28, 64), not "
            f"{layer!r}."
        )
    check_input(layer, xs)
    _check_params(layer, params)
    if jnp.ndim(xs) < 2:
        raise ValueError(
            f"unroll wants inputs [T, ..., D], time first, but got the shape {jnp.shape(xs)}; "
            "to take a single step, call the cell itself."
        )
    num_steps, *batch_shape = xs.shape[:-1]
    if num_steps == 0:
        raise ValueError("unroll wants at least one time step, but the inputs have T = 0.")
    first = functools.partial(layer.first_carry, params, tuple(batch_shape))
    if carry is None:
        carry = first(jnp.result_type(xs, *jax.tree.leaves(params)))
    else:
        _check_carry(layer, carry, tuple(batch_shape))
        carry = jax.tree.map(jnp.asarray, carry)
    options = options._replace(
        mask=_as_flags("mask", options.mask, xs), resets=_as_flags("resets", options.resets, xs)
    )
    if options.resets is not None:
        cast = jax.tree.map(lambda f, c: f.astype(c.dtype), first(None), carry)
        options = options._replace(first=cast)
    if options.remat_chunk is not None and not isinstance(num_steps, int):
        raise ValueError(
            f"unroll: remat_chunk wants a number of time steps, not the symbol {num_steps}; leave "
            "it out to export a function for any number of steps."
        )
    if options.remat_chunk == "auto":
        options = options._replace(remat_chunk=_remat_chunk(num_steps))
    return carry, options


def _remat_chunk(num_steps: int) -> int:
    """About √T steps, a divisor of T if there is one near: cutting off a rest copies the inputs.

    >>> _remat_chunk(100_000), _remat_chunk(10_007)
    (400, 112)
    """
    root = math.isqrt(num_steps)
    near = [c for c in range(max(root // 2, 1), 2 * root + 1) if num_steps % c == 0]
    # Whole chunks of the executor, where possible, so that none of its programs is compiled twice.
    whole = [c for c in near if c % CHUNK == 0]
    default = CHUNK * math.ceil(num_steps**0.5 / CHUNK)
    return min(whole or near or [default], key=lambda c: abs(c - root))


def _check_params(layer: Layer, params: Params) -> None:
    """Raises a `ValueError` if these are no parameters of the layer; biases may be left out."""
    wanted, structure = jax.tree.flatten_with_path(_param_shapes(layer), is_leaf=_is_none)
    given = jax.tree.leaves(params, is_leaf=_is_none)
    if jax.tree.structure(params, is_leaf=_is_none) != structure:
        raise ValueError(
            f"The parameters do not fit {type(layer).__name__}: expected those that its init "
            f"gives, {structure}, got {jax.tree.structure(params, is_leaf=_is_none)}."
        )
    for (path, example), array in zip(wanted, given, strict=True):
        if example is None or (array is None and example.ndim == 1):
            continue
        shape = None if array is None else jnp.shape(array)
        if shape != example.shape:
            name = jax.tree_util.keystr(path, simple=True, separator=".")
            raise ValueError(
                f"The parameters do not fit {layer}: expected {name} of shape {example.shape}, "
                f"got {shape}."
            )


@functools.lru_cache(maxsize=256)
def _param_shapes(layer: Layer) -> Any:
    return jax.eval_shape(layer.init, jax.random.key(0))


def _is_none(x: Any) -> bool:
    return x is None


def _check_carry(layer: Layer, carry: Carry, batch_shape: tuple[int, ...]) -> None:
    wanted = jax.eval_shape(lambda: layer.initial_carry(batch_shape))
    wanted_shapes = jax.tree.map(jnp.shape, wanted)
    shapes = jax.tree.map(jnp.shape, carry)
    # The structures too: a NamedTuple of another kind equals a tuple of the same shapes.
    if shapes != wanted_shapes or jax.tree.structure(carry) != jax.tree.structure(wanted):
        raise ValueError(
            f"The carry does not fit {type(layer).__name__} on a batch of shape {batch_shape}: "
            f"expected {wanted_shapes}, got {shapes}."
        )
    for given, example in zip(jax.tree.leaves(carry), jax.tree.leaves(wanted), strict=True):
        dtype = jnp.result_type(given)
        if jnp.issubdtype(example.dtype, jnp.floating) and not jnp.issubdtype(dtype, jnp.floating):
            raise ValueError(
                f"The carry of {type(layer).__name__} must be of floating type, but is {dtype}: "
                "it keeps its own type, so the state would be cut off."
            )


def _as_flags(name: str, flags: jax.Array | None, xs: jax.Array) -> jax.Array | None:
    """A mask as booleans with the axes ``[T, ...]`` of the inputs, some of them possibly 1."""
    if flags is None:
        return None
    flags = jnp.asarray(flags)
    if flags.dtype != jnp.bool_:
        raise ValueError(f"The {name} must be boolean, but its dtype is {flags.dtype}.")
    steps_and_batch = xs.shape[:-1]
    if flags.shape not in ((xs.shape[0],), steps_and_batch):
        raise ValueError(
            f"The {name} must have the shape {(xs.shape[0],)} or {steps_and_batch} of the inputs "
            f"without their features, but has {flags.shape}."
        )
    return flags.reshape(flags.shape + (1,) * (len(steps_and_batch) - flags.ndim))


def run(
    layer: Layer, params: Params, xs: jax.Array, carry: Carry, options: Options
) -> tuple[Carry, jax.Array]:
    """Runs a layer on arguments that are known to fit: what a `Composite` calls for its parts."""
    if isinstance(layer, Composite):
        return layer.unroll(params, xs, carry, options)
    assert isinstance(layer, Cell)
    return _run_cell(layer, params, xs, carry, options)


def _run_cell(
    cell: Cell, params: Params, xs: jax.Array, carry: Carry, options: Options
) -> tuple[Carry, jax.Array]:
    """Projects the inputs and steps through them, with masks, by the chosen executor."""
    last, noise = None, options.noise
    if options.keep == "last":
        x = jax.ShapeDtypeStruct(xs.shape[1:], xs.dtype)
        y = jax.eval_shape(cell, params, carry, x)[1]
        last = jnp.zeros(y.shape, y.dtype)

    def project(constants: Any, xs: jax.Array, flags: Any) -> Any:
        mask, *others = flags
        if mask is not None:
            # Before the projection, so that a NaN in the padding meets no weight.
            xs = _where(mask, xs, jnp.zeros((), xs.dtype))
        return cell.project(constants[0], xs), mask, *others

    def step(constants: Any, state: Any, inputs: Any) -> Any:
        params, first, state_factors = constants
        before, last = state
        z, valid, reset, update, zoneout = inputs
        if reset is not None:
            before = _where(reset, first, before)
        after, y = take_step(params, before, z, state_factors, update)
        after, y = zone_out(before, after, y, kept=zoneout, rates=noise.zoneout_rates)
        if valid is not None:
            after = _where(valid, after, before)
            y = _where(valid, y, jnp.zeros_like(y) if last is None else last)
        outputs = {"outputs": y, "last": None, "carries": (after, y)}[options.keep]
        return (after, y if options.keep == "last" else None), outputs

    def take_step(params: Any, before: Any, z: Any, state: Any, update: Any) -> Any:
        if state is None and update is None:
            return cell.step(params, before, z)
        assert isinstance(cell, NoisyCell)
        if state is not None:
            state = lax.stop_gradient(state)
        if update is not None:
            update = as_factors(update, noise.update_rate, xs.dtype)
        return cell.step(params, before, z, Noise(state, update))

    execute = EXECUTORS[options.executor]
    chunk = options.remat_chunk
    if isinstance(chunk, int) and chunk < len(xs):
        execute = functools.partial(_rematerialised, execute, chunk)
    constants = (params, options.first, noise.state)
    flags = (options.mask, options.resets, noise.update, noise.zoneout)
    guarded = None if options.resets is None else xs.ndim - 2
    (carry, last), ys = execute(
        project, step, options.reverse, guarded, constants, (carry, last), xs, flags
    )
    if options.keep == "last":
        return carry, last
    return ys if options.keep == "carries" else (carry, ys)


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


def _rematerialised(
    execute: Execute,
    chunk: int,
    project: Project,
    step: Step,
    reverse: bool,
    guarded: int | None,
    constants: Any,
    carry: Any,
    xs: Any,
    flags: Any,
) -> tuple[Any, Any]:
    """Runs chunks of steps of which the backward pass keeps nothing but the carry before them."""

    @jax.checkpoint
    def take_chunk(carry: Any, chunk_of: Any) -> Any:
        return execute(project, step, reverse, guarded, constants, carry, *chunk_of)

    return over_chunks(take_chunk, carry, (xs, flags), chunk, reverse)


def _scan(
    project: Project,
    step: Step,
    reverse: bool,
    guarded: int | None,
    constants: Any,
    carry: Any,
    xs: Any,
    flags: Any,
) -> tuple[Any, Any]:
    """The plain executor, for every kind of derivative: `jax.lax.scan` over the steps."""
    del guarded
    inputs = project(constants, xs, flags)
    return lax.scan(functools.partial(step, constants), carry, inputs, reverse=reverse)


def _recur(
    project: Project,
    step: Step,
    reverse: bool,
    guarded: int | None,
    constants: Any,
    carry: Any,
    xs: Any,
    flags: Any,
) -> tuple[Any, Any]:
    """The fast executor: chunks of steps, and a backward pass of its own."""
    num_steps = jax.tree.leaves(xs)[0].shape[0]
    if not isinstance(num_steps, int):
        # A symbol of `jax.export`: how many chunks there are has to be a number.
        return _scan(project, step, reverse, guarded, constants, carry, xs, flags)
    # Short sequences are one chunk: there is nothing to gain that is worth compiling twice.
    chunk = num_steps if num_steps <= 2 * CHUNK else CHUNK
    return recur(project, step, reverse, chunk, guarded, constants, carry, xs, flags)


EXECUTORS: MappingProxyType[str, Execute] = MappingProxyType({"scan": _scan, "chunked": _recur})
"""How the steps are taken; the same values and gradients up to rounding."""

CHUNK = 16
"""Steps per chunk: few enough that what a chunk keeps stays in a core's cache."""


def _where(flags: jax.Array, on_true: Any, on_false: Any) -> Any:
    """`jnp.where` over pytrees of ``[..., features]``, with flags ``[...]``."""
    return jax.tree.map(
        lambda a, b: jnp.where(flags.reshape(flags.shape + (1,) * (a.ndim - flags.ndim)), a, b),
        on_true,
        on_false,
    )
