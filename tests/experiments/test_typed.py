"""Whatever is typed behind the name of a script: settings, or one sentence and code 2.

The quick version reads command lines and estimates what their runs would need, in this process;
the slow one starts the scripts.
"""

import dataclasses
import hashlib
import typing

import jax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments import binary_sequence, imdb_sentiment, language_model, mnist_rnn
from experiments.compare import config_of, task_named
from experiments.comparison.tasks import TASKS
from rnnjax.data import corpora, imdb, mnist
from rnnjax.devices.layout import Layout
from rnnjax.errors import UsageError
from rnnjax.experiment.command_line import read_flags
from rnnjax.training import needs
from rnnjax.training.fields import kind_of
from rnnjax.training.settings import Config
from tests.experiments.starting import start

SCRIPTS = {
    "mnist_rnn": (mnist_rnn.Config, mnist_rnn.PRESETS),
    "binary_sequence": (binary_sequence.Config, binary_sequence.PRESETS),
    "imdb_sentiment": (imdb_sentiment.Config, imdb_sentiment.PRESETS),
    "language_model": (language_model.Config, language_model.PRESETS),
    "compare": (config_of(TASKS["mnist_rnn"]), mnist_rnn.PRESETS),
}
NUMBERS = [
    "0", "-1", "1", "2", "3", "7", "64", "1e3", "nan", "inf", "-inf", "1e400", "1e-400", "-0",
    "0.5", "1.0", " 5", "5_000", "٣", "0x10", "x", "", "1" * 10, "1" + "0" * 30, "9" * 5000,
    "2147483647", "2147483648", "4294967295", "4294967296", "0x" + "f" * 6000,
]  # fmt: skip
TEXTS = [
    "", " ", ".", "-", "~", "~no_such_user/x", "\udcff", "a\0b", "[/red]", ":smile:", "x" * 5000,
    "/proc/self/mem", "/etc/passwd/x", "\n", "é", "auto", "off", "never", "must", "1e-4:1:9", "30s",
]  # fmt: skip
SWEEPS = [
    "learning_rate=-1,nan", "learning_rate=1e-4:1:3", "cell=gru,lstm", "cell=", "=", "steps=\n,9",
    "precision=f64", "hidden_size=1:9:1000000000", "hidden_size=" + "9" * 5000, "workdir=a,b",
]  # fmt: skip
OTHERS = [
    "--", "-", "x", "---", "--=", "=", "--nonsense", "--help", "--helpfull", "--pdb", "--undefok=a",
    "--run_with_pdb", "--profile_file=x", "--only_check_args", "--flagfile=/no/such/file",
    "--flagfile=/", "--verbosity=x", "--logger_levels=:", "--log_dir=/no/such/folder", "--steps",
]  # fmt: skip


def flags_of(config_type):
    """Strategies for command lines: each flag with values that fit, or not."""
    hints = typing.get_type_hints(config_type)

    def one(field):
        choices = [*(field.metadata["choices"] or ())]
        if field.name == "sweep":
            values = st.sampled_from(SWEEPS)
        elif kind_of(hints[field.name]) is bool:
            values = st.sampled_from(["true", "false", "maybe", ""])
        elif kind_of(hints[field.name]) is str:
            values = st.sampled_from(TEXTS + choices) | st.text(max_size=9)
        else:
            values = st.sampled_from(NUMBERS) | st.integers().map(str) | st.floats().map(str)
        return values.map(lambda value: f"--{field.name}={value}")

    of_fields = st.one_of([one(field) for field in dataclasses.fields(config_type)])
    return st.lists(of_fields | st.sampled_from(OTHERS), min_size=1, max_size=4)


def outcome(name, arguments):
    """The settings, or what was said instead, or None where help was shown."""
    config_type, presets = SCRIPTS[name]
    try:
        return read_flags(config_type, presets, [name, *arguments])
    except UsageError as error:
        return str(error)
    except SystemExit as stop:
        return None if not stop.code else f"ended with code {stop.code}"


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_command_line_is_read_or_refused(name, capsys):
    accepted = 0

    @settings(max_examples=150)
    @given(flags_of(SCRIPTS[name][0]))
    def check(arguments):
        nonlocal accepted
        found = outcome(name, arguments)
        if isinstance(found, str):
            assert found.isprintable()
            assert 10 < len(found) < 600
        accepted += isinstance(found, Config)

    check()
    assert name == "compare" or accepted, "some of them are sound"


