"""The files of a run, as anybody may have changed them: read, or refused in one sentence."""

import contextlib
import dataclasses
import json
import math
import os
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.comparison.saved import read_group
from rnnjax.errors import UsageError
from rnnjax.experiment import Experiment, result, saved
from rnnjax.runs.checkpoints import Checkpoints
from rnnjax.runs.folder import RunFolder, read_config, read_metrics, read_result
from rnnjax.runs.resumption import finished_result, open_run
from rnnjax.training import settings as settings_module
from tests.runs.changing import with_changed

WORDS = '{"words": ["film", "good"]}\n'
DATA = {
    "name": "digits",
    "origin": "a file",
    "warning": None,
    "files": saved.digests({"vocabulary.json": WORDS}),
}
HISTORY = [
    {
        "step": step, "train_loss": 0.5, "test_loss": math.nan, "test_accuracy": 0.75, "skipped": 1,
        "sd": {"test_loss": math.nan}, "eval_seconds": 0.25,
        "seeds": {"train_loss": [0.5, 0.5], "test_loss": [0.5, math.inf],
                  "test_accuracy": [0.5, 1.0]},
    }
    for step in (0, 9)
]  # fmt: skip
RESULT = {
    "task": "task", "steps": 10, "num_params": 7, "train_seconds": 1.5, "test_loss": math.inf,
    "test_accuracy": 0.75, "sd": {"test_loss": math.nan, "test_accuracy": 0.1},
    "runs": {"test_loss": [0.5, math.inf], "test_accuracy": [0.5, 1.0], "diverged": [False, True]},
}  # fmt: skip
FILES = ("config.json", "result.json", "metrics.jsonl", "vocabulary.json")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(settings_module.Config):
    sweep: Sequence[str] = settings_module.setting((), "several")
    steps: int | None = settings_module.setting(10, "updates")


TASK = Experiment(name="task", config=Config, problem=lambda *_: pytest.fail("nothing is learnt"))


def config(folder, **more):
    return Config(**({"workdir": str(folder), "num_seeds": 2, "sweep": ["a=1"]} | more))


def write_run(folder):
    """A run that has come to its end."""
    run = open_run("task", config(folder), DATA, pytest.fail)
    run.begin_log(HISTORY[:1])
    run.log(HISTORY[1])
    run.write_result(RESULT)
    saved.write_files(run.path, {"vocabulary.json": WORDS})


@pytest.fixture
def run(tmp_path):
    write_run(tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture(autouse=True)
def precision_stays(monkeypatch):
    monkeypatch.setattr(saved, "set_precision", lambda config: None)


READERS = {
    "config": lambda folder: read_config(folder),
    "result": lambda folder: read_result(folder),
    "metrics": lambda folder: read_metrics(folder),
    "settings": lambda folder: saved.saved_config(config(folder, eval_only=True)),
    "the end": lambda folder: finished_result("task", config(folder)),
    "the end, shown": lambda folder: result.is_finished(TASK, config(folder)),
    "resumption": lambda folder: open_run("task", config(folder), DATA, str) and None,
    "a group": lambda folder: read_group("task", config(folder), 2, "test"),
    "vocabulary": lambda folder: saved.read_file(config(folder), "vocabulary.json"),
}


def contents(folder):
    """Of all files but those that say who has the folder."""
    files = [p for p in folder.iterdir() if p.is_file() and p.name not in (".lock", ".owner")]
    return {path: without_id(path.read_bytes()) for path in files}


def without_id(content):
    """An older run is given an id when it goes on."""
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(content)
        if isinstance(found, dict) and "flags" in found:
            left = {k: v for k, v in found.items() if k not in ("run_id", "adopted_checkpoints")}
            return json.dumps(left)
    return content


def read_everything(folder):
    """Has every reader read the run; gives the sentences of those that refuse it."""
    before = contents(folder)
    refusals = {}
    for name, read in READERS.items():
        with contextlib.redirect_stdout(None):
            try:
                read(folder)
            except UsageError as error:
                refusals[name] = str(error)
    assert contents(folder) == before
    for sentence in refusals.values():
        assert "\n" not in sentence
        assert len(sentence) < 1500, sentence
        assert sentence.endswith((".", "train again"))
    return refusals


def test_a_run_is_read_by_all_and_by_other_programs(run):
    assert read_everything(run) == {}
    assert repr(read_metrics(run)) == repr(HISTORY)
    result = finished_result("task", config(run))
    assert result is not None
    assert repr(result["sd"]) == repr(RESULT["sd"])
    for name in FILES:
        text = (run / name).read_text("utf-8")
        assert text.endswith("\n")
        for line in text.splitlines() if name.endswith("l") else [text]:
            json.loads(line, parse_constant=pytest.fail)
    assert not list(run.glob("*.part"))


def test_a_run_from_before_is_read(run):
    saved = json.loads((run / "config.json").read_text())
    del saved["format"]
    del saved["flags"]["max_skipped"]
    (run / "config.json").write_text(json.dumps(saved))
    lines = (run / "metrics.jsonl").read_text()
    (run / "metrics.jsonl").write_text(
        lines.replace('"NaN"', "NaN").replace('"Infinity"', "Infinity")
    )
    assert read_everything(run) == {}
    assert repr(read_metrics(run)) == repr(HISTORY)


def test_a_run_of_a_later_version_is_refused(run):
    saved = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({"format": 2, "what": saved}))
    refused = read_everything(run)
    assert refused.keys() == READERS.keys() - {"result", "metrics"}
    assert all("written by a later version of rnnjax (format 2" in r for r in refused.values())


