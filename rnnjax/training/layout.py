"""How the runs of several seeds, and the rows of each batch, are laid out over the devices."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from rnnjax.training.errors import UsageError

SEEDS, ROWS = "seeds", "rows"
"""The axes of the mesh. `SEEDS` also names the axis of a function that `Layout.over_seeds` maps."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """A mesh of devices: seeds along one axis, the rows of every batch along the other.

    With more than one seed, every array of a run has a leading axis for them; a run of one seed
    has none. What is computed is what one device computes, but for the order in which the rows of
    a batch are summed.

    Args:
        mesh: its axes are `SEEDS` and `ROWS`.
        num_seeds: S, trained at once.
    """

    mesh: Mesh
    num_seeds: int = 1

    @classmethod
    def over(
        cls, devices: Sequence[Any] | None = None, *, num_seeds: int = 1, batch_size: int = 1
    ) -> Layout:
        """Lays seeds and rows out over devices, all of them where none are named.

        Devices share out the seeds as far as these can be divided evenly, because seeds need no
        word from each other, and what is left over shares out the rows.

        Raises:
            UsageError: the rows can't be divided evenly.
        """
        devices = jax.devices() if devices is None else devices
        groups = math.gcd(num_seeds, len(devices))
        shares = len(devices) // groups
        if batch_size % shares:
            fitting = max(n for n in range(1, shares) if batch_size % n == 0) * groups
            raise UsageError(
                f"--batch_size={batch_size} can't be divided evenly among {shares} devices; choose "
                f"a multiple of {shares}, or --num_devices={fitting}."
            )
        axis_types = (AxisType.Auto, AxisType.Auto)
        mesh = jax.make_mesh((groups, shares), (SEEDS, ROWS), axis_types, devices=devices)
        return cls(mesh, num_seeds)

    @property
    def num_shares(self) -> int:
        """Among how many devices the rows of a batch are divided."""
        return self.mesh.shape[ROWS]

    def sharding(self, *axes: str | None) -> NamedSharding:
        """Of arrays whose axes are these of the mesh; whole on every device where none is given."""
        return NamedSharding(self.mesh, PartitionSpec(*axes))

    def of_seeds(self, *axes: str | None) -> NamedSharding:
        """The same for arrays of a run, with a leading axis for the seeds if there are several."""
        return self.sharding(*((SEEDS, *axes) if self.num_seeds > 1 else axes))

    def put(self, tree: Any, sharding: NamedSharding) -> Any:
        """Puts arrays that every process has on the devices; each process reads its share only."""

        def place(a: Any) -> jax.Array:
            if not isinstance(a, jax.Array):
                a = np.asarray(a)
            elif jnp.issubdtype(a.dtype, jax.dtypes.prng_key):
                return jax.random.wrap_key_data(place(jax.random.key_data(a)))
            return jax.make_array_from_callback(a.shape, sharding, lambda share: a[share])

        return jax.tree.map(place, tree)

    def keys(self, seed: int, number: int) -> list[jax.Array]:
        """So many random keys, each for all seeds: `seed`, `seed` + 1, …"""
        split = [jax.random.split(jax.random.key(seed + i), number) for i in range(self.num_seeds)]
        return [self._stack([keys[j] for keys in split]) for j in range(number)]

    def per_seed(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a function once for each seed, with its part of the arguments, and stacks.

        Unlike `over_seeds` this gives each seed, to the bit, what it has when it is alone.
        """
        return self._stack([function(*self.part(arguments, i)) for i in range(self.num_seeds)])

    def part(self, tree: Any, seed: int) -> Any:
        """What belongs to one seed, counted from 0."""
        return tree if self.num_seeds == 1 else jax.tree.map(lambda a: a[seed], tree)

    def over_seeds(
        self, function: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0
    ) -> Callable[..., Any]:
        """Maps a function of one seed over all of them, as one program."""
        if self.num_seeds == 1:
            return function
        return jax.vmap(function, in_axes, out_axes, axis_name=SEEDS, spmd_axis_name=SEEDS)

    def split_rows(self, tree: Any) -> Any:
        """Has the rows of arrays ``[B, ...]`` computed where they belong; within a program."""
        if self.num_shares == 1:
            return tree
        return jax.tree.map(lambda a: lax.with_sharding_constraint(a, self.sharding(ROWS)), tree)

    def _stack(self, trees: list[Any]) -> Any:
        if self.num_seeds == 1:
            return trees[0]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)
