"""Reading a checkpoint beside the run that removes it."""

import os
import threading

import pytest

from rnnjax.runs import leases
from rnnjax.runs.checkpoints import Checkpoints, load_params
from rnnjax.runs.manifest import NAME
from tests.runs.saving import PARAMS, RUN, names, params_of, save, state_of


@pytest.mark.parametrize("has_locks", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_reader_beside_a_training_always_succeeds(tmp_path, monkeypatch, has_locks):
    if not has_locks:
        monkeypatch.setattr(leases, "fcntl", None)
    save(tmp_path, 0)
    done = threading.Event()
    failures = []

    def train():
        try:
            checkpoints = Checkpoints(tmp_path, RUN, keep=1, tell=failures.append)
            for step in range(1, 13):
                state = state_of(step), params_of(step)
                checkpoints.save(step, *state, params_step=step, record={})
            checkpoints.wait()
        except Exception as error:
            failures.append(error)
        finally:
            done.set()

    training = threading.Thread(target=train)
    training.start()
    try:
        seen = []
        while not done.is_set():
            step, params = load_params(tmp_path, PARAMS, failures.append, RUN)
            assert (params["w"] == params_of(step)["w"]).all()
            seen.append(step)
    finally:
        training.join()
    assert failures == []
    assert seen == sorted(seen)
    assert len(set(seen)) > 4


def test_what_is_being_read_is_removed_later(tmp_path):
    save(tmp_path, 1)
    with leases.reading(tmp_path / "checkpoints" / "1" / NAME):
        assert save(tmp_path, 2, keep=1) == []
        assert names(tmp_path) == ["1", "2"]
    save(tmp_path, 3, keep=1)
    assert names(tmp_path) == ["3"]


def test_reading_needs_no_rights_to_write(tmp_path):
    save(tmp_path, 1)
    (tmp_path / "checkpoints" / "1" / NAME).chmod(0o400)
    assert load_params(tmp_path, PARAMS, pytest.fail, RUN)[0] == 1
    os.mkfifo(tmp_path / "pipe")
    with leases.reading(tmp_path / "pipe"), leases.reading(tmp_path / "nothing"):
        pass
