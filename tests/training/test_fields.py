"""Every setting of every script has a range, and says in one sentence what lies outside."""

import dataclasses
import typing
from typing import Any

import pytest

from experiments import binary_sequence, imdb_sentiment, mnist_rnn
from experiments.compare import config_of
from experiments.comparison.tasks import TASKS
from rnnjax.errors import UsageError
from rnnjax.training.fields import LARGEST, MOST, SMALLEST, kind_of, shown
from rnnjax.training.settings import LAST_SEED, Config

CONFIGS = (
    Config,
    mnist_rnn.Config,
    binary_sequence.Config,
    imdb_sentiment.Config,
    *(config_of(task) for task in TASKS.values()),
)
RUN: dict[str, Any] = {"workdir": "x"}


def fields_of_kind(*kinds):
    for config in CONFIGS:
        hints = typing.get_type_hints(config)
        for field in dataclasses.fields(config):
            if kind_of(hints[field.name]) in kinds:
                yield config, field


def test_every_number_has_a_bound_on_either_side():
    without = [
        f"{config.__module__}: {field.name}"
        for config, field in fields_of_kind(int, float)
        if (field.metadata["at_least"] is None) == (field.metadata["above"] is None)
        or max(field.metadata["at_most"], field.metadata["below"] or 0) > LARGEST
    ]
    assert without == []


@pytest.mark.parametrize(
    "value",
    [10**40, -(10**40), pytest.param(16**9000, id="long"), float("nan"), float("inf"), -1],
)
def test_no_number_is_taken_that_is_none_or_has_no_end(value):
    for config, field in fields_of_kind(int, float):
        with pytest.raises(UsageError, match=f"^--{field.name} must ") as error:
            config(**RUN | {field.name: value})
        assert len(str(error.value)) < 120


@pytest.mark.parametrize("value", [True, "7", [], 0.5j])
def test_a_number_is_a_number(value):
    with pytest.raises(UsageError, match=r"^--steps must be a whole number, not "):
        Config(steps=value)
    with pytest.raises(UsageError, match=r"^--learning_rate must be a number, not "):
        Config(learning_rate=value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"seed": 2**32}, "--seed must be at most 4,294,967,295, not 4294967296."),
        ({"seed": LAST_SEED, "num_seeds": 2}, "goes beyond the last seed, 4,294,967,295."),
        ({"num_seeds": 1_000_000}, "--num_seeds must be at most 10,000, not 1000000."),
        ({"steps": 10**12}, "--steps must be at most 2,147,483,647, not 1000000000000."),
        ({"hidden_size": 10**30}, "not a number of about 31 digits."),
        ({"learning_rate": SMALLEST / 2}, "--learning_rate must be at least 1.18e-38, not "),
        ({"learning_rate": 1e300}, "--learning_rate must be at most 3.4e+38, not 1e+300."),
        ({"learning_rate": -0.0}, "--learning_rate must be a positive number, not -0.0."),
        ({"average": 1.0}, "--average must lie between 0 and 1, not at 1.0."),
        ({"average": float("nan")}, "--average must lie between 0 and 1, not at nan."),
        ({"workdir": ""}, "--workdir is empty; "),
        ({"export": " ", "workdir": "x"}, "--export is empty; "),
        ({"data_dir": "~no_such_user/x"}, "begins in a home folder that can't be found"),
        ({"workdir": "a\udcff"}, "--workdir=a\\udcff holds bytes that are no UTF-8"),
        ({"cell": "\udcff"}, "--cell=\\udcff holds bytes that are no UTF-8"),
        ({"workdir": "a\0"}, "--workdir holds a zero byte"),
        ({"cell": "x" * 5000}, f"{'x' * 97}... is unknown; "),
        ({"shuffle": "yes"}, "--shuffle must be true or false, not yes."),
        ({"coordinator": 3}, "--coordinator must be a text, not 3."),
    ],
)
def test_what_is_out_of_range_is_told_in_one_sentence(given, message):
    with pytest.raises(UsageError) as error:
        mnist_rnn.Config(**given)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_the_ends_of_the_ranges_are_within():
    Config(seed=LAST_SEED, steps=MOST, learning_rate=LARGEST, initial_scale=SMALLEST)
    Config(seed=LAST_SEED - 1, num_seeds=2, max_skipped=MOST)


COMMANDS: dict[str, Any] = {"eval_only": True, "export": "out", "dry_run": True, "predict": "good"}


@pytest.mark.parametrize("first", COMMANDS)
@pytest.mark.parametrize("second", COMMANDS)
def test_a_run_has_one_command(first, second):
    given = {name: COMMANDS[name] for name in (first, second)} | RUN
    if first == second:
        config = imdb_sentiment.Config(**given)
        assert config.commands == [first]
        assert not config.trains
        return
    with pytest.raises(UsageError, match=r"^--\w+ and --\w+ are two things to do; ") as error:
        imdb_sentiment.Config(**given)
    assert f"--{first} " in str(error.value)
    assert f"--{second} " in str(error.value)


@pytest.mark.parametrize("name", ["eval_only", "export", "predict"])
@pytest.mark.parametrize("resume", ["must", "never"])
def test_how_to_resume_is_a_question_of_training(name, resume):
    with pytest.raises(UsageError, match=f"--resume={resume} says how training goes on, but with"):
        imdb_sentiment.Config(**RUN, **{name: COMMANDS[name]}, resume=resume)
    with pytest.raises(UsageError, match=f"--{name} needs --workdir, the folder of a run"):
        imdb_sentiment.Config(**{name: COMMANDS[name]})


def test_a_value_is_shown_in_full_where_it_is_short():
    assert [shown(v) for v in (3, -3, True, 0.5, "gru")] == ["3", "-3", "True", "0.5", "gru"]
