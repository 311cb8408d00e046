"""Runs on several devices and in several processes have the losses of a run on one device."""

import signal

import pytest

from rnnjax.devices.layout import Layout
from rnnjax.errors import UsageError
from tests.parallel.runs import metrics, run_of, start_apart, start_together, without_noise
from tests.survival.runs import Run, finished_checkpoints

ROUNDING = 1e-10
"""Sums over a batch are taken in another order, and differ in the last bits of float64."""


def assert_close(found, expected):
    assert [m["step"] for m in found] == [m["step"] for m in expected]
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=ROUNDING)


@pytest.mark.slow
def test_eight_devices_in_a_process(alone, tmp_path, monkeypatch):
    experiment, expected = alone
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "8")
    said = run_of(experiment, tmp_path / "run", "--num_devices=8").finish()
    assert "devices  cpu:0, cpu:1, cpu:2, cpu:3, cpu:4, cpu:5, cpu:6, cpu:7" in said
    assert_close(metrics(tmp_path / "run"), expected)


@pytest.mark.slow
def test_two_processes(alone, tmp_path):
    experiment, expected = alone
    run = run_of(experiment, tmp_path / "run")
    (code, said), (other_code, other_said) = [p.wait() for p in start_together(run, 2)]
    assert (code, other_code) == (0, 0), said + other_said
    assert "after" in said
    assert without_noise(other_said) == "", "the first process alone says what happens"
    assert_close(metrics(run.folder), expected)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits") / "run"
    run_of("mnist_rnn", folder).finish()
    return metrics(folder)


@pytest.mark.slow
def test_a_killed_process_is_missed_and_any_number_goes_on(digits, tmp_path):
    """Two processes, one of them killed; then four, told to stop; then one with one device."""
    run = run_of("mnist_rnn", tmp_path / "run")
    slowly = "--checkpoint_every=1"
    two = start_together(run, 2, slowly)
    assert two[0].wait_until(lambda folder: len(finished_checkpoints(folder)) > 1), two[0].wait()
    two[1].process.kill()
    code, said = two[0].wait()
    assert code == 1, said
    assert "error: another process of this run has stopped" in said
    assert two[1].wait()[0] == -signal.SIGKILL
    assert len(metrics(run.folder)) < len(digits)

    four = start_together(run, 4, slowly)
    before = max(finished_checkpoints(run.folder))
    assert four[0].wait_until(lambda folder: max(finished_checkpoints(folder), default=0) > before)
    four[2].process.terminate()
    said = [process.wait() for process in four]
    assert [code for code, _ in said] == [143] * 4, said
    assert f"resumed  after {before} of 60 updates" in said[0][1]
    assert "which are saved; go on with" in said[0][1]

    last = run.finish("--resume=must", "--num_devices=1")
    assert "resumed  after" in last
    assert "this run was begun elsewhere" in last
    assert_close(metrics(run.folder), digits)


@pytest.mark.slow
def test_a_process_that_never_comes_is_named_in_words(tmp_path):
    run = run_of("mnist_rnn", tmp_path / "run", "--startup_timeout=3")
    first = start_together(run, 2)
    first[1].process.kill()
    first[1].wait()
    code, said = first[0].wait()
    assert code == 1
    assert "error: all 2 processes were not there after 3 s; start each with" in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_a_mistake_ends_all_processes_with_its_sentence(tmp_path):
    Run("mnist_rnn", ("--dataset=digits", "--steps=1"), tmp_path / "run").finish()
    run = Run("mnist_rnn", ("--dataset=digits", "--steps=2"), tmp_path / "run")
    for code, said in [process.wait() for process in start_together(run, 2)]:
        assert code == 2, said
        assert "steps is 1 there and 2 here" in said
        assert "Traceback" not in said


def test_a_batch_that_can_not_be_divided_is_refused():
    with pytest.raises(UsageError) as error:
        Layout.over([None] * 8, batch_size=50)
    assert str(error.value) == (
        "--batch_size=50 can't be divided evenly among 8 devices; choose a multiple of 8, or "
        "--num_devices=5."
    )
    with pytest.raises(UsageError, match=r"among 4 devices; .* or --num_devices=4"):
        Layout.over([None] * 8, num_seeds=2, batch_size=50)


def test_processes_with_different_flags_do_not_begin(tmp_path):
    """One sentence in each of them, and no folder."""
    run = run_of("mnist_rnn", tmp_path / "run")
    flags = ("--seed=0", "--learning_rate=0.1"), ("--seed=1", "--learning_rate=0.2")
    for code, said in [process.wait() for process in start_apart(run, flags)]:
        assert code == 2, said
        assert "--seed is 0 in process 0 and 1 in process 1" in said
        assert "--learning_rate is 0.1 in process 0 and 0.2 in process 1" in said
        assert "Traceback" not in said
    assert not run.folder.exists()
