"""The arguments of a run over a sequence: whether they fit the layer, and what is left out."""

from __future__ import annotations

import functools
import math
import numbers
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer

from rnnjax.buffers import own
from rnnjax.cell import (
    Carry,
    Layer,
    Memory,
    Options,
    Params,
    ReadingCell,
    carry_shapes,
    check_choice,
    check_input,
    default_float,
    param_shapes,
)
from rnnjax.checks import check_carry, check_params, described, is_numpy_bool
from rnnjax.unrolling.choice import NAMES
from rnnjax.unrolling.chunked import CHUNK


def prepare(
    layer: Layer, params: Params, xs: jax.Array, carry: Carry | None, options: Options
) -> tuple[Carry, Options]:
    """Checks the arguments, fills in the carry and gives the masks all of the batch axes.

    Args:
        layer: as in `rnnjax.unroll`, and so are the others.
        params: as there.
        xs: as there.
        carry: as there.
        options: as they were given, the rest as it is by default.

    Returns:
        The carry before the first step, and the options that `Composite.unroll` is given.

    Raises:
        ValueError: as `rnnjax.unroll`.
    """
    check_choice("unroll", "executor", options.executor, NAMES)
    if not isinstance(layer, Layer):
        raise ValueError(
            f"unroll wants a cell, or a combination of cells, such as rnnjax.LSTM(28, 64), not "
            f"{layer!r}."
        )
    check_input(layer, xs)
    check_params(layer, param_shapes(layer), params)
    num_axes = len(layer.input_shape)
    if jnp.ndim(xs) < 1 + num_axes:
        raise ValueError(
            f"unroll wants inputs [T, ..., D], time first, but got the shape {jnp.shape(xs)}; "
            "to take a single step, call the cell itself."
        )
    num_steps, *batch_shape = xs.shape[:-num_axes]
    if num_steps == 0:
        raise ValueError("unroll wants at least one time step, but the inputs have T = 0.")
    _check_memory(layer, options.memory, tuple(batch_shape))
    reads = {"memory": options.memory} if isinstance(layer, ReadingCell) else {}
    first = functools.partial(layer.first_carry, params, tuple(batch_shape), **reads)
    if carry is None:
        carry = first(_state_type(params, xs))
    else:
        if isinstance(layer, ReadingCell):
            wanted = jax.eval_shape(first, None)
        else:
            wanted = carry_shapes(layer, tuple(batch_shape), params, xs)
        check_carry(layer, wanted, carry, tuple(batch_shape))
        # What comes back may be donated, also where a step hands on what it was given.
        carry = jax.tree.map(own, carry)
    options = options._replace(
        mask=_as_flags("mask", options.mask, xs.shape[:-num_axes]),
        resets=_as_flags("resets", options.resets, xs.shape[:-num_axes]),
        reverse=_as_bool("reverse", options.reverse),
    )
    _check_key(options.key)
    if options.resets is not None:
        cast = jax.tree.map(lambda f, c: f.astype(c.dtype), first(None), carry)
        options = options._replace(first=cast)
    return carry, options._replace(remat_chunk=_remat_steps(options.remat_chunk, num_steps))


def _check_memory(layer: Layer, memory: Memory | None, batch_shape: tuple[int, ...]) -> None:
    """Raises a `ValueError` unless there is a memory where one is read, and for these rows."""
    name = type(layer).__name__
    if not isinstance(layer, ReadingCell):
        if memory is not None:
            raise ValueError(f"unroll: {name} reads no memory; leave it out.")
        return
    if not isinstance(memory, Memory):
        raise ValueError(
            f"unroll: {name} reads a memory at every step; give memory=rnnjax.Memory(values), not "
            f"{described(memory)}."
        )
    values, mask = jnp.shape(memory.values), memory.mask
    if len(values) != len(batch_shape) + 2 or values[:-2] != batch_shape:
        raise ValueError(
            f"unroll: the memory of a batch of shape {batch_shape} must have values "
            f"[{', '.join([*map(str, batch_shape), 'S', 'M'])}], but has {values}."
        )
    if mask is not None and (mask.dtype != jnp.bool_ or jnp.shape(mask) != values[:-1]):
        raise ValueError(
            f"unroll: the memory's mask must be booleans {values[:-1]}, but is {described(mask)}."
        )


def _state_type(params: Params, xs: jax.Array) -> Any:
    """The type of a state that inputs and parameters of these types lead to, never an integer."""
    dtype = jnp.result_type(xs, *jax.tree.leaves(params))
    return dtype if jnp.issubdtype(dtype, jnp.inexact) else default_float()


def _as_bool(name: str, value: Any) -> bool:
    if not isinstance(value, bool) and not is_numpy_bool(value):
        raise ValueError(f"unroll: {name} must be True or False, not {value!r}.")
    return bool(value)


