"""Running a cell over a sequence."""

from __future__ import annotations

import functools
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
    Options,
    Params,
    check_choice,
    check_input,
)
from rnnjax.recurrence import Project, Step, recur


def unroll(
    layer: Layer,
    params: Params,
    xs: jax.Array,
    carry: Carry | None = None,
    *,
    mask: jax.Array | None = None,
    resets: jax.Array | None = None,
    reverse: bool = False,
    executor: str = "chunked",
) -> tuple[Carry, jax.Array]:
    """Runs a layer over a sequence, time first.

    Args:
        layer: a cell, or a combination of cells.
        params: its parameters.
        xs: the inputs ``[T, ..., D]``.
        carry: the state before the first step; by default `layer.initial_carry`. A carry of
            another dtype than the inputs keeps it: a float32 carry may ride on bf16 inputs.
        mask: booleans ``[T]`` or ``[T, ...]``, False where there is no input. There the carry is
            held and the output is zero, and whatever `xs` holds, NaN included, reaches no output
            and no gradient. Gaps, and rows without any step, are allowed.
        resets: booleans like `mask`. Where True, the carry is replaced by the initial one before
            the step is taken, masked or not: a new segment begins.
        reverse: whether to run from the last step to the first. The outputs stay in the order of
            the inputs. With a mask, a right-padded row needs no flipping. A reset then marks the
            segment's last step, where a reverse run enters it.
        executor: how the steps are taken. "chunked" has a backward pass of its own and no
            forward-mode derivative (`jax.jvp`, `jax.linearize`); "scan" is `jax.lax.scan`.

    Returns:
        The final carry, and the outputs ``[T, ..., O]``.

    Raises:
        ValueError: the inputs, the mask or the carry do not fit the layer.

    >>> from rnnjax.cells import GRU
    >>> cell = GRU(input_size=3, hidden_size=2)
    >>> params = cell.init(jax.random.key(0))
    >>> xs = jax.random.normal(jax.random.key(1), (5, 4, 3))  # 5 steps, 4 rows
    >>> lengths = jnp.array([5, 3, 0, 1])
    >>> carry, ys = unroll(cell, params, xs, mask=length_mask(lengths, 5))
    >>> ys.shape, bool((ys[3:, 1] == 0).all())
    ((5, 4, 2), True)
    """
    options = Options(mask, resets, reverse, executor)
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
    executor: str = "chunked",
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
        executor: as there.

    Returns:
        The final carry, and the output ``[..., O]`` of the last step that the run took: of the
        last one that the mask lets through, zero for a row without any.

    Raises:
        ValueError: the inputs, the mask or the carry do not fit the layer.
    """
    options = Options(mask, resets, reverse, executor, last_only=True)
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
    check_choice("unroll", "executor", options.executor, EXECUTORS)
    if jnp.ndim(xs) < 2:
        raise ValueError(
            f"unroll wants inputs [T, ..., D], time first, but got the shape {jnp.shape(xs)}; "
            "to take a single step, call the cell itself."
        )
    num_steps, *batch_shape = xs.shape[:-1]
    if num_steps == 0:
        raise ValueError("unroll wants at least one time step, but the inputs have T = 0.")
    if carry is None:
        dtype = jnp.result_type(xs, *jax.tree.leaves(params))
        carry = layer.initial_carry(tuple(batch_shape), dtype)
    else:
        _check_carry(layer, carry, tuple(batch_shape))
        carry = jax.tree.map(jnp.asarray, carry)
    return carry, options._replace(
        mask=_as_flags("mask", options.mask, xs), resets=_as_flags("resets", options.resets, xs)
    )


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
    first = None
    if options.resets is not None:
        first = jax.tree.map(
            lambda f, c: f.astype(c.dtype), cell.initial_carry(xs.shape[1:-1]), carry
        )
    last = None
    if options.last_only:
        x = jax.ShapeDtypeStruct(xs.shape[1:], xs.dtype)
        y = jax.eval_shape(cell, params, carry, x)[1]
        last = jnp.zeros(y.shape, y.dtype)

    def project(constants: Any, xs: jax.Array, flags: Any) -> Any:
        mask, resets = flags
        if mask is not None:
            # Before the projection, so that a NaN in the padding meets no weight.
            xs = _where(mask, xs, jnp.zeros((), xs.dtype))
        return cell.project(constants[0], xs), mask, resets

    def step(constants: Any, state: Any, inputs: Any) -> Any:
        params, first = constants
        before, last = state
        z, valid, reset = inputs
        if reset is not None:
            before = _where(reset, first, before)
        after, y = cell.step(params, before, z)
        if valid is not None:
            after = _where(valid, after, before)
            y = _where(valid, y, last if options.last_only else jnp.zeros_like(y))
        return (after, y if options.last_only else None), None if options.last_only else y

    execute = EXECUTORS[options.executor]
    flags = (options.mask, options.resets)
    (carry, last), ys = execute(
        project, step, options.reverse, (params, first), (carry, last), xs, flags
    )
    return carry, last if options.last_only else ys


def _scan(
    project: Project, step: Step, reverse: bool, constants: Any, carry: Any, xs: Any, flags: Any
) -> tuple[Any, Any]:
    """The plain executor, for every kind of derivative: `jax.lax.scan` over the steps."""
    inputs = project(constants, xs, flags)
    return lax.scan(functools.partial(step, constants), carry, inputs, reverse=reverse)


def _recur(
    project: Project, step: Step, reverse: bool, constants: Any, carry: Any, xs: Any, flags: Any
) -> tuple[Any, Any]:
    """The fast executor: chunks of steps, and a backward pass of its own."""
    num_steps = len(jax.tree.leaves(xs)[0])
    # Short sequences are one chunk: there is nothing to gain that is worth compiling twice.
    chunk = num_steps if num_steps <= 2 * CHUNK else CHUNK
    return recur(project, step, reverse, chunk, constants, carry, xs, flags)


EXECUTORS = MappingProxyType({"scan": _scan, "chunked": _recur})
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
