from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rnnjax.data.image_sources import ImageSource
from rnnjax.data.mnist import load_images
from tests.data.local_server import LocalServer
from tests.data.synthetic import make_arrays, make_files, make_source


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keeps what a test forgets to say out of the user's folders."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)


@pytest.fixture
def arrays() -> dict[str, np.ndarray]:
    return make_arrays()


@pytest.fixture
def server(arrays: dict[str, np.ndarray]) -> Iterator[LocalServer]:
    server = LocalServer(make_files(arrays))
    yield server
    server.close()


@pytest.fixture
def source(server: LocalServer) -> ImageSource:
    return make_source(server.files, server.url)


@pytest.fixture
def closed_url() -> str:
    """An address at which nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/"


@pytest.fixture(scope="session")
def _prepared_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    source = make_source(make_files(make_arrays()))
    downloads = source.download_folder(folder / "tfds")
    downloads.mkdir(parents=True)
    for name, contents in make_files(make_arrays()).items():
        (downloads / name).write_bytes(contents)
    load_images(source, folder / "tfds", cache_dir=folder / "first_cache")
    return folder


@pytest.fixture
def prepared(_prepared_once: Path, tmp_path: Path) -> Path:
    """A TFDS folder with the synthetic data prepared in it, and a cache in ``first_cache``."""
    shutil.copytree(_prepared_once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "tfds"
