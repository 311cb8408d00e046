"""How arrays are spread over a mesh, as far as it is part of their type.

Under explicit axes (`jax.make_mesh` as it comes) and within `jax.shard_map`, JAX's loops want a
carry that has the same such type before and after each step. A carry of zeros has none yet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import AxisType, NamedSharding, PartitionSpec


def varying_alike(tree: Any) -> Any:
    """All arrays as different on the devices of every axis along which one of them is different.

    Where an array is not different, its gradient is summed over these devices: once, here, and
    not at each of its uses.
    """
    axes = frozenset[Any]().union(*(_varying(a) for a in jax.tree.leaves(tree)))

    def cast(a: Any) -> Any:
        missing = tuple(axes - _varying(a))
        return lax.pcast(a, missing, to="varying") if missing else a

    return jax.tree.map(cast, tree) if axes else tree


def placed_as_rows(xs: jax.Array, num_batch_axes: int, tree: Any, first_axis: int) -> Any:
    """Arrays whose batch axes are sharded along explicit axes as those of the inputs are.

    Args:
        xs: the inputs ``[T, ..., D]``.
        num_batch_axes: how many axes of them, behind that of time, are of the batch.
        tree: arrays with the same batch axes; where one has the size 1, it stays whole.
        first_axis: where the batch axes begin in these arrays.
    """
    spec = _explicit(xs)
    if spec is None:
        return tree
    mesh = jax.typeof(xs).sharding.mesh
    rows = tuple(spec)[1 : 1 + num_batch_axes]

    def place(a: jax.Array) -> jax.Array:
        own = list(_explicit(a) or [None] * a.ndim)
        for axis, name in enumerate(rows, first_axis):
            own[axis] = name if a.shape[axis] > 1 else None
        return jax.sharding.reshard(a, NamedSharding(mesh, PartitionSpec(*own)))

    return jax.tree.map(place, tree)


def is_placed(tree: Any) -> bool:
    """Whether any of these arrays lies on a mesh with explicit axes."""
    return any(_explicit(a) is not None for a in jax.tree.leaves(tree))


def placed_as_left(step: Callable[[Any], Any], carry: Any) -> Any:
    """The carry, sharded along explicit axes in the way in which the step leaves it.

    Args:
        step: gives the next carry.
        carry: before the first step.
    """
    for _ in range(3):  # a second step may see more of the axes than the first, but no third one
        after = jax.eval_shape(step, carry)
        if jax.tree.map(_explicit, after) == jax.tree.map(_explicit, carry):
            break
        carry = jax.tree.map(_resharded, carry, after)
    return carry


def zeros_of(kind: Any) -> jax.Array:
    """Zeros of this type."""
    zeros = _resharded(jnp.zeros(kind.shape, kind.dtype), kind)
    axes = tuple(_varying(kind))
    return lax.pcast(zeros, axes, to="varying") if axes else zeros


def _varying(array: Any) -> frozenset[Any]:
    kind = jax.typeof(array) if isinstance(array, jax.Array) else array
    manual = getattr(kind, "manual_axis_type", None)  # its name since JAX 0.10.2
    return frozenset(getattr(kind, "vma", None) or () if manual is None else manual.varying)


def _explicit(array: Any) -> Any:
    """The sharding that is part of the array's type."""
    kind = jax.typeof(array) if isinstance(array, jax.Array) else array
    sharding = getattr(kind, "sharding", None)
    if not isinstance(sharding, NamedSharding):
        return None
    return sharding.spec if AxisType.Explicit in sharding.mesh.axis_types else None


def _resharded(array: Any, like: Any) -> Any:
    spec = _explicit(like)
    if spec is None or spec == _explicit(array):
        return array
    return jax.sharding.reshard(array, like.sharding)
