"""The arguments of a run over a sequence: whether they fit the layer, and what is left out."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp

from rnnjax.cell import Carry, Layer, Options, Params, check_choice, check_input, param_shapes
from rnnjax.executors import EXECUTORS
from rnnjax.recurrence import CHUNK


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
    check_choice("unroll", "executor", options.executor, EXECUTORS)
    _check_remat_chunk(options.remat_chunk)
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
    return carry, options._replace(remat_chunk=_remat_steps(options.remat_chunk, num_steps))


def _check_remat_chunk(remat_chunk: Any) -> None:
    is_count = isinstance(remat_chunk, int) and remat_chunk >= 1
    if remat_chunk not in (None, "auto") and not is_count:
        raise ValueError(
            f"unroll: remat_chunk must be a positive number of steps, or 'auto', not "
            f"{remat_chunk!r}."
        )


def _remat_steps(remat_chunk: int | str | None, num_steps: Any) -> int | str | None:
    """The number of steps that "auto" stands for, now that T is known."""
    if remat_chunk is not None and not isinstance(num_steps, int):
        raise ValueError(
            f"unroll: remat_chunk wants a number of time steps, not the symbol {num_steps}; leave "
            "it out to export a function for any number of steps."
        )
    return _near_root(num_steps) if remat_chunk == "auto" else remat_chunk


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


def _check_params(layer: Layer, params: Params) -> None:
    """Raises a `ValueError` if these are no parameters of the layer; biases may be left out."""
    wanted, structure = jax.tree.flatten_with_path(param_shapes(layer), is_leaf=_is_none)
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
