"""Only what a run has written itself, and no longer needs, is ever removed."""

import os
import shutil

import hypothesis
import pytest
from hypothesis import strategies as st

from rnnjax.errors import StorageError, UsageError
from rnnjax.runs import checkpoint_items
from rnnjax.runs import checkpoints as module
from rnnjax.runs.checkpoints import Checkpoints, load_params
from rnnjax.runs.identity import ADOPTED, RUN_ID, Identity
from rnnjax.runs.manifest import NAME, write_manifest
from tests.runs.saving import PARAMS, RUN, contents, names, newest, params_of, save, state_of


def test_a_file_of_somebody_else_in_every_checkpoint_harms_nothing(tmp_path):
    save(tmp_path, 5, 6, 7)
    for path in (tmp_path / "checkpoints").iterdir():
        (path / ".DS_Store").write_text("mine")
    before = contents(tmp_path)
    assert newest(tmp_path) == (7, [])
    told = save(tmp_path, 8, 9, keep=1)
    assert before.items() <= contents(tmp_path).items()
    assert names(tmp_path) == ["5", "6", "7", "9"]
    assert len(told) == 3
    assert all("holds what this run did not write (.DS_Store), so it stays" in s for s in told)
    assert newest(tmp_path) == (9, [])


@pytest.fixture(autouse=True, scope="module")
def without_waiting_for_the_disk():
    """No test cuts the power, and a busy disk takes most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


FOREIGN = st.sampled_from(
    [
        "checkpoint_100/model.bin", "100/weights", "7/weights", "7", "9", "9-2/a", "6/.DS_Store",
        "6/state/notes", "6/state/d/more", "8.orbax-checkpoint-tmp/state/d", "latest", "007/x",
        f".saving-{RUN.run_id}-00000000/notes", f".saving-{RUN.run_id}-00000000/state/d/notes",
        ".saving-somebody-00000000/state/_METADATA", ".removed-None-00000000/_METADATA",
        "9.orbax-checkpoint-tmp", "8/", "9/", "6/state/empty/",
    ]
)  # fmt: skip


@hypothesis.given(st.lists(FOREIGN, min_size=1, max_size=6), st.booleans())
def test_whatever_others_have_put_there_is_left(tmp_path_factory, made, damaged):
    run = tmp_path_factory.mktemp("run")
    save(run, 6)
    for name in made:
        put(run / "checkpoints" / name, is_folder=name.endswith("/"))
    if damaged:
        (run / "checkpoints" / "6" / "_CHECKPOINT_METADATA").write_text("other")
    before = contents(run)
    kept = {k: v for k, v in before.items() if not (k + "/").startswith("checkpoints/6/")}
    with_mine = damaged or any(name.startswith("6/") for name in made)
    save(run, 7, 9, keep=1)
    after = contents(run)
    assert (before if with_mine else kept).items() <= after.items()
    assert with_mine or "checkpoints/6/state" not in after, "its own, which nobody has touched"
    assert newest(run)[0] == 9


def put(path, is_folder):
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(exist_ok=True) if is_folder else path.write_text("mine")
    except OSError:
        pass  # something that was put there before is in the way


def a_file(path):
    path.write_text("mine")


def an_empty_folder(path):
    path.mkdir()


def a_folder(path):
    path.mkdir()
    (path / "weights").write_text("mine")


def a_link_to_nothing(path):
    path.symlink_to("nowhere")


def another_run(path):
    save(path.parents[1] / "other", int(path.name), identity=Identity.new())
    shutil.move(path.parents[1] / "other" / "checkpoints" / path.name, path)


def a_damaged_one(path):
    save(path.parents[1], int(path.name))
    (path / "state" / "_METADATA").write_text("{}")


def one_without_a_manifest(path):
    save(path.parents[1], int(path.name))
    (path / NAME).unlink()


IN_THE_WAY = [
    a_file, an_empty_folder, a_folder, a_link_to_nothing, another_run, a_damaged_one,
    one_without_a_manifest,
]  # fmt: skip


@pytest.mark.parametrize("stand", IN_THE_WAY)
def test_what_stands_in_the_place_of_a_checkpoint_is_stepped_round(tmp_path, stand):
    save(tmp_path, 1)
    stand(tmp_path / "checkpoints" / "9")
    before = contents(tmp_path)
    told = save(tmp_path, 9)
    assert any("so this checkpoint is in" in sentence for sentence in told)
    assert before.items() <= contents(tmp_path).items()
    assert newest(tmp_path)[0] == 9
    # It is there now, and isn't saved a third time.
    assert names(tmp_path) == ["1", "9", "9-2"]
    save(tmp_path, 9)
    assert names(tmp_path) == ["1", "9", "9-2"]


@pytest.mark.parametrize("stand", [a_file, a_link_to_nothing])
def test_where_there_can_be_no_checkpoints_the_run_does_not_begin(tmp_path, stand):
    stand(tmp_path / "checkpoints")
    before = contents(tmp_path)
    with pytest.raises(StorageError, match=r"checkpoints can't be made \(File exists\)"):
        save(tmp_path, 1)
    assert contents(tmp_path) == before


def test_own_unfinished_writes_are_cleared_away_and_others_are_not(tmp_path):
    save(tmp_path, 1)
    folder = tmp_path / "checkpoints"
    for name in (f".saving-{RUN.run_id}-0a0a0a0a", f".removed-{RUN.run_id}-0b0b0b0b"):
        shutil.copytree(folder / "1", folder / name)
    half = folder / f".saving-{RUN.run_id}-0c0c0c0c.orbax-checkpoint-tmp"
    shutil.copytree(folder / "1" / "state", half / "state.orbax-checkpoint-tmp")
    others = [".saving-other-0a0a0a0a", "8.orbax-checkpoint-tmp", ".saving--0a0a0a0a"]
    for name in others:
        shutil.copytree(folder / "1", folder / name)
    (folder / f".saving-{RUN.run_id}-0d0d0d0d").symlink_to(folder / others[0])
    (told,) = save(tmp_path)
    assert names(tmp_path) == sorted(["1", f".saving-{RUN.run_id}-0d0d0d0d", *others])
    assert "holds what this run did not write, which stays there: " in told


def test_checkpoints_of_another_run_or_of_other_settings_are_not_taken(tmp_path):
    other = Identity.new({"task": "t", "seed": 1})
    save(tmp_path, 5, identity=other)
    step, (told,) = newest(tmp_path)
    assert step is None
    assert "checkpoints/5 is another run's; it stays as it is" in told
    changed = Identity(other.run_id, {"task": "t", "seed": 0})
    step, (told,) = newest(tmp_path, changed)
    assert step is None
    assert "is of a run with other settings: seed is 1 there and 0 here" in told
    with pytest.raises(UsageError, match="holds no sound checkpoint"):
        load_params(tmp_path, PARAMS, lambda _: None, RUN)
    assert newest(tmp_path, other) == (5, [])


def test_checkpoints_from_before_runs_had_an_id(tmp_path):
    old = Identity(None)
    save(tmp_path, 4, 5, identity=old, keep=1)
    assert names(tmp_path) == ["5"], "what it has saved just now is surely its own"
    assert newest(tmp_path, old) == (5, [])
    assert newest(tmp_path)[0] is None, "a run that has an id"
    adopted = Identity.recorded({RUN_ID: RUN.run_id, ADOPTED: ["5"]}, {})
    assert newest(tmp_path, adopted) == (5, [])
    save(tmp_path, 6, 7, identity=adopted, keep=1)
    assert names(tmp_path) == ["5", "7"], "nothing proves whose the first one is"


def test_what_does_not_come_back_is_not_vouched_for(tmp_path, monkeypatch):
    save(tmp_path, 1)
    read = checkpoint_items.read_item

    def altered(folder, item, like):
        arrays = read(folder, item, like)
        return arrays if item == "state" else {"w": arrays["w"] + 1}

    monkeypatch.setattr(checkpoint_items, "read_item", altered)
    with pytest.raises(StorageError, match="what was written is not what comes back"):
        save(tmp_path, 2)
    monkeypatch.undo()
    assert names(tmp_path) == ["1"]
    assert newest(tmp_path) == (1, [])


def test_a_record_that_can_not_be_read_is_stepped_round(tmp_path):
    save(tmp_path, 1, 2, 3, 4, keep=4)
    for step, text in ((2, "[]"), (3, "{"), (4, "[" * 100_000)):
        path = tmp_path / "checkpoints" / str(step)
        (path / "record" / "metadata").write_text(text)
        (path / NAME).unlink()
        write_manifest(path)
    step, told = newest(tmp_path)
    assert step == 1
    assert [f"checkpoints/{n} can't be read" in s for n, s in zip((4, 3, 2), told[:3], strict=True)]


def test_a_folder_that_is_gone_is_not_made_again(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    owned = [True]

    def check():
        if not owned[0]:
            raise StorageError("no longer yours")

    checkpoints = Checkpoints(run, RUN, tell=pytest.fail, check=check)
    checkpoints.begin()
    shutil.rmtree(run)
    # The folder may be deleted between the look and the write.
    checkpoints.save(1, state_of(1), params_of(1), params_step=1, record={})
    with pytest.raises(StorageError):
        checkpoints.wait()
    owned[0] = False
    with pytest.raises(StorageError, match="no longer yours"):
        checkpoints.save(1, state_of(1), params_of(1), params_step=1, record={})
    assert not run.exists()


@pytest.mark.parametrize("moment", ["write_items", "write_manifest"])
def test_what_is_deleted_while_it_is_written_is_told(tmp_path, monkeypatch, moment):
    """Before the run's folder itself is gone, as ``rm -r`` does it."""
    save(tmp_path, 1)
    function = getattr(module, moment)

    def deleted(*arguments):
        function(*arguments)
        shutil.rmtree(tmp_path / "checkpoints")
        raise OSError("the first file that is missed")

    monkeypatch.setattr(module, moment, deleted)
    with pytest.raises(StorageError, match="something in it was deleted meanwhile"):
        save(tmp_path, 2)
    assert contents(tmp_path) == {}


def test_names_that_are_no_steps(tmp_path):
    save(tmp_path, 1)
    for name in ("٣", "1" * 200, "-1", "2-1000000", "1-0", "2.0"):
        (tmp_path / "checkpoints" / name).mkdir()
    assert newest(tmp_path) == (1, [])
    assert os.path.isdir(tmp_path / "checkpoints" / "٣")
