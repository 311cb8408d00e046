"""Has the compiler hurry: a test's program runs for a millisecond, and compiles for a second."""

from __future__ import annotations

import importlib.util
import mmap
import os
from pathlib import Path

import jax

FLAGS = ("--xla_cpu_use_fusion_emitters=false", "--xla_cpu_parallel_codegen_split_count=1")
"""They take a sixth off the time of all tests."""


def in_a_hurry() -> bool:
    """Whether the tests do without most optimisations; scripts that they start do as they do."""
    return os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1") == "1"


def hurry() -> None:
    """Leaves most optimisations out, here and in the scripts that tests start."""
    if not in_a_hurry():
        return
    jax.config.update("jax_disable_most_optimizations", True)
    before = os.environ.get("XLA_FLAGS", "").split()
    if not set(FLAGS) <= set(before):  # each process of pytest's has this environment
        os.environ["XLA_FLAGS"] = " ".join([*before, *_known(FLAGS)])


def _known(flags: tuple[str, ...]) -> list[str]:
    """Those that the installed compiler has: they come and go, and another one ends the process."""
    package = importlib.util.find_spec("jaxlib")
    assert package is not None
    assert package.origin is not None
    libraries = Path(package.origin).parent.glob("*.so")
    library = max(libraries, key=lambda path: path.stat().st_size)
    with (
        library.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as code,
    ):
        return [flag for flag in flags if code.find(flag.strip("-").split("=")[0].encode()) >= 0]
