"""An export that something has cut off, at every moment, and the same export again."""

import errno
import os

import pytest

from rnnjax.errors import ExportError
from rnnjax.export import check_folder
from rnnjax.export import unfinished as module
from rnnjax.export.unfinished import LIST, fill, find_others
from tests.runs.saving import contents

FILES = {"model.onnx": b"1" * 100, "params.safetensors": b"2" * 100, "README.md": b"3"}


class Killed(BaseException):
    pass


def cut_off(folder, monkeypatch, moment, failure):
    """Fills a folder until the disk was asked for something so many times; whether it ended."""
    count = 0

    def counted(function):
        def call(*arguments):
            nonlocal count
            count += 1
            if count == moment:
                raise failure
            return function(*arguments)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", counted(os.fsync))
        patch.setattr(os, "replace", counted(os.replace))
        patch.setattr(os, "unlink", counted(os.unlink))
        try:
            fill(folder, FILES)
        except (Killed, OSError):
            return False
    return True


def test_one_that_was_killed_is_begun_anew(tmp_path, monkeypatch):
    for moment in range(1, 100):
        folder = tmp_path / str(moment)
        if cut_off(folder, monkeypatch, moment, Killed()):
            break
        assert find_others(folder) == []
        assert check_folder(folder) == folder
        fewer = {name: FILES[name] + b"other" for name in list(FILES)[:2]}
        fill(folder, fewer)
        assert contents(folder) == fewer
    assert moment > 12


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_one_that_failed_leaves_nothing(tmp_path, monkeypatch, number):
    for moment in range(1, 100):
        folder = tmp_path / str(moment)
        folder.mkdir()
        if cut_off(folder, monkeypatch, moment, OSError(number, "")):
            break
        left = contents(folder)
        assert left == {} or left.keys() == {*FILES, LIST}, "whole, but for the last step"
        assert find_others(folder) == []
    assert moment > 12


def test_what_is_somebody_elses_is_neither_taken_nor_removed(tmp_path, monkeypatch):
    assert not cut_off(tmp_path, monkeypatch, 8, Killed())
    mine = {"thesis.txt": b"mine", "README.md": b"mine", ".README.md.partial": b"mine"}
    for name, content in mine.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "params.safetensors").unlink(missing_ok=True)
    (tmp_path / "params.safetensors").mkdir()
    before = contents(tmp_path)
    assert find_others(tmp_path) == sorted([*mine, "params.safetensors"])
    with pytest.raises(ExportError, match="is not empty"):
        check_folder(tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("text", ["", "x", "# 1 files; checked by sha256sum --check\n", "../a"])
def test_a_list_that_is_none_names_nothing(tmp_path, text):
    (tmp_path / LIST).write_text(text)
    assert find_others(tmp_path) == [LIST]


def test_a_list_reaches_no_further_than_its_folder(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (tmp_path / "mine").write_bytes(b"mine")
    digest = module.digest(tmp_path / "mine")
    (folder / LIST).write_text(module.as_text({"../mine": digest}))
    fill(folder, FILES)
    assert contents(folder) == FILES
    assert (tmp_path / "mine").read_bytes() == b"mine"
