"""What a step function is, and whether one and its arguments fit each other."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import Partial

from rnnjax.checks import described, is_array

Carry = Any

StepFunction = Callable[[Carry, jax.Array], tuple[Carry, jax.Array]]
"""``step(carry, tokens [B]) -> (carry, logits [B, V])``.

Best made as ``functools.partial(function, params)``: then the parameters are arguments of the
compiled program, which is shared by all calls with this function. The arrays that a closure has in
it are constants of its program, and each new closure is compiled anew.
"""


def as_data(function: Callable[..., Any], name: str) -> Partial:
    """A function as an argument of a compiled program: its bound arrays are data.

    Args:
        function: any, a `functools.partial` of pytrees of arrays among them.
        name: what a message calls it.

    Raises:
        ValueError: it is no function.
    """
    if isinstance(function, Partial):
        return function
    if isinstance(function, functools.partial):
        bound = jax.tree.leaves((function.args, function.keywords))
        if all(isinstance(leaf, jax.Array | np.ndarray) for leaf in bound):
            return Partial(function.func, *function.args, **function.keywords)
        return Partial(_Call(function))
    if not callable(function):
        raise ValueError(f"{name} must be a function, but got {described(function)}.")
    return Partial(function)


class _Call:
    """A partial function that stays one: numbers and names bound to it are not made arrays."""

    def __init__(self, function: functools.partial[Any]) -> None:
        self.function = function

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Call) and self.function is other.function

    def __hash__(self) -> int:
        return hash(self.function)


def as_number(owner: str, name: str, value: Any, *, least: int) -> int:
    """A whole number.

    Raises:
        ValueError: it is none, or less than the least.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or number < least or isinstance(value, bool):
        raise ValueError(f"{owner}: {name} must be an integer from {least} on, not {value!r}.")
    return number


def as_tokens(owner: str, name: str, tokens: Any, ndim: int, axes: str) -> jax.Array:
    """Tokens as int32.

    Raises:
        ValueError: they are no integers, or have another number of axes.
    """
    if (
        not is_array(tokens)
        or jnp.ndim(tokens) != ndim
        or not jnp.issubdtype(jnp.result_type(tokens), jnp.integer)
    ):
        raise ValueError(
            f"{owner}: {name} must be an array of integers {axes}, but got {described(tokens)}."
        )
    return jnp.asarray(tokens, jnp.int32)


def is_boolean(value: Any) -> bool:
    """Whether this is an array of booleans."""
    return is_array(value) and jnp.issubdtype(jnp.result_type(value), jnp.bool_)


def check_rows(owner: str, carry: Carry, num_rows: Any) -> None:
    """Raises a `ValueError` if an array of the carry has not this many rows in front."""
    for path, leaf in jax.tree.leaves_with_path(carry):
        if not hasattr(leaf, "shape") or leaf.shape[:1] != (num_rows,):
            where = jax.tree_util.keystr(path, simple=True, separator=".") or "carry"
            given = f"shape {leaf.shape}" if hasattr(leaf, "shape") else described(leaf)
            raise ValueError(
                f"{owner}: every array of the carry needs the batch as its first axis, "
                f"{num_rows} for these tokens, but {where} has {given}."
            )


def logits_of(owner: str, step: Partial, carry: Carry, num_rows: Any) -> jax.ShapeDtypeStruct:
    """The logits ``[B, V]`` that a step gives, without computing them.

    Args:
        owner: who asks, for a message.
        step: as `as_data` gives it.
        carry: arrays ``[B, ...]``.
        num_rows: B.

    Raises:
        ValueError: it gives something else than a carry like its own, and logits.
    """
    tokens = jax.ShapeDtypeStruct((num_rows,), jnp.int32)
    outputs = jax.eval_shape(_called, step, carry, tokens)
    if not isinstance(outputs, tuple) or len(outputs) != 2:
        raise ValueError(
            f"{owner}: the step function must give a pair, the next carry and the logits [B, V], "
            f"but gave {jax.tree.map(_type_of, outputs)}."
        )
    after, logits = outputs
    before = jax.eval_shape(lambda carry: carry, carry)
    if jax.tree.structure(after) != jax.tree.structure(before) or any(
        (a.shape, a.dtype) != (b.shape, b.dtype)
        for a, b in zip(jax.tree.leaves(after), jax.tree.leaves(before), strict=True)
    ):
        raise ValueError(
            f"{owner}: the step function must give back a carry of the same structure, shapes and "
            f"types; it was given {jax.tree.map(_type_of, before)} and gave "
            f"{jax.tree.map(_type_of, after)}."
        )
    if (
        not hasattr(logits, "shape")
        or len(logits.shape) != 2
        or logits.shape[0] != num_rows
        or not jnp.issubdtype(logits.dtype, jnp.floating)
    ):
        raise ValueError(
            f"{owner}: the step function must give logits [B, V] of a float type, with B = "
            f"{num_rows}, but gave {jax.tree.map(_type_of, logits)}."
        )
    return logits


def _called(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def _type_of(array: Any) -> str:
    return f"{array.dtype}{list(array.shape)}"
