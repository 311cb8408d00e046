"""What a run needs of the machine, said before it begins; what it can't have is refused.

These are lower bounds: what is certain from the shapes of arrays alone. What they refuse can't be
done; what they let through may still be too much.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from rnnjax.cell import Layer
from rnnjax.devices.layout import Layout
from rnnjax.devices.precision import PRECISIONS, kept_in
from rnnjax.errors import UsageError
from rnnjax.training.fields import expanded
from rnnjax.training.optimizers import build_optimizer
from rnnjax.training.settings import Config

try:
    import resource
except ModuleNotFoundError:  # on Windows
    resource = None

CGROUPS = Path("/sys/fs/cgroup")
"""Where Linux says how much memory a container may have."""

OWN_CGROUPS = Path("/proc/self/cgroup")
"""Where it says in which groups this process is."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Needs:
    """What a run takes at least, in bytes.

    Args:
        params: the parameters of all runs that are trained at once.
        optimizer: its state, for all of them.
        data: the examples, as arrays.
        step: the gradient of a training step and the recurrent states that it is computed from.
        checkpoint: on the disk.
    """

    params: int
    optimizer: int
    data: int
    step: int
    checkpoint: int

    @property
    def memory(self) -> int:
        """All that lies in memory."""
        return self.params + self.optimizer + self.data + self.step

    def __str__(self) -> str:
        return (
            f"at least {in_units(self.memory)} (parameters {in_units(self.params)}, optimiser "
            f"{in_units(self.optimizer)}, data {in_units(self.data)}, a training step "
            f"{in_units(self.step)})"
        )


def needs_of(
    config: Config,
    layout: Layout,
    init: Callable[[jax.Array], Any],
    *,
    layer: Layer | None,
    time_steps: int,
    data: int,
    data_flags: str = "",
    outputs: int = 0,
) -> Needs:
    """What a run needs, if the machine has it.

    Args:
        config: the settings.
        layout: of seeds and rows over devices.
        init: parameters from a key.
        layer: the recurrent one, if there is one.
        time_steps: of a training step.
        data: bytes of the examples.
        data_flags: names the flags that these depend on.
        outputs: numbers that the model gives at each of these steps, where they are many.

    Raises:
        UsageError: it is more than the machine's memory, or than a device's.
    """
    runs, groups = layout.num_seeds, layout.mesh.shape["seeds"]
    with warnings.catch_warnings():
        # Of arrays so large that JAX has no numbers for their places: they are refused below.
        warnings.simplefilter("ignore")
        shapes = jax.eval_shape(lambda key: kept_in(config.precision, init(key)), jax.random.key(0))
    params, optimizer, step = num_bytes(shapes), 0, 0
    if not config.eval_only:
        updates = build_optimizer(
            config.optimizer,
            config.learning_rate,
            num_steps=1,
            clip_norm=config.clip_norm,
            average=config.average,
        )
        optimizer = num_bytes(jax.eval_shape(updates.init, shapes))
        step = params
        if layer is not None:
            size = jnp.dtype(PRECISIONS[config.precision]).itemsize
            carry = jax.eval_shape(lambda: layer.initial_carry((config.batch_size,)))
            step += time_steps * size * (count(carry) + config.batch_size * outputs)
    # On a CPU the runs of a device take a step one after the other.
    at_once = groups if _is_cpu(layout) else runs
    needs = Needs(
        params=runs * params,
        optimizer=runs * optimizer,
        data=data,
        step=at_once * step,
        checkpoint=runs * (2 * params + optimizer),
    )
    _check_memory(needs, layout, data_flags)
    return needs


