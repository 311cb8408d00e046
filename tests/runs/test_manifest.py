"""What a manifest finds out, and what it leaves in peace."""

import os
import shutil
import subprocess

import pytest

from rnnjax.runs.manifest import NAME, find_damage, find_strangers, write_manifest


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "folder"
    (folder / "b").mkdir(parents=True)
    (folder / "a").write_text("1")
    (folder / "b" / "c d").write_text("2")
    write_manifest(folder)
    assert find_damage(folder) is None
    return folder


def test_a_flipped_bit_anywhere_in_the_manifest_is_found(folder):
    manifest = folder / NAME
    content = manifest.read_bytes()
    for position in range(len(content)):
        flipped = bytearray(content)
        flipped[position] ^= 1 << position % 8
        manifest.write_bytes(flipped)
        assert find_damage(folder) is not None, position
    manifest.write_bytes(content)
    assert find_damage(folder) is None


def test_a_manifest_that_ends_too_early_is_found(folder):
    content = (folder / NAME).read_bytes()
    for length in range(len(content)):
        (folder / NAME).write_bytes(content[:length])
        assert find_damage(folder) is not None, length


def test_the_manifests_of_earlier_versions_are_read(folder):
    lines = (folder / NAME).read_text().splitlines(keepends=True)
    (folder / NAME).write_text("".join(lines[1:]))
    assert find_damage(folder) is None
    (folder / "a").write_text("3")
    assert find_damage(folder) == "is damaged (a)"


def add_file(folder):
    (folder / "b" / ".DS_Store").write_text("")
    return ["b/.DS_Store"]


def add_folder(folder):
    (folder / "mine").mkdir()
    return ["mine"]


def add_link(folder):
    (folder / "link").symlink_to("/")
    return ["link"]


def add_pipe(folder):
    os.mkfifo(folder / "pipe")
    return ["pipe"]


@pytest.mark.parametrize("add", [add_file, add_folder, add_link, add_pipe])
def test_what_others_have_put_there_is_no_damage_and_is_named(folder, add):
    assert find_strangers(folder) == []
    names = add(folder)
    assert find_damage(folder) is None
    assert find_strangers(folder) == names


def replaced_by_a_pipe(path):
    path.unlink()
    os.mkfifo(path)


def replaced_by_a_folder(path):
    path.unlink()
    path.mkdir()


def replaced_by_a_link_to_nothing(path):
    path.unlink()
    path.symlink_to("nowhere")


@pytest.mark.parametrize("name", ["a", NAME])
@pytest.mark.parametrize(
    "replace", [replaced_by_a_pipe, replaced_by_a_folder, replaced_by_a_link_to_nothing]
)
def test_what_is_no_file_is_damage_and_is_not_waited_for(folder, name, replace):
    replace(folder / name)
    assert find_damage(folder) is not None


def test_nothing_outside_of_the_folder_is_looked_at(folder):
    (folder.parent / "outside").write_text("1")
    digest = (folder / NAME).read_text().splitlines()[1][:64]
    for name in ("../outside", str(folder.parent / "outside")):
        (folder / NAME).write_text(f"{digest}  {name}\n")
        assert find_damage(folder) is not None


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="it is not installed")
def test_sha256sum_reads_it(folder):
    subprocess.run(["sha256sum", "--check", "--strict", NAME], cwd=folder, check=True)
