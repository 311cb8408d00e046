"""What is set before anything starts: JAX's numbers, devices and cache, and who keeps memory."""

from __future__ import annotations

import ctypes
import gc
import math
import os
import platform
from pathlib import Path
from typing import Any

import jax
import platformdirs

from rnnjax.devices.layout import Layout
from rnnjax.devices.program_cache import keep_programs, say_unusable
from rnnjax.errors import UsageError
from rnnjax.training.fields import one_line, shown
from rnnjax.training.settings import Config

ROWS_PER_CORE = 16
"""With fewer rows of a batch than this, a core has less to do than to wait for the others."""


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""Parameters of mallopt, in glibc's malloc.h."""


def set_precision(config: Config) -> None:
    """Has JAX make numbers as wide as `config` asks for; before any is made."""
    jax.config.update("jax_enable_x64", config.precision == "f64")


def set_cache(config: Config) -> None:
    """Has JAX keep the programs that it compiles, where the environment does not say so already."""
    if config.compilation_cache == "off" or _setting("jax_compilation_cache_dir"):
        return
    try:
        folder = Path(config.compilation_cache).expanduser()
        if config.compilation_cache == "auto":
            # By machine, because a program for one processor may not run on another.
            user = platformdirs.user_cache_path("rnnjax").expanduser()
            folder = user / "compiled" / platform.node()
    except RuntimeError as error:  # nothing says where the home folder is
        say_unusable("of the user", str(error))
        return
    keep_programs(folder)


def use_cores(config: Config) -> None:
    """Has JAX take every core for a device, as far as seeds and batches can be divided among them.

    It has an effect without an accelerator only, and where the environment does not set the number
    of these devices itself.
    """
    if _setting("jax_num_cpu_devices") > 0 or config.distributed:
        return
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    count = config.num_devices
    if count is None:
        count = fitting_devices(config, cores or 1)
    jax.config.update("jax_num_cpu_devices", min(count, cores or 1))


def find_devices() -> None:
    """Has JAX find its devices.

    Raises:
        UsageError: there are none of the kind that the environment names.
    """
    try:
        jax.devices()
    except (RuntimeError, AssertionError) as error:
        kinds, said = os.environ.get("JAX_PLATFORMS", ""), one_line(error)
        raise UsageError(
            f"JAX finds no devices with JAX_PLATFORMS={shown(kinds)!r} in the environment"
            f"{f' ({said})' if said else ''}; leave it out, or name a kind that is here, such as "
            "cpu."
        ) from None


def keep_memory() -> None:
    """Has the C library keep memory that was freed, for the program that runs next.

    Every run of a program takes its temporary arrays anew. Where these come from the system each
    time, touching them for the first time costs more than the step's arithmetic on them: of a
    training step called by itself on the CPU up to a third. It has an effect under glibc only, and
    where the environment does not say so itself.
    """
    if platform.libc_ver()[0] != "glibc" or any(name.startswith("MALLOC_") for name in os.environ):
        return
    libc = ctypes.CDLL(None)
    for parameter in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
        libc.mallopt(parameter, 2**31 - 1)
    # A thread's own arena has at most 64 MB: what is larger comes from the system in any case.
    libc.mallopt(_M_ARENA_MAX, 1)


def keep_objects() -> None:
    """Has Python's garbage collector leave alone the objects that there are.

    Modules alone have more than a hundred thousand, which stay to the end. Each time that the
    collector comes by, looking through them takes up to a tenth of a second; and as the process
    ends, Python would free them one by one, for half a second, before the system takes back the
    memory of all at once.
    """
    gc.freeze()


def lay_out(config: Config, num_settings: int = 1) -> Layout:
    """How seeds and batches are laid out over the devices.

    Args:
        config: the settings.
        num_settings: how many runs there are of each seed.

    Raises:
        UsageError: there are not so many devices, or a batch can't be divided evenly among them.
    """
    devices = jax.devices()
    # Several processes use all that they have: a part of it would leave some of them out.
    count = config.num_devices if jax.process_count() == 1 else None
    if (count or 0) > len(devices):
        raise UsageError(
            f"--num_devices={count}, but there are only {len(devices)}: "
            f"{', '.join(map(str, devices))}."
        )
    return Layout.over(
        devices[:count],
        num_seeds=config.num_seeds * num_settings,
        batch_size=config.batch_size,
        num_settings=num_settings,
    )


def fitting_devices(config: Config, most: int, num_runs: int | None = None) -> int:
    """Among how many devices runs and batches can be divided, and gain by it.

    Args:
        config: the settings.
        most: devices that there are.
        num_runs: trained at once; by default as many as these settings ask for.
    """
    runs = config.num_runs if num_runs is None else num_runs
    return max(n for n in range(1, most + 1) if _fits(runs, config.batch_size, n))


def _setting(name: str) -> Any:
    """What JAX was told by its environment."""
    return getattr(jax.config, name)


def _fits(num_runs: int, batch_size: int, num_devices: int) -> bool:
    shares = num_devices // math.gcd(num_runs, num_devices)
    enough = shares == 1 or batch_size >= ROWS_PER_CORE * shares
    return batch_size % shares == 0 and enough
