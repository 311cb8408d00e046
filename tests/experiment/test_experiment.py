"""What an experiment says of itself goes together."""

import dataclasses

import pytest

from rnnjax.experiment import Config, Experiment, command, setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class Speaking(Config):
    dataset: str = setting("auto", "which")
    sample: str | None = command("how to begin")


def never(*_):
    raise AssertionError


def test_its_settings_have_what_it_needs():
    whole = {"name": "speech", "problem": never, "load": never, "commands": {"sample": never}}
    assert Experiment(config=Speaking, **whole).commands["sample"] is never


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"load": never}, "speech loads data, so its settings must have a `dataset`"),
        ({"commands": {"sample": never}}, "has a command 'sample', so its settings must have one"),
        ({"commands": {"seed": never}}, "has a command 'seed'"),
    ],
)
def test_what_they_lack_is_said(more, message):
    with pytest.raises(ValueError, match=message):
        Experiment(name="speech", config=Config, problem=never, **more)
