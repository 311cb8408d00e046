"""A small training that is killed, stopped, damaged and starved, and ends as if nothing had been.

The long proof, with random moments, is ``python -m tests.survival``.
"""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.experiments.starting import ROOT
from tests.survival.runs import Run, differences, finished_checkpoints, is_saving

FLAGS = (
    "--dataset=digits",
    "--hidden_size=8",
    "--batch_size=32",
    "--steps=400",
    "--eval_every=150",
    "--average=0.9",
    "--clip_norm=1",
)
OFTEN = "--checkpoint_every=20"


def newest(run):
    return max(finished_checkpoints(run.folder), default=-1)


def stop(run, number):
    """Sends a signal when there is a checkpoint more than before."""
    before = newest(run)
    running = run.start(OFTEN)
    assert running.wait_until(lambda _: newest(run) > before), running.wait()
    running.process.send_signal(number)
    return running.wait()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    run = Run("mnist_rnn", FLAGS, tmp_path_factory.mktemp("whole") / "run")
    run.finish()
    return run.folder


@pytest.mark.slow
def test_a_run_survives_everything_that_comes_in_its_way(whole, tmp_path):
    run = Run("mnist_rnn", FLAGS, tmp_path / "run")

    running = run.start(OFTEN)
    assert running.wait_until(lambda folder: newest(run) > 0 and is_saving(folder)), running.wait()
    running.process.kill()
    assert running.wait()[0] == -signal.SIGKILL
    assert not (run.folder / "result.json").exists()

    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        before = newest(run)
        got, said = stop(run, number)
        assert got == code, said
        assert f"resumed  after {before} of 400 updates" in said
        assert f"after {newest(run)} updates, which are saved; go on with\n" in said
        assert f"--workdir={run.folder}" in said.splitlines()[-1]
        assert "Traceback" not in said
        assert not is_saving(run.folder)

    before = newest(run)
    code, said = run.start(OFTEN, largest_file=2000).wait()
    assert code == 1, said
    assert said.count("could not be written") == 1
    assert said.splitlines()[-1].startswith("error: "), said
    assert "Traceback" not in said
    assert newest(run) == before

    said = run.finish("--eval_only")
    assert f"step {before - 1:>6}" in said

    flip_a_bit(run.folder / "checkpoints" / str(before))
    older = finished_checkpoints(run.folder)[-2]
    said = run.finish("--resume=must")
    assert f"warning: the checkpoint {run.folder}/checkpoints/{before} is damaged (" in said
    assert f"resumed  after {older} of 400 updates" in said
    assert differences(whole, run.folder) == []
    lines = (run.folder / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [0, 150, 300, 399]

    result = (run.folder / "result.json").read_bytes()
    assert "this run has finished: test loss" in run.finish()
    assert (run.folder / "result.json").read_bytes() == result


@pytest.mark.slow
def test_a_run_goes_on_when_its_reader_has_gone(whole, tmp_path):
    run = Run("mnist_rnn", FLAGS, tmp_path / "run")
    running = run.start(OFTEN)
    running.wait_for("devices")
    with running.process as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 0, said
    assert said.count("standard output can't be written to (Broken pipe)") == 1
    assert "Traceback" not in said
    assert differences(whole, run.folder) == []


def flip_a_bit(checkpoint):
    largest = max(
        (p for p in (checkpoint / "state").rglob("*") if p.is_file()), key=os.path.getsize
    )
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 16
    largest.write_bytes(content)


@pytest.mark.slow
def test_comparing_finds_a_single_bit(whole, tmp_path):
    """Another seed's run differs everywhere, so the comparison above means something."""
    other = Run("mnist_rnn", (*FLAGS, "--seed=1"), tmp_path / "run")
    other.finish()
    found = differences(whole, other.folder)
    assert {"metrics.jsonl", "result.json"} <= set(found)
    assert len(found) > 10


@pytest.mark.slow
def test_nan_ends_the_run_and_the_operation_is_named(tmp_path):
    flags = (*FLAGS, "--optimizer=sgd", "--learning_rate=3e38")
    flags = tuple(f for f in flags if not f.startswith("--clip_norm"))
    code, said = Run("mnist_rnn", flags, tmp_path / "run").start("--debug_nans").wait()
    assert code == 1, said
    assert "Traceback" not in said
    message = said[said.index("error: ") :]
    assert "was NaN or infinite at step " in message
    assert "encountered in " in message
    assert ".py, line " in message


BUSY = """
import hashlib
from rnnjax.runs.interruption import Interruption
with Interruption(lambda line: print(line, flush=True)):
    print("ready", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # many minutes without a look at signals
"""


def test_a_second_ctrl_c_stops_at_once_even_in_the_middle_of_a_computation():
    with subprocess.Popen(
        [sys.executable, "-c", BUSY], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline().startswith("Ctrl-C: finishing the current chunk")
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 130
        finally:
            process.kill()
