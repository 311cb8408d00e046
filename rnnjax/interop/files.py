"""State dicts in files, read without the framework that wrote them."""

from __future__ import annotations

import os
import pathlib

import numpy as np
import safetensors.numpy


def load_state_dict(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Reads the named arrays of a ``.safetensors`` or an ``.npz`` file.

    Args:
        path: the file. Nothing in it is executed: an ``.npz`` with pickled objects is refused.

    Returns:
        The arrays by name, for `rnnjax.interop.torch.from_state_dict`.

    Raises:
        ValueError: the file is of another kind, or damaged, or holds something else than numbers.
        OSError: it is not there, or can't be opened.
    """
    path = pathlib.Path(path)
    if path.suffix not in _READERS:
        raise ValueError(
            f"{path}: expected a .safetensors or an .npz file; other formats may run code when "
            "they are opened. From PyTorch, write one with "
            "safetensors.torch.save_file(module.state_dict(), 'weights.safetensors')."
        )
    with path.open("rb"):
        pass  # So that an OSError below is about what the file holds.
    try:
        arrays = _READERS[path.suffix](path)
    except Exception as error:  # Which one a damaged file raises depends on the byte.
        raise ValueError(f"{path} is damaged, or not a {path.suffix} file: {error}") from error
    for name, array in arrays.items():
        if array.dtype.type is np.void:
            raise ValueError(
                f"{path}: {name} is stored as raw bytes without a number type, as .npz does with "
                "bfloat16; write it as float32, or into a .safetensors file."
            )
    return arrays


def _read_npz(path: pathlib.Path) -> dict[str, np.ndarray]:
    # Not numpy.load, which would also take a single array or a pickle.
    with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as arrays:
        return dict(arrays)


_READERS = {".npz": _read_npz, ".safetensors": safetensors.numpy.load_file}
