"""State dicts in files, read without the framework that wrote them."""

from __future__ import annotations

import os
import pathlib
import zipfile

import numpy as np
import safetensors

_FROM_PYTORCH = (
    "it may run code when it is opened. In PyTorch, load it by torch.load(path, weights_only=True) "
    "and write its state dict by safetensors.torch.save_file(state_dict, 'weights.safetensors')"
)
_FROM_KERAS = (
    "load the model in Keras, and give its recurrent layer to rnnjax.interop.keras.from_keras"
)
_ADVICE = {
    **dict.fromkeys((".pt", ".pth", ".bin", ".ckpt"), _FROM_PYTORCH),
    **dict.fromkeys((".h5", ".hdf5", ".keras"), _FROM_KERAS),
    ".npy": "it is a single array without a name; put arrays into an .npz by numpy.savez",
    ".msgpack": "read it by flax.serialization, and give its parameters to "
    "rnnjax.interop.flax.from_linen",
}
_OTHERWISE = "other formats may run code when they are opened. " + _FROM_PYTORCH.partition(". ")[2]
_BEGINNINGS = {
    b"PK": "a zip file",
    b"\x93NUMPY": "a single array, as numpy.save writes it",
    b"\x89HDF": "an HDF5 file, such as Keras writes",
    b"\x80": "a pickle, such as torch.save writes",
    b"version https://git-lfs": "the pointer that Git LFS leaves where it has not fetched a file",
}


def load_state_dict(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Reads the named arrays of a ``.safetensors`` or an ``.npz`` file.

    Args:
        path: the file. Nothing in it is executed: an ``.npz`` with pickled objects is refused.

    Returns:
        The arrays by name, for `rnnjax.interop.torch.from_state_dict`.

    Raises:
        ValueError: the file is of another kind, or damaged, or holds something else than arrays.
        OSError: it is not there, or can't be opened.
    """
    path = pathlib.Path(path)
    kind = path.suffix.lower()
    if kind not in _READERS:
        raise ValueError(
            f"{path}: expected a .safetensors or an .npz file; {_ADVICE.get(kind, _OTHERWISE)}."
        )
    with path.open("rb") as file:  # So that an OSError below is about what the file holds.
        beginning = file.read(32)
    if not beginning:
        raise ValueError(f"{path} is empty.")
    try:
        return _READERS[kind](path)
    except _Unreadable as error:
        raise ValueError(f"{path}: {error}") from None
    except Exception as error:  # Which one a damaged file raises depends on the byte.
        for mark, what in _BEGINNINGS.items():
            if beginning.startswith(mark) and not _begins_well(kind, beginning):
                raise ValueError(f"{path} is not a {kind} file, but {what}.") from error
        raise ValueError(f"{path} is damaged, or not a {kind} file: {error}") from error


def _begins_well(kind: str, beginning: bytes) -> bool:
    """Whether a file begins as one of its kind: an .npz as a zip, the other with a length."""
    return beginning.startswith(b"PK") if kind == ".npz" else not any(beginning[3:8])


class _Unreadable(Exception):
    """An entry of a sound file that is no array of numbers, and what to do."""


def _read_npz(path: pathlib.Path) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(path) as file:
        entries = file.namelist()
    if any(name.endswith("data.pkl") for name in entries):
        raise _Unreadable(f"this is what torch.save writes; {_FROM_PYTORCH}.")
    # Not numpy.load, which would also take a single array or a pickle.
    with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as arrays:
        return {name: _entry(arrays, name) for name in arrays.files}


def _entry(arrays: np.lib.npyio.NpzFile, name: str) -> np.ndarray:
    try:
        array = arrays[name]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise _Unreadable(
            f"{name} holds Python objects, which may run code when they are opened; save arrays of "
            "numbers only."
        ) from None
    if not isinstance(array, np.ndarray):  # NumPy gives the bytes of other files in the zip.
        raise _Unreadable(f"{name} is no array; an .npz file holds arrays only.")
    if array.dtype.type is np.void:
        raise _Unreadable(
            f"{name} is stored as raw bytes without a number type, as .npz does with bfloat16; "
            "write it as float32, or into a .safetensors file."
        )
    return array


def _read_safetensors(path: pathlib.Path) -> dict[str, np.ndarray]:
    with safetensors.safe_open(path, framework="np") as file:
        return {name: _tensor(file, name) for name in file.keys()}  # noqa: SIM118


def _tensor(file: safetensors.safe_open, name: str) -> np.ndarray:
    try:
        return file.get_tensor(name)
    except (AttributeError, TypeError) as error:
        raise _Unreadable(
            f"{name} has the type {file.get_slice(name).get_dtype()}, which NumPy does not have; "
            "write it as float32 or bfloat16."
        ) from error


_READERS = {".npz": _read_npz, ".safetensors": _read_safetensors}
