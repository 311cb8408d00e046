"""The rows of a batch, divided among the devices of a mesh."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax.sharding import AxisType, PartitionSpec

ROWS = "rows"
"""The axis of a mesh along which rows are divided."""


def divide_rows(
    function: Callable[..., Any], num_rows: int, in_axes: Any, out_axes: Any
) -> Callable[..., Any]:
    """Has each device compute its own rows, where a mesh with an axis `ROWS` is in use.

    What is computed stays the same. Left to itself, the compiler would sum a weight's gradient
    over the devices wherever a part of it arises, so in every chunk of a sequence; here this
    happens once, at the end.

    Args:
        function: of arrays; no row's result may depend on another row.
        num_rows: B.
        in_axes: which axis of each argument has the rows, None for arguments that all rows share;
            a prefix of the arguments' trees, as for `jax.vmap`.
        out_axes: the same for the results.

    Returns:
        The function itself where there is no such mesh (`jax.set_mesh`), where the function is
        within a `jax.shard_map` over that axis already, or where the rows can't be divided evenly.
    """
    mesh = jax.sharding.get_abstract_mesh()
    types = dict(zip(mesh.axis_names, mesh.axis_types, strict=True))
    if types.get(ROWS) != AxisType.Auto or mesh.shape[ROWS] == 1 or num_rows % mesh.shape[ROWS]:
        return function
    return jax.shard_map(
        function,
        mesh=mesh,
        in_specs=_specs(in_axes),
        out_specs=_specs(out_axes),
        axis_names={ROWS},
        check_vma=False,  # the sums that it would put in at every use are those to be spared
    )


def _specs(axes: Any) -> Any:
    def spec(axis: int | None) -> PartitionSpec:
        return PartitionSpec() if axis is None else PartitionSpec(*[None] * axis, ROWS)

    return jax.tree.map(spec, axes, is_leaf=lambda axis: axis is None)