TEXTS = {
    "nothing": b"", "a list": b"[]\n", "null": b"null\n", "a number": b"3", "an object": b"{}",
    "half": b'{"flags": {"see', "not UTF-8": b'{"flags": "\xff\xfe"}', "zip": b"PK\x03\x04\x00\x00",
    "deep lists": b"[" * 100_000, "deep objects": b'{"flags":' * 100_000,
    "deep": b'{"flags":' + b"[" * 900 + b"]" * 900 + b"}", "digits": b"1" * 100_000,
    "another program's": b'{"architectures": ["LSTM"], "hidden_size": 8, "format": "x"}',
    "UTF-16": '{"flags": {}}'.encode("utf-16"),
}  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("name", FILES)
def test_other_content_is_refused(run, name, text):
    (run / name).write_bytes(TEXTS[text])
    refused = read_everything(run)
    assert refused
    assert all(str(run / name) in sentence for sentence in refused.values())


def as_pipe(path):
    os.mkfifo(path)


def as_folder(path):
    path.mkdir()


def as_link_to_itself(path):
    path.symlink_to(path)


def as_huge(path):
    with open(path, "wb") as file:
        file.truncate(2**40)


@pytest.mark.parametrize("make", [as_pipe, as_folder, as_huge, as_link_to_itself])
@pytest.mark.parametrize("name", FILES)
def test_what_is_no_file_is_refused_at_once(run, name, make):
    (run / name).unlink()
    make(run / name)
    for read in READERS.values():
        with contextlib.redirect_stdout(None), contextlib.suppress(UsageError):
            read(run)
    own = {"config.json": "config", "result.json": "result", "metrics.jsonl": "metrics"}
    with pytest.raises(UsageError, match=name):
        READERS[own.get(name, "vocabulary")](run)


def places(value, path=()):
    """Every place in a JSON value, from the whole to its leaves."""
    yield path
    if isinstance(value, dict | list):
        names = value if isinstance(value, dict) else range(len(value))
        for name in names:
            yield from places(value[name], (*path, name))


NUMBERS = st.integers() | st.floats() | st.sampled_from([10**30, 2**63, -(2**64), 10**400])
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text() | st.just("\ud800") | st.just("[/red]"),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3),
)


@st.composite
def changes(draw):
    """A file, and what it is to hold."""
    name = draw(st.sampled_from(FILES))
    lines = [json.loads(line) for line in CONTENT[name]]
    index = draw(st.integers(0, len(lines) - 1))
    path = draw(st.sampled_from(list(places(lines[index]))))
    new = draw(ANYTHING if not path else st.just(...) | ANYTHING)
    lines[index] = with_changed(lines[index], path, new)
    return name, "\n".join(map(json.dumps, lines))


