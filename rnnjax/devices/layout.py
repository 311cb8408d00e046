"""How the runs of several seeds, and the rows of each batch, are laid out over the devices."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from rnnjax.errors import UsageError
from rnnjax.unrolling.rows import ROWS

SEEDS = "seeds"
"""The other axis of the mesh, beside `ROWS`, and of a function that `Layout.over_seeds` maps."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """A mesh of devices: seeds along one axis, the rows of every batch along the other.

    With more than one seed, every array of a run has a leading axis for them; a run of one seed
    has none. What is computed is what one device computes, but for the order in which the rows of
    a batch are summed.

    Args:
        mesh: its axes are `SEEDS` and `ROWS`.
        num_seeds: S, trained at once.
        num_settings: how many of these runs have the same random seed, each with settings of its
            own: first come all seeds of the first settings, then all of the second.
    """

    mesh: Mesh
    num_seeds: int = 1
    num_settings: int = 1

    @classmethod
    def over(
        cls,
        devices: Sequence[Any] | None = None,
        *,
        num_seeds: int = 1,
        batch_size: int = 1,
        num_settings: int = 1,
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
        return cls(mesh, num_seeds, num_settings)

    @classmethod
    def single(cls) -> Layout:
        """One seed on one device."""
        return cls.over(jax.devices()[:1])

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
        """So many random keys, each for all seeds: `seed`, `seed` + 1, …; anew in each setting."""
        if self.num_seeds == 1:
            return list(split_key(jax.random.key(seed), number))
        seeds = [seed + i for i in range(self.num_seeds // self.num_settings)] * self.num_settings
        # All at once, because one by one thousands of them would take a minute.
        split = jax.vmap(lambda s: jax.random.split(jax.random.key(s), number))
        return list(split(np.asarray(seeds, np.uint32)).T)

    def per_seed(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a function once for each seed, with its part of the arguments, and stacks.

        Unlike `over_seeds` this gives each seed, to the bit, what it has when it is alone.
        """
        return self._stack([function(*self.part(arguments, i)) for i in range(self.num_seeds)])

    def part(self, tree: Any, seed: int) -> Any:
        """What belongs to one seed, counted from 0."""
        return tree if self.num_seeds == 1 else jax.tree.map(lambda a: a[seed], tree)

    def over_seeds(
        self, function: Callable[..., Any], in_axes: Sequence[int | None]
    ) -> Callable[..., Any]:
        """Maps a function of one seed over all of them, as one program.

        A device takes its seeds all at once, but a CPU one after the other: its products of
        matrices are slower in batches than one by one.

        Args:
            function: of arrays; within it `SEEDS` is the axis of those seeds that run in step.
            in_axes: for each argument 0, if there is one for each seed, or None.
        """
        if self.num_seeds == 1:
            return function
        mapped = functools.partial(
            jax.vmap, in_axes=tuple(in_axes), axis_name=SEEDS, spmd_axis_name=SEEDS
        )
        if self.mesh.devices.flat[0].platform != "cpu":
            return mapped(function)
        groups = self.mesh.shape[SEEDS]

        in_turn = _one_after_another(function, in_axes)

        def by_groups(*arguments: Any) -> Any:
            arguments = tuple(
                _reshape(a, 1, (groups, self.num_seeds // groups)) if axis == 0 else a
                for a, axis in zip(arguments, in_axes, strict=True)
            )
            return _reshape(mapped(in_turn)(*arguments), 2, (self.num_seeds,))

        return by_groups

    def split_rows(self, tree: Any) -> Any:
        """Has the rows of arrays ``[B, ...]`` computed where they belong; within a program."""
        if self.num_shares == 1:
            return tree
        return jax.tree.map(lambda a: lax.with_sharding_constraint(a, self.sharding(ROWS)), tree)

    def in_use(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, traced where `rnnjax.unroll` finds the mesh; within a program."""
        if self.num_shares == 1:
            return function

        def traced(*arguments: Any) -> Any:
            with jax.sharding.use_abstract_mesh(self.mesh.abstract_mesh):
                return function(*arguments)

        return traced

    def _stack(self, trees: list[Any]) -> Any:
        if self.num_seeds == 1:
            return trees[0]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


@functools.partial(jax.jit, static_argnums=1)
def split_key(key: jax.Array, number: int = 2) -> tuple[jax.Array, ...]:
    """So many random keys from one, by one program: taken apart outside, each would be another."""
    return tuple(jax.random.split(key, number))


def _one_after_another(
    function: Callable[..., Any], in_axes: Sequence[int | None]
) -> Callable[..., Any]:
    """Maps a function over the first axes of those of its arguments that have one for seeds."""

    def mapped(*arguments: Any) -> Any:
        def one(own: list[Any]) -> Any:
            rest = iter(own)
            pairs = zip(arguments, in_axes, strict=True)
            return function(*(next(rest) if axis == 0 else a for a, axis in pairs))

        pairs = zip(arguments, in_axes, strict=True)
        return lax.map(one, [a for a, axis in pairs if axis == 0])

    return mapped


def _reshape(tree: Any, count: int, axes: tuple[int, ...]) -> Any:
    """Arrays with other axes in the place of the first `count` ones."""
    return jax.tree.map(lambda a: a.reshape(*axes, *a.shape[count:]), tree)
