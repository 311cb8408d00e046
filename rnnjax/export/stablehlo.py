"""A function as StableHLO, for any number of rows and steps, for the platforms that JAX knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.export
import numpy as np

from rnnjax.export.signature import Inputs, arguments, by_name, plain, symbolic

Arrays = dict[str, np.ndarray]

PLATFORMS = ("cpu", "cuda", "tpu")
"""What an exported function runs on."""


def to_stablehlo(function: Callable[..., Any], inputs: Inputs) -> bytes:
    """Lowers a function, with a symbol for each axis that has a name.

    Args:
        function: takes the inputs, in their order, as pytrees; gives a pytree.
        inputs: what it takes.

    Returns:
        What `jax.export.deserialize` reads, also where rnnjax is not installed: NamedTuples have
        become dicts.

    Raises:
        ImportError: flatbuffers is not installed.
    """

    def serve(*given: Any) -> Any:
        leaves = by_name(dict(zip(inputs, given, strict=True)))
        return plain(function(*arguments(inputs, leaves)))

    shapes = plain(arguments(inputs, symbolic(inputs)))
    exported = jax.export.export(jax.jit(serve), platforms=PLATFORMS)(*shapes)
    return bytes(exported.serialize())


def stablehlo_function(file: bytes, inputs: Inputs) -> Callable[[Arrays], Arrays]:
    """What such a file computes, from arrays by name to arrays by name."""
    exported = jax.export.deserialize(bytearray(file))

    def call(arrays: Arrays) -> Arrays:
        return jax.device_get(by_name(exported.call(*plain(arguments(inputs, arrays)))))

    return call
