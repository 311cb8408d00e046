"""Parameters in a file that every framework reads."""

from __future__ import annotations

import os
from typing import Any

import jax
import numpy as np
import safetensors.numpy

from rnnjax.export.signature import by_name, like
from rnnjax.interop.files import load_state_dict


def params_bytes(params: Any) -> bytes:
    """The parameters in the format of safetensors, named by their places: "rnn.w_x"."""
    arrays = {name: np.ascontiguousarray(a) for name, a in by_name(jax.device_get(params)).items()}
    return safetensors.numpy.save(arrays)


def read_params(path: str | os.PathLike[str], wanted: Any, prefix: str = "") -> Any:
    """Reads ``params.safetensors`` back into the model's own structure.

    Args:
        path: the file.
        wanted: parameters of the same model, or their shapes, such as ``jax.eval_shape`` gives.
        prefix: what the names of a part of the model begin with, such as "rnn.", to read
            that part only.

    Returns:
        A tree like `wanted` of NumPy arrays.

    Raises:
        ValueError: the file is damaged, or holds the parameters of another model.
        OSError: it is not there, or can't be opened.
    """
    shapes = by_name(wanted)
    arrays = {
        name.removeprefix(prefix): array
        for name, array in load_state_dict(path).items()
        if name.startswith(prefix)
    }
    for name in sorted(arrays.keys() | shapes.keys()):
        found = arrays[name].shape if name in arrays else "absent"
        expected = shapes[name].shape if name in shapes else "absent"
        if found != expected:
            raise ValueError(
                f"{path} holds the parameters of another model: {prefix}{name} is {found} there "
                f"and {expected} in the model."
            )
    return like(wanted, arrays)
