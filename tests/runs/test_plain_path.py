"""Runs in folders of any name."""

import os
import tempfile

import pytest

from rnnjax.errors import StorageError
from rnnjax.runs.plain_path import is_plain, plain
from tests.runs.saving import names, newest, save

NAMES = [
    "exp[1]", "**", "~", "a b", "a%20b", "ünï 日本", "a\nb", "gs:", "'\"`$HOME`", "-", "x" * 255,
    "\udcff",
]  # fmt: skip
MORE_NAMES = [
    "[", "a]b", "a*b", "a?b", "~nobody", " ", "%", "a#b", "a\\b", "a\\", "file:", "s3:/x", "a:b",
    "{x,y}", "!x", "a|b&c;d", "<>", "--flag",
]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [*NAMES, *(pytest.param(name, marks=pytest.mark.slow) for name in MORE_NAMES)],
    ids=ascii,
)
def test_what_is_saved_in_a_folder_of_any_name_is_read_again(tmp_path, name):
    run = tmp_path / name / "run"
    run.mkdir(parents=True)
    # What a pattern would take for the same.
    for neighbour in ("exp1", "axb", "a", "a/b"):
        (tmp_path / neighbour / "run" / "checkpoints").mkdir(parents=True, exist_ok=True)
    assert save(run, 1, 2, keep=1) == []
    assert newest(run) == (2, [])
    assert names(run) == ["2"]
    renamed = tmp_path / "renamed"
    run.rename(renamed)
    assert newest(renamed) == (2, [])


def test_a_path_that_is_nearly_too_long(tmp_path):
    """Orbax's own names lie deeper than the run's, and would not fit."""
    path = tmp_path
    while len(str(path)) < 3700:
        path = path / ("x" * 100)
    os.makedirs(path)
    save(path, 1)
    assert newest(path) == (1, [])


def test_links_are_gone_afterwards_and_plain_paths_need_none(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with plain(tmp_path / "exp[1]" / "1") as path:
        assert is_plain(path)
        assert path.parent.is_symlink()
    assert list(tmp_path.iterdir()) == []
    with plain(tmp_path / "run") as path:
        assert path == tmp_path / "run"


def test_where_no_temporary_folder_will_do_it_is_said(tmp_path, monkeypatch):
    (tmp_path / "[1]").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "[t]"))
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(StorageError, match="no temporary folder has a plain name"):
        save(tmp_path / "[1]", 1)
