"""Whether what a caller passes is made of arrays of numbers, and fits a layer."""

from __future__ import annotations

import functools
import reprlib
from typing import Any

import jax
import jax.numpy as jnp

_ARRAYS_AND_NUMBERS = (jax.Array, bool, int, float, complex)


def is_array(value: Any) -> bool:
    """Whether JAX can compute with this: an array, of NumPy too, or a number of Python's."""
    if isinstance(value, _ARRAYS_AND_NUMBERS):
        return True
    if hasattr(value, "__jax_array__"):
        return True
    # A `jax.ShapeDtypeStruct` has a dtype too, but no numbers.
    return hasattr(value, "__array__") and _is_number_type(getattr(value, "dtype", None))


def is_numpy_bool(value: Any) -> bool:
    """Whether this is one of NumPy's booleans, which are no `bool`."""
    return isinstance(value, jnp.dtype(bool).type)


def _is_number_type(dtype: Any) -> bool:
    try:
        return jnp.issubdtype(dtype, jnp.number) or jnp.issubdtype(dtype, jnp.bool_)
    except TypeError:
        return False  # another framework's


def described(value: Any) -> str:
    """What a message calls something that is not what was expected.

    >>> described(None), described("rnn"), described(jnp.zeros((2, 3)))
    ('None', "the str 'rnn'", 'an array of dtype float32 and shape (2, 3)')
    """
    if value is None:
        return "None"
    if hasattr(value, "dtype") and hasattr(value, "__array__"):
        return f"an array of dtype {value.dtype} and shape {tuple(value.shape)}"
    return f"the {type(value).__name__} {reprlib.repr(value)}"


def check_input_array(owner: str, x: Any) -> None:
    """Raises a `ValueError` if an input is no array of numbers."""
    if not is_array(x):
        raise ValueError(
            f"{owner} wants its input as one array of numbers, as jax.numpy.asarray makes it, but "
            f"got {described(x)}."
        )


def check_params(layer: Any, wanted: Any, params: Any) -> None:
    """Raises a `ValueError` if these are no parameters of a layer; biases may be left out.

    Args:
        layer: a `rnnjax.cell.Layer`.
        wanted: the shapes of the parameters that its `init` gives.
        params: what was given.
    """
    if agrees(wanted, params):
        return
    examples, structure = jax.tree.flatten_with_path(wanted, is_leaf=_is_none)
    given = jax.tree.leaves(params, is_leaf=_is_none)
    if jax.tree.structure(params, is_leaf=_is_none) != structure:
        raise ValueError(
            f"The parameters do not fit {type(layer).__name__}: expected those that its init "
            f"gives, {structure}, got {jax.tree.structure(params, is_leaf=_is_none)}."
        )
    for (path, example), array in zip(examples, given, strict=True):
        if example is None or (array is None and example.ndim == 1):
            continue
        name = jax.tree_util.keystr(path, simple=True, separator=".")
        if array is not None and not is_array(array):
            raise ValueError(
                f"The parameters do not fit {layer}: expected {name} to be an array of numbers, "
                f"got {described(array)}."
            )
        shape = None if array is None else jnp.shape(array)
        if shape != example.shape:
            raise ValueError(
                f"The parameters do not fit {layer}: expected {name} of shape {example.shape}, "
                f"got {shape}."
            )


def check_carry(layer: Any, wanted: Any, carry: Any, batch_shape: tuple[int, ...]) -> None:
    """Raises a `ValueError` if this is no carry of a layer.

    Args:
        layer: a `rnnjax.cell.Layer`.
        wanted: the shapes and types of the carry that its `initial_carry` gives.
        carry: what was given.
        batch_shape: of the inputs.
    """
    if not agrees(wanted, carry):
        name = type(layer).__name__
        for path, leaf in jax.tree.leaves_with_path(carry):
            if not is_array(leaf):
                place = jax.tree_util.keystr(path, simple=True, separator=".")
                raise ValueError(
                    f"The carry of {name} must be made of arrays of numbers, but "
                    f"{place or 'it'} is {described(leaf)}."
                )
        raise ValueError(
            f"The carry does not fit {name} on a batch of shape {batch_shape}: expected "
            f"{jax.tree.map(jnp.shape, wanted)}, got {jax.tree.map(jnp.shape, carry)}."
        )
    for given, example in zip(jax.tree.leaves(carry), jax.tree.leaves(wanted), strict=True):
        expected, kind = _kind(example), _kind(given)
        if expected and kind != expected:
            raise ValueError(
                f"The carry of {type(layer).__name__} must be of {expected} type, but is "
                f"{jnp.result_type(given)}: it keeps its own type, so the state would be cut off."
            )


def agrees(wanted: Any, given: Any) -> bool:
    """Whether one tree has the structure of another, and arrays of the same shapes.

    A single step outside of a program waits for this, so it does nothing that only a message needs.
    """
    # The structures too: a NamedTuple of another kind equals a tuple of the same shapes.
    examples, structure = jax.tree.flatten(wanted)
    arrays, given_structure = jax.tree.flatten(given)
    return structure == given_structure and all(
        is_array(array) and getattr(array, "shape", ()) == example.shape
        for array, example in zip(arrays, examples, strict=True)
    )


def is_complex(tree: Any) -> bool:
    """Whether there is an array of complex type in a tree of arrays."""
    return any(_kind(array) == "complex" for array in jax.tree.leaves(tree))


def _kind(array: Any) -> str | None:
    """What an array's type can hold of a state; None for what counts or tells apart."""
    dtype = getattr(array, "dtype", None)
    return _kind_of_type(jnp.result_type(array) if dtype is None else dtype)


@functools.cache
def _kind_of_type(dtype: Any) -> str | None:
    if jnp.issubdtype(dtype, jnp.complexfloating):
        return "complex"
    return "floating" if jnp.issubdtype(dtype, jnp.floating) else None


def _is_none(x: Any) -> bool:
    return x is None
