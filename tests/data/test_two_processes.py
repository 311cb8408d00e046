from __future__ import annotations

import concurrent.futures
import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np

from rnnjax.data.image_sources import ImageSource
from rnnjax.data.mnist import load_images
from tests.data.local_server import LocalServer

NAME = "train-images-idx3-ubyte.gz"


def load_into(source: ImageSource, root: Path, cache: Path) -> tuple[np.ndarray, np.ndarray]:
    data = load_images(source, root, cache_dir=cache)
    return data.train_images, data.test_labels


def test_two_at_once_prepare_one_folder(
    server: LocalServer, source: ImageSource, arrays: dict[str, np.ndarray], tmp_path: Path
) -> None:
    root, cache = tmp_path / "tfds", tmp_path / "cache"
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        futures = [pool.submit(load_into, source, root, cache) for _ in range(2)]
        for future in futures:
            images, labels = future.result(timeout=60)
            np.testing.assert_array_equal(images, arrays["train_images"])
            np.testing.assert_array_equal(labels, arrays["test_labels"])
    assert server.downloads(NAME) == 1
    assert [path.name for path in (root / "mnist").iterdir()] == ["3.0.1"]
    assert [path.suffix for path in sorted(cache.iterdir())] == [".npz", ".lock"]


def test_killed_process_leaves_nothing_in_the_way(
    server: LocalServer, source: ImageSource, arrays: dict[str, np.ndarray], tmp_path: Path
) -> None:
    root, cache = tmp_path / "tfds", tmp_path / "cache"
    server.hold_after = {NAME: 500}
    process = multiprocessing.get_context("spawn").Process(
        target=load_into, args=(source, root, cache)
    )
    process.start()
    part = source.download_folder(root) / f"{NAME}.part"
    deadline = time.monotonic() + 15  # less than a silent server is given
    while not (part.exists() and part.stat().st_size == 500):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    scratch = source.download_folder(root) / "incomplete" / "mnist" / "3.0.1"
    scratch.mkdir(parents=True)
    (scratch / "dataset_info.json").write_text("{}")
    server.hold_after = {}
    images, _ = load_into(source, root, cache)
    np.testing.assert_array_equal(images, arrays["train_images"])
    assert server.requests[-1][1] is None
    assert (NAME, "bytes=500-") in server.requests
    assert not scratch.exists()
