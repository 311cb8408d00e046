"""What an exported function takes: names, shapes with named axes, types, meanings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.export
import numpy as np

from rnnjax.cell import Layer


@dataclasses.dataclass(frozen=True)
class Array:
    """One array that an exported function takes.

    Args:
        shape: its axes, each a number, or a name such as "batch" or "time" where any number goes.
        dtype: its type, such as "float32".
        meaning: what it is, for the reader of the exported folder.
        below: of integers, the smallest that is too large; only to try the function out.
    """

    shape: tuple[int | str, ...]
    dtype: str
    meaning: str = ""
    below: int = 256

    def draw(self, rng: np.random.Generator, sizes: Mapping[str, int]) -> np.ndarray:
        """A random array of such sizes: booleans ragged, floats normal, integers uniform."""
        shape = tuple(d if isinstance(d, int) else sizes[d] for d in self.shape)
        dtype = np.dtype(self.dtype)
        if dtype == np.bool_:
            return rng.random(shape) < 0.8
        if np.issubdtype(dtype, np.integer):
            return rng.integers(0, self.below, shape).astype(dtype)
        return rng.standard_normal(shape).astype(dtype)


Inputs = Mapping[str, Any]
"""For each argument its name and its `Array`, or a pytree of them."""


def carry_arrays(layer: Layer, meaning: str) -> Any:
    """The carry of a layer on a batch, as `Array` leaves."""
    shapes = jax.eval_shape(layer.initial_carry)
    return jax.tree.map(
        lambda a: Array(("batch", *a.shape), np.dtype(a.dtype).name, meaning), shapes
    )


def by_name(tree: Any) -> dict[str, Any]:
    """The leaves of a tree by their places in it, such as "carry.h"."""
    leaves = jax.tree.leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def arrays_of(inputs: Inputs) -> dict[str, Array]:
    """Each array that a function takes, by its place, in the order of the arguments."""
    named = [by_name({name: tree}) for name, tree in inputs.items()]
    return {name: array for arrays in named for name, array in arrays.items()}


def arguments(inputs: Inputs, leaves: Mapping[str, Any]) -> list[Any]:
    """The function's arguments, from one value for each of `arrays_of`."""
    return [like({name: tree}, leaves)[name] for name, tree in inputs.items()]


def like(tree: Any, leaves: Mapping[str, Any]) -> Any:
    """A tree of this structure with the leaves of these names."""
    return jax.tree.unflatten(jax.tree.structure(tree), [leaves[name] for name in by_name(tree)])


def plain(tree: Any) -> Any:
    """The same tree of dicts and tuples alone, which every process knows."""
    if isinstance(tree, tuple) and (fields := getattr(tree, "_fields", None)):
        return {name: plain(getattr(tree, name)) for name in fields}
    if isinstance(tree, Mapping):
        return {name: plain(node) for name, node in tree.items()}
    if isinstance(tree, tuple | list):
        return tuple(plain(node) for node in tree)
    return tree


def axes_of(inputs: Inputs) -> list[str]:
    """The names of the axes that may have any size."""
    shapes = [array.shape for array in arrays_of(inputs).values()]
    return list(dict.fromkeys(d for shape in shapes for d in shape if isinstance(d, str)))


def symbolic(inputs: Inputs) -> dict[str, jax.ShapeDtypeStruct]:
    """The shape of each of `arrays_of` as `jax.export` wants it: a symbol for each named axis."""
    names = axes_of(inputs)
    symbols = jax.export.symbolic_shape(", ".join(names)) if names else ()
    symbol = dict(zip(names, symbols, strict=True))
    return {
        name: jax.ShapeDtypeStruct(
            tuple(symbol[d] if isinstance(d, str) else d for d in array.shape), array.dtype
        )
        for name, array in arrays_of(inputs).items()
    }
