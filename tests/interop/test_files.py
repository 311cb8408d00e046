"""Files of state dicts: read without their framework, refused if damaged or dangerous."""

from __future__ import annotations

import io
import json
import pathlib
import pickle
import struct
import zipfile

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
    for name, message in (
        ("weights.npz", "weights.npz: w holds Python objects, which may run code"),
        ("bare.npz", "bare.npz is not a .npz file, but a pickle"),
    ):
        with pytest.raises(ValueError, match=message):
            load_state_dict(tmp_path / name)
    assert not (tmp_path / "exploded").exists()
    pickle.loads(pickle_file.read_bytes())
    assert (tmp_path / "exploded").exists()


FROM_PYTORCH = (
    r"by torch\.load\(path, weights_only=True\) and write .* safetensors\.torch\.save_file"
)
FROM_KERAS = r"give its recurrent layer to rnnjax\.interop\.keras\.from_keras"


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        *((f"weights.{kind}", FROM_PYTORCH) for kind in ("pt", "pth", "bin", "ckpt", "PT", "pkl")),
        *((f"weights.{kind}", FROM_KERAS) for kind in ("h5", "weights.h5", "hdf5", "keras")),
        ("weights.npy", "a single array without a name"),
        ("weights.msgpack", r"rnnjax\.interop\.flax\.from_linen"),
        ("weights", FROM_PYTORCH),
    ],
)
def test_other_files_are_refused_before_they_are_opened(tmp_path, name, advice):
    message = rf"{name}: expected a \.safetensors or an \.npz file; .*{advice}"
    with pytest.raises(ValueError, match=message):
        load_state_dict(tmp_path / name)


def zipped(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, content in files.items():
            file.writestr(name, content)
    return buffer.getvalue()


def npy(array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    return buffer.getvalue()


def tensors(header, content=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + content


def tensor(dtype, size):
    return tensors({"w": {"dtype": dtype, "shape": [4], "data_offsets": [0, size]}}, bytes(size))


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.npz", zipped(**{"w.npy": npy(np.ones(2)), "readme.txt": b"x"}), "readme.txt is no arr"),
        ("a.npz", zipped(**{"w.npy": b""}), "w is no array"),
        ("a.npz", zipped(**{"w.npy": b"\x93NUMPY"}), "is damaged"),
        ("a.npz", zipped(**{"w.npy": npy(np.ones(3))[:-3]}), "is damaged"),
        ("a.npz", zipped(**{"w.npy": npy(np.array([{}], object))}), "w holds Python objects"),
        ("a.npz", zipped(**{"w.npy": npy(np.zeros(2, [("a", "f4")]))}), "w is stored as raw bytes"),
        ("a.npz", zipped(**{"archive/data.pkl": b"x", "archive/version": b"3"}), "torch.save wri"),
        ("a.npz", b"", "is empty"),
        ("a.npz", npy(np.ones(3)), "but a single array, as numpy.save writes it"),
        ("a.npz", pickle.dumps({"w": 1}), "but a pickle"),
        ("a.npz", b"\x89HDF\r\n\x1a\n" + bytes(9), "but an HDF5 file"),
        ("a.npz", POINTER, "the pointer that Git LFS"),
        ("a.npz", b"weights", "is damaged, or not a .npz file"),
        ("a.safetensors", b"", "is empty"),
        ("a.safetensors", b"weights and more", "is damaged, or not a .safetensors file"),
        ("a.safetensors", POINTER, "the pointer that Git LFS"),
        ("a.safetensors", zipped(), "but a zip file"),
        ("a.safetensors", pickle.dumps({"w": 1}), "but a pickle"),
        ("a.safetensors", tensors(b"no json"), "is damaged"),
        ("a.safetensors", tensor("F99", 4), "is damaged.*F99"),
        ("a.safetensors", tensor("F32", 15), "is damaged"),
        (
            "a.safetensors",
            tensor("F8_E4M3", 4),
            "w has the type F8_E4M3, which NumPy does not have",
        ),
    ],
)
def test_a_file_of_something_else_gets_one_sentence(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"\A[^\n]*{name}[^\n]*{message}[^\n]*\Z"):
        load_state_dict(tmp_path / name)


@pytest.mark.parametrize("length", [0x80, 0x4B50])
def test_a_sound_file_may_begin_like_another_one(tmp_path, length):
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})
    content = tensors(header.ljust(length).encode(), np.float32(1.5).tobytes())
    (tmp_path / "a.safetensors").write_bytes(content)
    np.testing.assert_array_equal(load_state_dict(tmp_path / "a.safetensors")["w"], [1.5])


def test_the_case_of_a_name_does_not_matter(tmp_path):
    write(tmp_path / "a.npz", ARRAYS)
    (tmp_path / "a.npz").rename(tmp_path / "A.NPZ")
    assert set(load_state_dict(tmp_path / "A.NPZ")) == set(ARRAYS)


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
        with pytest.raises(ValueError, match="is damaged" if size else "is empty"):
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