def check_disk(config: Config, needs: Needs) -> None:
    """Whether a checkpoint can be written where the run is to be.

    Raises:
        UsageError: the disk has no room for a single one.
    """
    folder = expanded(config.workdir or "runs").absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    with contextlib.suppress(OSError):  # writing will tell
        free = shutil.disk_usage(folder).free
        if needs.checkpoint > free:
            raise UsageError(
                f"a checkpoint of this run takes at least {in_units(needs.checkpoint)}, and the "
                f"disk of {folder} has {in_units(free)} left; make room, or name another --workdir."
            )


def machine_memory() -> float:
    """The bytes that this process may have at most; infinite where nothing tells.

    It is the memory of the machine with what it can swap, or the limit of a container or of the
    process, if that is less.
    """
    return min(_installed(), *_of_cgroups(), *_of_process())


def num_bytes(tree: Any) -> int:
    """The bytes of all arrays of a tree, or of what they would be."""
    return sum(math.prod(a.shape) * a.dtype.itemsize for a in jax.tree.leaves(tree))


def count(tree: Any) -> int:
    """The numbers in all arrays of a tree, or in what they would be."""
    return sum(math.prod(a.shape) for a in jax.tree.leaves(tree))


def in_units(number: float) -> str:
    """Bytes as they are told.

    >>> in_units(999), in_units(25_300_000_000), in_units(1e30)
    ('999 bytes', '25.3 GB', '1e+30 bytes')
    """
    if number < 1000:
        return f"{number:.0f} bytes"
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        number /= 1000
        if number < 1000:
            return f"{number:.3g} {unit}"
    return f"{number * 1e15:.2g} bytes"


def _check_memory(needs: Needs, layout: Layout, data_flags: str) -> None:
    groups, devices = layout.mesh.shape["seeds"], layout.mesh.devices
    there, where = machine_memory(), "this machine has"
    needed: float = needs.memory
    if not _is_cpu(layout):
        # Seeds are shared out among the devices, and so are the rows of a batch.
        shared = needs.data / layout.num_shares + needs.step / devices.size
        needed = (needs.params + needs.optimizer) / groups + shared
        there, where = min(map(_of_device, devices.flat)), "a device has"
    if needed <= there:
        return
    layers = "smaller layers, or fewer of them or of the seeds"
    advice = {
        "params": layers,
        "optimizer": layers,
        "step": "a smaller --batch_size or smaller layers",
        "data": data_flags and f"a smaller {data_flags}",
    }
    largest = max(advice, key=lambda part: getattr(needs, part))
    choose = f"; choose {advice[largest]}" if advice[largest] else ""
    raise UsageError(f"this run needs {needs} of memory, and {where} {in_units(there)}{choose}.")


def _is_cpu(layout: Layout) -> bool:
    return layout.mesh.devices.flat[0].platform == "cpu"


def _of_device(device: Any) -> float:
    # Another process's device says nothing, and some kinds never do.
    with contextlib.suppress(Exception):
        return device.memory_stats()["bytes_limit"]
    return math.inf


def _installed() -> float:
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return math.inf
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("SwapTotal:"):
                memory += int(line.split()[1]) * 1024
    return memory if memory > 0 else math.inf


def _of_cgroups() -> list[float]:
    """The limits of the group that this process is in, and of those that it is part of."""
    limits: list[float] = []
    with contextlib.suppress(OSError):
        for line in OWN_CGROUPS.read_text().splitlines():
            _, kinds, inside = line.split(":", 2)
            version_1 = "memory" in kinds.split(",")
            if not version_1 and kinds:
                continue
            root = CGROUPS / "memory" if version_1 else CGROUPS
            name = "memory.limit_in_bytes" if version_1 else "memory.max"
            folder = root / inside.lstrip("/")
            for place in (folder, *folder.parents):
                with contextlib.suppress(OSError, ValueError):  # "max" is no limit
                    limits.append(int((place / name).read_text()))
                if place == root:
                    break
    return limits or [math.inf]


def _of_process() -> list[float]:
    if resource is None:
        return [math.inf]
    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    return [math.inf if limit == resource.RLIM_INFINITY else limit for limit in limits]
