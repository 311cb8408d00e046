"""Files of state dicts: read without their framework, refused if damaged or dangerous."""

from __future__ import annotations

import pathlib
import pickle

import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from rnnjax.interop import load_state_dict

ARRAYS = {
    "rnn.weight": np.arange(6, dtype="f").reshape(2, 3),
    "rnn.bias": np.array([0.5, -np.inf, 1e-300]),
}


def write(path, arrays):
    if path.suffix == ".npz":
        np.savez(path, allow_pickle=True, **arrays)
    else:
        safetensors.numpy.save_file(arrays, path)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_arrays_keep_names_dtypes_and_values(tmp_path, suffix):
    write(tmp_path / f"weights{suffix}", ARRAYS)
    for path in (tmp_path / f"weights{suffix}", str(tmp_path / f"weights{suffix}")):
        read = load_state_dict(path)
        assert set(read) == set(ARRAYS)
        for name, array in ARRAYS.items():
            assert read[name].dtype == array.dtype
            np.testing.assert_array_equal(read[name], array)


def test_bfloat16_comes_out_of_safetensors_but_not_out_of_npz(tmp_path):
    arrays = {"w": np.array([[1.5, -2.0]], jnp.bfloat16)}
    write(tmp_path / "weights.safetensors", arrays)
    read = load_state_dict(tmp_path / "weights.safetensors")["w"]
    assert read.dtype == jnp.bfloat16
    np.testing.assert_array_equal(read, arrays["w"])
    write(tmp_path / "weights.npz", arrays)
    with pytest.raises(ValueError, match="w is stored as raw bytes"):
        load_state_dict(tmp_path / "weights.npz")


class Exploding:
    """What runs while it is unpickled."""

    def __reduce__(self):
        return pathlib.Path.touch, (pathlib.Path("exploded"),)


def test_nothing_in_a_file_is_executed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "weights.npz", {"w": np.array([Exploding()], object)})
    pickle_file = tmp_path / "bare.npz"
    pickle_file.write_bytes(pickle.dumps(Exploding()))
    for name in ("weights.npz", "bare.npz"):
        with pytest.raises(ValueError, match=f"{name} is damaged, or not a .npz file"):
            load_state_dict(tmp_path / name)
    assert not (tmp_path / "exploded").exists()
    pickle.loads(pickle_file.read_bytes())
    assert (tmp_path / "exploded").exists()


@pytest.mark.parametrize("name", ["weights.pt", "weights.npy", "weights", "weights.h5"])
def test_other_files_are_refused_before_they_are_opened(tmp_path, name):
    with pytest.raises(ValueError, match=r"expected a \.safetensors or an \.npz file"):
        load_state_dict(tmp_path / name)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_file_that_is_not_there_is_named(tmp_path, suffix):
    with pytest.raises(FileNotFoundError, match="missing"):
        load_state_dict(tmp_path / f"missing{suffix}")


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_file_that_was_cut_off_is_refused(tmp_path, suffix):
    path = tmp_path / f"weights{suffix}"
    write(path, ARRAYS)
    whole = path.read_bytes()
    for size in (0, 1, 7, 20, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="is damaged"):
            load_state_dict(path)


def test_every_damaged_byte_of_an_npz_is_noticed_or_harmless(tmp_path):
    path = tmp_path / "weights.npz"
    write(path, ARRAYS)
    whole = path.read_bytes()
    noticed = 0
    for k in range(len(whole)):
        path.write_bytes(whole[:k] + bytes([whole[k] ^ 255]) + whole[k + 1 :])
        try:
            read = load_state_dict(path)
        except ValueError:
            noticed += 1
        else:
            # A time stamp, a flag or a name; the contents have a checksum.
            for array, known in zip(read.values(), ARRAYS.values(), strict=False):
                np.testing.assert_array_equal(array, known)
    assert noticed > len(whole) // 2
