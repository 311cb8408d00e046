"""Arrays of other frameworks as NumPy's and JAX's: nothing is rounded, no memory is shared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def to_numpy(array: Any) -> np.ndarray:
    """A contiguous NumPy copy of an array of NumPy or JAX, or of a tensor of PyTorch.

    Contiguous, since safetensors writes the memory as it lies and would scramble a transposed view;
    a copy, since a framework may go on training its own array in place.
    """
    if hasattr(array, "detach"):
        tensor = array.detach().cpu()
        if str(tensor.dtype) == "torch.bfloat16":  # which PyTorch can't hand to NumPy
            return tensor.float().numpy().astype(jnp.bfloat16)
        array = tensor.numpy()
    return np.array(array, order="C")


def to_jax(name: str, array: Any) -> jax.Array:
    """A JAX array with exactly these values.

    Args:
        name: what the error message calls the array.
        array: as for `to_numpy`.

    Raises:
        ValueError: the entries are no floating-point numbers, or JAX would round them.
    """
    values = to_numpy(array)
    if not jnp.issubdtype(values.dtype, jnp.floating):
        raise ValueError(
            f"{name} has the dtype {values.dtype}, but weights must be floating-point numbers."
        )
    if jax.dtypes.canonicalize_dtype(values.dtype) != values.dtype:
        raise ValueError(
            f"{name} is {values.dtype}, which JAX would round to float32; set the option "
            "jax_enable_x64, or convert the weights to float32 first."
        )
    return jnp.array(values)


def reorder_gates(array: np.ndarray, order: Sequence[int]) -> np.ndarray:
    """The equal blocks of the last axis in another order: block k of the result was `order[k]`.

    >>> reorder_gates(np.array([10, 11, 20, 21, 30, 31]), (1, 0, 2))
    array([20, 21, 10, 11, 30, 31])
    """
    blocks = np.split(array, len(order), axis=-1)
    return np.concatenate([blocks[k] for k in order], axis=-1)


def check_shapes(
    owner: str, shapes: dict[str, tuple[int, ...]], wanted: dict[str, tuple[int, ...]]
) -> None:
    """Raises a `ValueError` about the first name that is missing, unknown or of another shape."""
    for name in wanted:
        if name not in shapes:
            raise ValueError(f"{owner}: {name} is missing.")
    for name, shape in shapes.items():
        if name not in wanted:
            raise ValueError(f"{owner}: there is no place for {name}.")
        if shape != wanted[name]:
            raise ValueError(f"{owner}: {name} must have the shape {wanted[name]}, not {shape}.")


def one_dtype(owner: str, arrays: Iterable[np.ndarray]) -> str:
    """The name of the dtype that all arrays have; a `ValueError` if they differ."""
    names = sorted({str(array.dtype) for array in arrays})
    if len(names) > 1:
        raise ValueError(f"A {owner} has one dtype, but the parameters have {' and '.join(names)}.")
    return names[0]