CONTENT: dict[str, list[str]] = {}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("original") / "run"
    write_run(folder)
    for name in FILES:
        text = (folder / name).read_text()
        CONTENT[name] = text.splitlines() if name.endswith("l") else [text]
    return folder


def change_and_read(folder, change):
    name, text = change
    (folder / name).write_text(text)
    try:
        read_everything(folder)
    finally:
        before = "\n".join(CONTENT[name]) + "\n"
        (folder / name).write_text(before)


@settings(max_examples=60)
@given(st.data())
def test_anything_in_any_place_is_read_or_refused(original, data):
    change_and_read(original, data.draw(changes()))


@pytest.mark.slow
@settings(max_examples=1_500)
@given(st.data())
def test_anything_in_any_place_at_length(original, data):
    change_and_read(original, data.draw(changes()))


@pytest.mark.parametrize(
    ("name", "path", "new", "place"),
    [
        ("config.json", ("flags", "learning_rate"), "x",
         'flags.learning_rate: expected a number, found "x"'),
        ("config.json", ("flags", "seed"), 1.5, "flags.seed: expected a whole number, found 1.5"),
        ("config.json", ("flags", "eval_only"), None, "flags.eval_only: expected true or false"),
        ("config.json", ("flags", "clip_norm"), [], "flags.clip_norm: expected a number or null"),
        ("config.json", ("flags", "sweep"), [3], "flags.sweep[0]: expected a string, found 3"),
        ("config.json", ("flags", "hidden_size"), -1, "--hidden_size must be at least 1, not -1"),
        ("config.json", ("dataset",), ..., "dataset: expected an object, found nothing"),
        ("config.json", ("dataset", "name"), ..., "dataset.name: expected a string, found nothing"),
        ("config.json", ("versions", "jax"), 3, "versions.jax: expected a string, found 3"),
        ("config.json", ("devices",), "cpu", "devices: expected a list"),
        ("result.json", ("test_loss",), None, "test_loss: expected a number, found null"),
        ("result.json", ("steps",), "ten", "steps: expected a whole number"),
        ("result.json", ("sd",), [], "sd: expected an object, found []"),
        ("result.json", ("runs", "diverged"), [True], "runs.diverged: expected a list of 2"),
        ("result.json", ("runs", "test_loss", 1), "x", "runs.test_loss[1]: expected a number"),
        ("metrics.jsonl", ("step",), 1.5, "line 1: step: expected a whole number, found 1.5"),
        ("metrics.jsonl", ("seeds", "test_loss"), [1.0], "line 1: seeds.test_loss: expected a "),
        ("metrics.jsonl", ("train_loss",), {}, "line 1: train_loss: expected a number, found {}"),
    ],
)  # fmt: skip
def test_the_file_and_the_place_are_named(run, name, path, new, place):
    first, *others = (run / name).read_text().splitlines() if name.endswith("l") else [
        (run / name).read_text()
    ]  # fmt: skip
    changed = json.dumps(with_changed(json.loads(first), path, new))
    (run / name).write_text("\n".join([changed, *others]))
    refused = read_everything(run)
    assert any(f"{run / name}: {place}" in sentence for sentence in refused.values()), refused


def test_a_run_of_another_script_is_refused(run):
    changed = with_changed(json.loads((run / "config.json").read_text()), ("flags", "lag"), 3)
    (run / "config.json").write_text(json.dumps(changed))
    with pytest.raises(UsageError, match=r"holds a run of task with settings .* \(lag\)"):
        saved.saved_config(config(run, eval_only=True))


def test_a_manifest_that_is_a_pipe_is_no_manifest(tmp_path):
    checkpoints = Checkpoints(tmp_path, tell=str)
    (tmp_path / "checkpoints" / "5").mkdir(parents=True)
    os.mkfifo(tmp_path / "checkpoints" / "5" / "SHA256SUMS")
    assert checkpoints.newest() is None


def test_a_folder_without_a_run_is_said_to_be_so(tmp_path):
    with pytest.raises(UsageError, match="holds no run"):
        read_config(tmp_path)
    assert read_result(tmp_path) is None
    RunFolder(tmp_path)
    with pytest.raises(UsageError, match=r"metrics.jsonl is not there; move result.json away"):
        read_metrics(tmp_path)