@given(st.lists(st.sampled_from([*OTHERS, "--task", "--task=", "-task=é"]), max_size=5))
def test_the_task_can_be_anything(arguments):
    assert task_named(arguments).name in TASKS


LITTLE = 10**7
"""Bytes of memory of a machine, so that little is made."""

SIZES = {
    "mnist_rnn": (
        "hidden_size", "num_layers", "batch_size", "num_seeds", "seed", "steps", "epochs", "cell",
        "precision", "initialization", "average", "optimizer",
    ),
    "imdb_sentiment": (
        "hidden_size", "embedding_size", "hidden_units", "num_words", "max_length", "eval_length",
        "length_groups", "num_validation", "batch_size", "padding", "mask", "pooling", "num_seeds",
    ),
    "binary_sequence": (
        "hidden_size", "batch_size", "lag", "window", "row_length", "carry_state", "num_seeds",
    ),
    "language_model": (
        "hidden_size", "num_layers", "embedding_size", "tied", "batch_size", "window", "eval_rows",
        "num_seeds", "dropout", "uniform", "cell",
    ),
}  # fmt: skip
DATA = {
    "mnist_rnn": lambda: mnist.load("digits"),
    "imdb_sentiment": lambda: imdb.load("grammar"),
    "binary_sequence": lambda: None,
    "language_model": lambda: corpora.load("brackets"),
}
EXPERIMENTS = {**TASKS, "language_model": language_model.EXPERIMENT}


@pytest.mark.parametrize("name", SIZES)
def test_what_a_run_needs_is_known_before_it_begins(name, monkeypatch):
    """Nothing that is refused is made first; what is let through is small here, and is made."""
    config_type, _ = SCRIPTS[name]
    fields = {field.name: field for field in dataclasses.fields(config_type)}
    hints = typing.get_type_hints(config_type)
    sizes = {"num_layers": 3, "num_seeds": 2}  # more would take their time
    data = DATA[name]()
    monkeypatch.setattr(needs, "machine_memory", lambda: LITTLE)

    def values_of(field):
        metadata = fields[field].metadata
        if metadata["choices"]:
            return st.sampled_from([*metadata["choices"]])
        kind = kind_of(hints[field])
        if kind is bool:
            return st.booleans()
        if kind is float:
            return st.floats(0.1, 0.9)
        low, high = metadata["at_least"], min(metadata["at_most"], sizes.get(field, 2**32))
        return st.sampled_from([n for n in (low, low + 1, 7, 10**6, high) if low <= n <= high])

    @settings(max_examples=8)
    @given(st.fixed_dictionaries({}, optional={n: values_of(n) for n in SIZES[name]}))
    def check(given):
        try:
            config = config_type(**given)
            layout = Layout.over(
                jax.devices()[:1], num_seeds=config.num_seeds, batch_size=config.batch_size
            )
            task = EXPERIMENTS[name].problem(config, layout, data)
        except UsageError:
            return
        assert task.needs is not None
        assert task.needs.memory <= LITTLE

    check()


def contents(folder):
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_end_with_code_0_or_2_and_touch_nothing(name, tmp_path):
    """Nothing trains here: all that is there before is there afterwards."""
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "thesis.txt").write_text("mine")
    (tmp_path / "checkpoints" / "photo.png").write_text("mine too")
    before = contents(tmp_path)
    end = ["--sweep=cell=gru,lstm", "--only_check_args"] if name == "compare" else ["--dry_run"]
    data = {
        "mnist_rnn": "digits", "compare": "digits", "imdb_sentiment": "grammar",
        "language_model": "brackets",
    }.get(name)  # fmt: skip
    end += [f"--workdir={tmp_path}", *([f"--dataset={data}"] if data else [])]

    @settings(max_examples=3)
    @given(flags_of(SCRIPTS[name][0]))
    def check(arguments):
        # The system passes no zero bytes on.
        done = start(name, *(a.replace("\0", "") for a in arguments), *end)
        assert done.returncode in (0, 2), (arguments, done.stderr)
        assert "Traceback" not in done.stdout + done.stderr
        assert contents(tmp_path) == before

    check()
