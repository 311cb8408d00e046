"""Whether an exported function still is the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from rnnjax.errors import ExportError
from rnnjax.export.signature import Inputs, arguments, arrays_of, axes_of, by_name

TOLERANCE = 1e-5
"""How far an exported function may be off, absolutely for small values, relatively for large."""

SIZES = ({"time": 1}, {"batch": 3, "time": 7}, {"batch": 2, "time": 40})
"""What an exported function is tried with; an axis that is not named here has size 1."""


def largest_difference(
    call: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]],
    function: Callable[..., Any],
    inputs: Inputs,
) -> float:
    """Compares an exported function with the original on random inputs of several sizes.

    Args:
        call: the exported one, from arrays by name to arrays by name.
        function: the original, of pytrees.
        inputs: what they take.

    Returns:
        The largest absolute difference of any output.

    Raises:
        ExportError: they differ by more than `TOLERANCE`.
    """
    rng = np.random.default_rng(0)
    original = jax.jit(lambda *given: by_name(function(*given)))
    largest = 0.0
    for some in SIZES:
        sizes = {name: some.get(name, 1) for name in axes_of(inputs)}
        drawn = {name: array.draw(rng, sizes) for name, array in arrays_of(inputs).items()}
        expected = jax.device_get(original(*arguments(inputs, drawn)))
        found = call(drawn)
        for name, values in expected.items():
            if not np.allclose(found[name], values, rtol=TOLERANCE, atol=TOLERANCE):
                raise ExportError(f"it gives other {name} than the model, for inputs of {sizes}")
            if found[name].shape != values.shape:
                raise ExportError(
                    f"its {name} has the shape {found[name].shape} where the model's has "
                    f"{values.shape}"
                )
            largest = max(largest, float(np.abs(found[name] - values).max()))
    return largest
