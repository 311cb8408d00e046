"""What is recorded beside a checkpoint's arrays: strict JSON, read or refused in one sentence."""

import json
import math
from pathlib import Path

import jax.numpy as jnp
import pytest

from rnnjax.devices.layout import Layout
from rnnjax.errors import UsageError
from rnnjax.runs.checkpoints import Checkpoints, load_params
from rnnjax.training import run_state
from rnnjax.training.loop import TrainState
from tests.runs.changing import with_changed

STATE = TrainState(jnp.int32(3), jnp.zeros(2), (), ())


@pytest.mark.parametrize(
    ("path", "new", "place"),
    [
        ((), [], "expected an object, found []"),
        ((), None, "expected an object, found null"),
        (("history",), ..., "history: expected a list, found nothing"),
        (("history", 0), 3, "history[0]: expected an object, found 3"),
        (("history", 0, "step"), "x", "history[0].step: expected a whole number"),
        (("best",), [1.0], "best: expected a list of 2, found [1.0]"),
        (("loss_sum",), {}, "loss_sum: expected a number or a list, found {}"),
        (("train_seconds",), None, "train_seconds: expected a number, found null"),
    ],
)
def test_the_record_of_a_checkpoint_has_a_shape(tmp_path, monkeypatch, path, new, place):
    record = {
        "params_step": 3, "best": [0.5, 2], "history": [{"step": 2, "test_loss": "NaN"}],
        "loss_sum": 0.5, "loss_count": 1, "train_seconds": 1.0, "compile_seconds": 2.0,
    }  # fmt: skip
    checkpoints = Checkpoints(tmp_path)
    monkeypatch.setattr(checkpoints, "newest", lambda: 3)
    like = ((STATE, None), record)
    monkeypatch.setattr(checkpoints, "restore", lambda step, state: like)
    run = run_state.begin(STATE, Layout.single())
    assert run.restore(checkpoints)
    assert math.isnan(run.history[0]["test_loss"])
    assert run.best == run_state.Best(0.5, 2)
    like = ((STATE, None), with_changed(record, path, new))
    with pytest.raises(UsageError) as refused:
        run.restore(checkpoints)
    assert f"{Path('checkpoints', '3', 'record')}: {place}" in str(refused.value)


def test_the_record_that_is_saved_is_strict_json(tmp_path):
    saved = []
    run = run_state.begin(STATE, Layout.single())
    run.history.append({"step": 0, "train_loss": math.nan})
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save = lambda *arrays, record, **_: saved.append(record)
    run.save(checkpoints, keep_best=False)
    json.dumps(saved[0], allow_nan=False)
    assert saved[0]["history"] == [{"step": 0, "train_loss": "NaN"}]


def test_the_step_of_saved_parameters_is_a_number(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    step: int = "x"  # pyright: ignore[reportAssignmentType]
    checkpoints.save(1, jnp.zeros(1), jnp.zeros(2), params_step=step, record={})
    checkpoints.wait()
    with pytest.raises(UsageError, match=r"record: params_step: expected a whole number, found"):
        load_params(tmp_path, jnp.zeros(2))
