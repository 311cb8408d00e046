"""Where data are looked for, and what stands there instead."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnnjax.data import mnist
from rnnjax.data.image_sources import ImageSource
from rnnjax.data.source import data_root, find_prepared
from rnnjax.errors import DataError, DataUnavailableError
from tests.data.damage import NO_FILES
from tests.data.local_server import LocalServer
from tests.data.no_home import without_home
from tests.data.synthetic import make_arrays, make_files, make_source


def test_no_home_and_no_name_is_no_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without_home(monkeypatch)
    monkeypatch.chdir(tmp_path)
    source = make_source(make_files(make_arrays()), "http://127.0.0.1:9/")
    data = mnist.load("auto", sources={"mnist": source})
    assert data.name == "digits"
    assert data.warning is not None
    assert "There is no home folder to look for data in; name a folder with" in data.warning
    with pytest.raises(DataUnavailableError, match="no home folder"):
        mnist.load("mnist", sources={"mnist": source})
    with pytest.raises(DataError, match="home"):
        mnist.load("mnist", "~nobody-of-this-name/data", sources={"mnist": source})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", [kind for kind in NO_FILES if kind not in ("nothing", "folder")])
@pytest.mark.parametrize("where", ["", "mnist", "mnist/3.0.1"])
def test_what_is_no_folder_is_refused(
    server: LocalServer, source: ImageSource, tmp_path: Path, kind: str, where: str
) -> None:
    path = tmp_path / "tfds" / where
    path.parent.mkdir(parents=True, exist_ok=True)
    NO_FILES[kind](path)
    before = len(server.requests)
    with pytest.raises(DataError, match=r"is a (file|link to nowhere), where a folder") as caught:
        mnist.load("mnist", tmp_path / "tfds", sources={"mnist": source})
    assert len(server.requests) == before
    assert str(caught.value).startswith(f"{path} is")
    assert "--data_dir" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_prepared_folder_without_description_is_damaged(
    source: ImageSource, tmp_path: Path
) -> None:
    folder = tmp_path / "mnist" / "3.0.1"
    (folder / "dataset_info.json").mkdir(parents=True)
    with pytest.raises(DataError, match=r"is damaged: it has no dataset_info\.json"):
        find_prepared(source, data_root(tmp_path))


START = """
import sys
from pathlib import Path
from tests.data.synthetic import make_arrays, make_files, make_source
from rnnjax.data.mnist import load_images
root, cache = map(Path, sys.argv[1:])
load_images(make_source(make_files(make_arrays())), root, cache_dir=cache)
print(*[name for name in ("tensorflow_datasets", "array_record") if name in sys.modules])
"""


def test_start_from_the_cache_imports_no_reader(prepared: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", START, str(prepared), str(tmp_path / "first_cache")],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "\n"
    assert done.stderr == ""