def _check_key(key: Any) -> None:
    """Raises a `ValueError` if this is neither None nor one key, of the old kind or the new."""
    if key is None:
        return
    dtype, shape = getattr(key, "dtype", None), jnp.shape(key) if hasattr(key, "dtype") else ()
    is_key = dtype is not None and jnp.issubdtype(dtype, jax.dtypes.prng_key) and shape == ()
    is_old_key = dtype == jnp.uint32 and len(shape) == 1
    if not is_key and not is_old_key:
        raise ValueError(
            f"unroll: key must be one random key, such as jax.random.key(0), but got "
            f"{described(key)}."
        )


def _remat_steps(remat_chunk: Any, num_steps: Any) -> int | None:
    """The number of steps that are kept at a time: what was asked for, or "auto" stands for."""
    if remat_chunk is None:
        return None
    is_auto = isinstance(remat_chunk, str) and remat_chunk == "auto"
    if not is_auto and not _is_count(remat_chunk, at_least=1):
        raise ValueError(
            f"unroll: remat_chunk must be a positive number of steps, or 'auto', not "
            f"{remat_chunk!r}."
        )
    if not isinstance(num_steps, int):
        raise ValueError(
            f"unroll: remat_chunk wants a number of time steps, not the symbol {num_steps}; leave "
            "it out to export a function for any number of steps."
        )
    return _near_root(num_steps) if is_auto else int(remat_chunk)


def _is_count(value: Any, at_least: int) -> bool:
    is_integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return is_integer and int(value) >= at_least


def _is_symbol(value: Any) -> bool:
    """Whether this is a size that `jax.export` leaves open."""
    if isinstance(value, numbers.Integral):
        return False
    from jax.export import is_symbolic_dim  # loaded already wherever there are such

    return is_symbolic_dim(value)


def _near_root(num_steps: int) -> int:
    """About √T steps, a divisor of T if there is one near: cutting off a rest copies the inputs.

    >>> _near_root(100_000), _near_root(10_007)
    (400, 112)
    """
    root = math.isqrt(num_steps)
    near = [c for c in range(max(root // 2, 1), 2 * root + 1) if num_steps % c == 0]
    # Whole chunks of the executor, where possible, so that none of its programs is compiled twice.
    whole = [c for c in near if c % CHUNK == 0]
    default = CHUNK * math.ceil(num_steps**0.5 / CHUNK)
    return min(whole or near or [default], key=lambda c: abs(c - root))


def _as_flags(
    name: str, flags: jax.Array | None, steps_and_batch: tuple[int, ...]
) -> jax.Array | None:
    """A mask as booleans with the axes ``[T, ...]`` of the inputs, some of them possibly 1."""
    if flags is None:
        return None
    try:
        flags = jnp.asarray(flags)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The {name} must be an array of booleans, but is {described(flags)}."
        ) from error
    if flags.dtype != jnp.bool_:
        raise ValueError(f"The {name} must be boolean, but its dtype is {flags.dtype}.")
    if flags.shape not in (steps_and_batch[:1], steps_and_batch):
        raise ValueError(
            f"The {name} must have the shape {steps_and_batch[:1]} or {steps_and_batch} of the "
            f"inputs without their features, but has {flags.shape}."
        )
    return flags.reshape(flags.shape + (1,) * (len(steps_and_batch) - flags.ndim))


def as_lengths(lengths: Any, num_steps: Any) -> jax.Array:
    """Lengths of rows as an array ``[...]``, each of which is from 0 to `num_steps`.

    Raises:
        ValueError: as `rnnjax.length_mask`.
    """
    is_symbol = _is_symbol(num_steps)
    if not is_symbol and not _is_count(num_steps, at_least=0):
        raise ValueError(
            f"length_mask: num_steps must be an integer of at least 0, not {num_steps!r}."
        )
    try:
        array = jnp.asarray(lengths)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"length_mask: lengths must be an array of integers, but got {described(lengths)}."
        ) from error
    if not jnp.issubdtype(array.dtype, jnp.integer):
        raise ValueError(
            f"length_mask: lengths must be integers, but their dtype is {array.dtype}."
        )
    if is_symbol or isinstance(array, Tracer) or not array.is_fully_addressable:
        return array
    # As they were given, if they have a type: JAX cuts an int64 off to an int32.
    values = jax.device_get(lengths if hasattr(lengths, "dtype") else array)
    is_bad = (values < 0) | (values > num_steps)
    if is_bad.any():
        place = [int(axis[0]) for axis in is_bad.nonzero()] if is_bad.ndim else ""
        raise ValueError(
            f"length_mask: every length must be from 0 to the number of steps, {num_steps}, but "
            f"lengths{place} is {values[is_bad][0]}."
        )
    return array
