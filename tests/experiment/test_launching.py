"""Settings: presets, flags and the mistakes that are told."""

import dataclasses

import pytest

from rnnjax.errors import UsageError
from rnnjax.experiment import launching
from rnnjax.experiment.command_line import merge as merge_settings
from rnnjax.training import settings

PROCESSES = {"distributed": True, "coordinator": "a:1", "num_processes": 2, "process_id": 0}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(settings.Config):
    cell: str = settings.setting("gru", "cell", choices=("gru", "lstm"))
    steps: int | None = settings.setting(100, "updates", at_least=1)


PRESETS = {
    "short": {"steps": 10, "hidden_size": 6},
    "passes": {"epochs": 3, "hidden_size": 7},
}


def merge(**given):
    return merge_settings(Config, PRESETS, given)


def test_a_flag_beats_the_preset_and_the_preset_the_default():
    assert merge().hidden_size == 128
    assert merge(preset="short").hidden_size == 6
    assert merge(preset="short", hidden_size=9).hidden_size == 9
    assert merge(preset="short").steps == 10


def test_what_suits_a_setting_beats_the_defaults_only():
    class Suited(Config):
        @classmethod
        def suited_to(cls, given):
            return {"epochs": 4, "num_layers": 2} if given.get("cell") == "lstm" else {}

    def merged(**given):
        config = merge_settings(
            Suited, PRESETS | {"deep": {"cell": "lstm", "num_layers": 3}}, given
        )
        return config.cell, config.num_layers, config.steps, config.epochs

    assert merged() == ("gru", 1, 100, None)
    assert merged(cell="lstm") == ("lstm", 2, None, 4)
    assert merged(cell="lstm", num_layers=5, steps=7) == ("lstm", 5, 7, None)
    assert merged(preset="deep") == ("lstm", 3, None, 4)
    assert merged(preset="deep", cell="gru") == ("gru", 3, 100, None)


@pytest.mark.parametrize(
    ("given", "steps", "epochs"),
    [
        ({}, 100, None),
        ({"epochs": 2}, None, 2),
        ({"preset": "passes"}, None, 3),
        ({"preset": "passes", "steps": 5}, 5, None),
        ({"preset": "short", "epochs": 5}, None, 5),
    ],
)
def test_steps_and_epochs_are_one_setting(given, steps, epochs):
    config = merge(**given)
    assert (config.steps, config.epochs) == (steps, epochs)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"preset": "long"}, "--preset=long is unknown; expected one of: passes, short"),
        ({"cell": "rnn"}, "--cell=rnn is unknown; expected one of: gru, lstm"),
        ({"hidden_size": 0}, "--hidden_size must be at least 1, not 0"),
        ({"num_layers": -1}, "--num_layers must be at least 1, not -1"),
        ({"learning_rate": float("nan")}, "--learning_rate must be a positive number, not nan"),
        ({"learning_rate": 0.0}, "--learning_rate must be a positive number, not 0"),
        ({"clip_norm": float("inf")}, "--clip_norm must be a positive number, not inf"),
        ({"steps": 3, "epochs": 3}, "--steps or --epochs, not both"),
        ({"eval_only": True}, "--eval_only needs --workdir"),
        ({"num_seeds": 0}, "--num_seeds must be at least 1, not 0"),
        ({"precision": "f16"}, "--precision=f16 is unknown; expected one of: bf16, f32, f64"),
        ({"coordinator": "a:1", "distributed": True}, "--process_id go together, and with"),
        (PROCESSES | {"distributed": False}, "--process_id go together, and with --distributed"),
        (PROCESSES | {"coordinator": "node1"}, "--coordinator=node1 is no address; expected host:"),
        (PROCESSES | {"coordinator": "a:b"}, "--coordinator=a:b is no address; expected host:port"),
        (PROCESSES | {"process_id": 2}, "--process_id=2 must be below --num_processes=2"),
    ],
)
def test_mistakes_are_told_in_one_sentence(given, message):
    with pytest.raises(UsageError) as error:
        merge(**given)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("code", [0, 1, 143])
def test_nothing_is_freed_one_by_one_as_a_script_ends(monkeypatch, code):
    order = []
    monkeypatch.setattr(launching, "keep_objects", lambda: order.append("kept"))
    for leave in (
        lambda: launching.end(None, code, True),
        lambda: launching.fail("a mistake", code),
    ):
        with pytest.raises(SystemExit) as exit_:
            leave()
        assert exit_.value.code == code
    assert order == ["kept", "kept"]
