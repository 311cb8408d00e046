"""The sides of the comparison: one module per framework.

Each has three functions. ``prepare(settings)`` comes first. ``variants(row)`` lists the ways in
which a user may write the same work in that framework (an optimiser in one kernel, a compiler for
the whole step); the fastest of them on this machine is the one that is compared. ``build(row,
weights, settings, **variant)`` gives a `Program`.
"""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any, Protocol

import numpy as np

from benchmarks.drawing.work import DrawingWork
from benchmarks.tagging.work import TaggingWork
from benchmarks.translation.work import TranslationWork
from benchmarks.work import Row, Work


@dataclasses.dataclass(frozen=True)
class Settings:
    """What is the same on all sides.

    Attributes:
        threads: that a framework may use for its own work.
        device: "cpu" or "gpu".
        precision: of products on a GPU, "float32" or "tf32".
        our_devices: CPU devices over which rnnjax spreads the rows of a batch.
        keep_memory: whether every side keeps freed memory for later, as our experiments do.
    """

    threads: int
    device: str = "cpu"
    precision: str = "float32"
    our_devices: int = 1
    keep_memory: bool = False


class Program(Protocol):
    """One row's work, ready to run."""

    def run(self) -> Any:
        """Does the work once; gives the loss before the update, or the outputs."""
        ...

    def wait(self, result: Any) -> None:
        """Comes back when the result is there."""
        ...

    def to_numpy(self, result: Any) -> np.ndarray: ...

    def gradients(self) -> dict[str, np.ndarray]:
        """Of the loss by every weight, at the weights that were given, under their names."""
        ...


class Writer(Program, Protocol):
    """One that writes symbols; a run gives them, ``[T, B]``, drawn after symbol 0 in all texts."""

    def read(self, symbols: np.ndarray) -> np.ndarray:
        """The logits ``[T, B, V]`` after each of the symbols ``[T, B]``, from the first state."""
        ...


class Translator(Program, Protocol):
    """One that searches the most probable translations of its sources."""

    def found(self, result: Any) -> list[np.ndarray]:
        """The best translations, whole numbers ``[B, T]``, and their log-probabilities ``[B]``."""
        ...


@dataclasses.dataclass(frozen=True)
class Side:
    """A framework.

    Attributes:
        title: for people.
        short: likewise, in a narrow column.
        module: that has ``build``.
        packages: that have to be installed.
        versions: the distributions whose versions matter.
        environment: of its process.
    """

    title: str
    short: str
    module: str
    packages: tuple[str, ...]
    versions: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


OURS = "rnnjax"
SIDES = {
    OURS: Side("rnnjax", "rnnjax", "ours", ("jax",), ("jax", "jaxlib", "flax", "optax", "numpy")),
    "torch": Side("PyTorch", "PyTorch", "torch_side", ("torch",), ("torch",)),
    "keras_tensorflow": Side(
        "Keras on TensorFlow",
        "Keras TF",
        "keras_tensorflow",
        ("keras", "tensorflow"),
        ("keras", "tensorflow", "tensorflow-cpu"),
        (("KERAS_BACKEND", "tensorflow"), ("TF_CPP_MIN_LOG_LEVEL", "2")),
    ),
    "keras_jax": Side(
        "Keras on JAX",
        "Keras JAX",
        "keras_jax",
        ("keras", "jax"),
        ("keras",),
        (("KERAS_BACKEND", "jax"),),
    ),
    "flax_linen": Side("flax.linen", "linen", "flax_linen_side", ("flax",), ("flax",)),
    "flax_nnx": Side("flax.nnx", "nnx", "flax_nnx_side", ("flax",), ("flax",)),
}
PEERS = tuple(side for side in SIDES if side != OURS)


def load(side: str, row: Row | None = None) -> Any:
    """The module of a side, with ``prepare``; for a row, the one with its ``build``."""
    package = "benchmarks.peers"
    if row is not None and not isinstance(row.work, Work):
        package = row.package
    return importlib.import_module(f"{package}.{SIDES[side].module}")


def left_out(side: str, row: Row) -> str | None:
    """Why a row is not measured on a side, if it isn't."""
    if isinstance(row.work, Work) or side in (OURS, "torch"):
        return None
    if isinstance(row.work, TranslationWork):
        return "translation is compared with PyTorch only"
    if isinstance(row.work, DrawingWork):
        return "drawing is compared with PyTorch only"
    if isinstance(row.work, TaggingWork):
        return "tagging is compared with PyTorch only"
    if side.startswith("flax"):
        return "language models are compared with PyTorch and Keras only"
    return "Keras has no adaptive softmax" if row.work.cutoffs else None
