from __future__ import annotations

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


@pytest.fixture
def prepared(server: LocalServer, source: ImageSource, tmp_path: Path) -> Path:
    """A TFDS folder with the synthetic data prepared in it."""
    root = tmp_path / "tfds"
    load_images(source, root, cache_dir=tmp_path / "first_cache")
    return root
