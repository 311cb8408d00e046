"""What a run takes over from the run of another script, and what it does not."""

from __future__ import annotations

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.errors import UsageError
from rnnjax.experiment.building import beginning_with
from rnnjax.experiment.pretrained import pretrained
from rnnjax.experiment.saved import digests
from rnnjax.runs.checkpoints import Checkpoints
from rnnjax.runs.identity import Identity
from rnnjax.training.settings import Config, setting

WORDS = {"symbols.json": '["a", "b"]\n'}
LEARNT = {
    "embedding": {"embedding": np.arange(6, dtype=np.float32).reshape(2, 3)},
    "rnn": {"w": np.ones((3, 4), np.float32)},
    "softmax": {"w": np.zeros((4, 2), np.float32)},
}
ASKED = {
    "task": "language_model", "names": ("embedding", "rnn"), "same": ("hidden_size",),
    "files": WORDS,
}  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(Config):
    pretrained: str | None = setting(None, "a run")


def init(key):
    shapes = {**LEARNT, "to_logit": np.zeros(4, np.float32)}
    del shapes["softmax"]
    return jax.tree.map(lambda a: jax.random.normal(key, a.shape), shapes)


def write(folder, learnt=LEARNT, **flags):
    identity = Identity.new()
    config = {
        "flags": {"task": "language_model", "hidden_size": 4} | flags,
        "dataset": {"name": "x", "files": digests(WORDS)},
        "versions": {}, "devices": [], "run_id": identity.run_id,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    for name, text in WORDS.items():
        (folder / name).write_text(text)
    checkpoints = Checkpoints(folder, identity, tell=pytest.fail)
    checkpoints.begin()
    checkpoints.save(1, {"step": np.array(1)}, learnt, params_step=1, record={})
    checkpoints.wait()
    return Settings(hidden_size=4, pretrained=str(folder))


def test_the_layers_of_another_run_are_what_a_run_begins_with(tmp_path):
    found = pretrained(write(tmp_path), init, **ASKED)
    assert found.keys() == {"embedding", "rnn"}
    begun = beginning_with(init, found)(jax.random.key(1))
    for name in found:
        jax.tree.map(np.testing.assert_array_equal, begun[name], LEARNT[name])
    np.testing.assert_array_equal(begun["to_logit"], init(jax.random.key(1))["to_logit"])
    with pytest.raises(ValueError, match=r"rnn has the shapes .* and was given"):
        beginning_with(init, {"rnn": {"w": jnp.ones((3, 5))}})(jax.random.key(1))


def test_of_several_seeds_it_is_the_first(tmp_path):
    several = jax.tree.map(lambda a: np.stack((a, a + 1)), LEARNT)
    found = pretrained(write(tmp_path, several, num_seeds=2), init, **ASKED)
    jax.tree.map(np.testing.assert_array_equal, found["rnn"], LEARNT["rnn"])


def test_nothing_is_read_where_nothing_is_named_or_trained(tmp_path):
    assert pretrained(Settings(), init, **ASKED) == {}
    gone = Settings(pretrained=str(tmp_path / "gone"), workdir="run", eval_only=True)
    assert pretrained(gone, init, **ASKED) == {}


def test_a_run_that_does_not_fit_is_refused_in_one_sentence(tmp_path):
    def refused(config, message, **asked):
        with pytest.raises(UsageError, match=message) as error:
            pretrained(config, init, **(ASKED | asked))
        assert "\n" not in str(error.value)
        assert str(error.value).count("--pretrained=") == 1

    config = write(tmp_path)
    refused(Settings(pretrained=str(tmp_path / "gone")), "holds no run")
    refused(config, "holds a run of language_model; name one of mnist", task="mnist")
    larger = dataclasses.replace(config, hidden_size=5)
    refused(larger, "was trained with --hidden_size=4; give the same here")
    other = {"symbols.json": '["a", "c"]\n'}
    refused(config, "was trained with another symbols.json than this data with", files=other)
    refused(config, r"has learnt the to_logit nothing, and here it is", names=("to_logit",))
