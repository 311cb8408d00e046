from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnjax.data import mnist
from rnnjax.data.image_sources import FASHION_MNIST, ImageSource
from rnnjax.data.mnist import load, load_images
from rnnjax.errors import DataError, DataUnavailableError
from tests.data.local_server import LocalServer
from tests.data.synthetic import Arrays, assert_holds, make_arrays, make_files, make_source
from tests.data.tfrecord_folder import as_tfrecord


def test_downloads_prepares_and_keeps_the_published_order(
    server: LocalServer, source: ImageSource, arrays: Arrays, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int | None]] = []
    data = load(
        "mnist",
        tmp_path / "new",
        sources={"mnist": source},
        progress=lambda *args: told.append(args),
    )
    assert_holds(data, arrays)
    assert (data.name, data.warning) == ("mnist", None)
    assert data.class_names == tuple("0123456789")
    folder = tmp_path / "new" / "mnist" / "3.0.1"
    assert data.origin == f"{server.url}, prepared in {folder}"
    assert ("preparing mnist train", 40, 40) in told
    assert ("decoding mnist test", 12, 12) in told
    assert not list((tmp_path / "new").rglob("*incomplete*"))


def test_prints_nothing(
    source: ImageSource, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    load_images(source, tmp_path / "new")
    assert capfd.readouterr() == ("", "")


def test_second_start_reads_the_cache_alone(
    server: LocalServer, source: ImageSource, arrays: Arrays, prepared: Path, tmp_path: Path
) -> None:
    requests = len(server.requests)
    told: list[tuple[str, int, int | None]] = []
    data = load_images(
        source,
        prepared,
        cache_dir=tmp_path / "first_cache",
        progress=lambda *args: told.append(args),
    )
    assert_holds(data, arrays)
    assert data.origin == f"the prepared TFDS folder {prepared / 'mnist' / '3.0.1'}"
    assert (told, len(server.requests)) == ([], requests)


def test_tfds_reads_what_was_prepared(arrays: Arrays, prepared: Path) -> None:
    import tensorflow_datasets as tfds

    ours = tfds.builder_from_directory(prepared / "mnist" / "3.0.1").info
    stock = tfds.builder("mnist", data_dir=prepared / "elsewhere").info
    assert ours.supervised_keys == stock.supervised_keys
    assert repr(ours.features) == repr(stock.features)
    records: Any = tfds.data_source("mnist", split="train", data_dir=prepared, download=False)
    images = {record["image"][..., 0].tobytes(): record["label"] for record in records}
    expected = zip(arrays["train_images"], arrays["train_labels"], strict=True)
    assert images == {image.tobytes(): label for image, label in expected}


def test_order_of_tfds_is_the_known_one() -> None:
    from rnnjax.data.records import published_order

    # In this order the training images of mnist/3.0.1 have their published MD5 again,
    # 6bbc9ace898e44ae57da46a324031adb with the header of the IDX file.
    order = published_order("train", 60_000)
    assert order[:5].tolist() == [16399, 1680, 47917, 17307, 27051]
    assert sorted(order) == list(range(60_000))
    assert published_order("test", 10_000)[:3].tolist() == [9933, 5669, 163]


def test_folder_is_found_where_tfds_looks(
    source: ImageSource,
    arrays: Arrays,
    prepared: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    folder = prepared / "mnist" / "3.0.1"
    data = load_images(source, folder)
    assert_holds(data, arrays)
    assert data.origin == f"the prepared TFDS folder {folder}"
    monkeypatch.setenv("TFDS_DATA_DIR", str(prepared))
    assert load_images(source).origin.endswith(str(folder))
    monkeypatch.delenv("TFDS_DATA_DIR")
    home = tmp_path / "home" / "tensorflow_datasets"
    shutil.copytree(prepared, home)
    assert load_images(source).origin.endswith(str(home / "mnist" / "3.0.1"))


@pytest.mark.parametrize("shards", [1, 3])
def test_tfrecord_folder_is_read(
    source: ImageSource, arrays: Arrays, prepared: Path, shards: int
) -> None:
    as_tfrecord(prepared / "mnist" / "3.0.1", shards)
    assert_holds(load_images(source, prepared), arrays)


def test_fashion_mnist_comes_the_same_way(tmp_path: Path) -> None:
    arrays = make_arrays(seed=1)
    server = LocalServer(make_files(arrays))
    try:
        source = make_source(server.files, server.url, like=FASHION_MNIST)
        data = load("fashion_mnist", tmp_path, sources={"fashion_mnist": source})
    finally:
        server.close()
    assert_holds(data, arrays)
    assert (data.name, data.class_names[9]) == ("fashion_mnist", "Ankle boot")
    labels = tmp_path / "fashion_mnist" / "3.0.1" / "label.labels.txt"
    assert labels.read_text().split("\n")[:2] == ["T-shirt/top", "Trouser"]


@pytest.mark.parametrize("existing", [True, False])
@pytest.mark.parametrize("dataset", ["mnist", "auto"])
def test_named_folder_without_data_or_network_fails_in_one_message(
    source: ImageSource, closed_url: str, tmp_path: Path, dataset: str, existing: bool
) -> None:
    offline = make_source(make_files(make_arrays()), closed_url)
    root = tmp_path / "named"
    if existing:
        root.mkdir()
    with pytest.raises(DataUnavailableError) as caught:
        load(dataset, root, sources={"mnist": offline})
    for part in (
        f"not prepared in {root / 'mnist' / '3.0.1'}",
        f"{closed_url}: Connection refused",
        "--data_dir",
        "TFDS_DATA_DIR",
        "t10k-labels-idx1-ubyte.gz",
        str(root / "downloads" / "rnnjax" / "mnist-3.0.1"),
    ):
        assert part in str(caught.value)
    assert root.exists() == existing
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_files_put_there_by_hand_need_no_network(
    server: LocalServer, arrays: Arrays, closed_url: str, tmp_path: Path
) -> None:
    offline = make_source(server.files, closed_url)
    downloads = offline.download_folder(tmp_path)
    downloads.mkdir(parents=True)
    for name, contents in server.files.items():
        (downloads / name).write_bytes(contents)
    assert_holds(load_images(offline, tmp_path), arrays)


def test_file_in_place_of_the_folder_is_refused(source: ImageSource, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("not a folder")
    with pytest.raises(DataError, match="is a file, where a folder"):
        load("auto", tmp_path / "a", sources={"mnist": source})
    assert (tmp_path / "a").read_text() == "not a folder"


def test_place_that_cannot_be_written_is_said(
    source: ImageSource, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "downloads").write_text("in the way")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(DataUnavailableError, match=f"cannot be prepared in {tmp_path}"):
        load("mnist", sources={"mnist": source})


def test_auto_falls_back_on_the_digits_and_says_so(closed_url: str, tmp_path: Path) -> None:
    offline = make_source(make_files(make_arrays()), closed_url)
    data = load("auto", sources={"mnist": offline})
    assert data.name == "digits"
    assert data.warning is not None
    assert data.warning.startswith("MNIST IS NOT USED: the 1,797 digits")
    assert f"{closed_url}: Connection refused" in data.warning
    assert load("digits").warning is None
    np.testing.assert_array_equal(data.test_images, load("digits").test_images)


def test_auto_takes_mnist_where_a_mirror_answers(source: ImageSource, arrays: Arrays) -> None:
    data = load(sources={"mnist": source})
    assert (data.name, data.warning) == ("mnist", None)
    assert_holds(data, arrays)


def test_unknown_name_is_refused() -> None:
    with pytest.raises(DataError, match="no data set 'minst'; take one of auto, mnist, fashion"):
        load("minst")


def test_published_sources_are_those_of_tfds() -> None:
    import tensorflow_datasets as tfds

    for name, source in mnist.SOURCES.items():
        stock: Any = tfds.builder_cls(name)
        assert str(stock.VERSION) == source.version
        published = {url: (info.size, info.checksum) for url, info in stock.url_infos.items()}
        ours = {source.mirrors[0] + file.name: (file.size, file.sha256) for file in source.files}
        assert ours == published
        assert source.splits == (("train", 60_000), ("test", 10_000))
