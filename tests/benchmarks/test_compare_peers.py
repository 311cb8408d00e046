"""The command as a user starts it, and the processes behind it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import compare_peers, convert, memory
from benchmarks.measure import Group
from benchmarks.peers import OURS, Settings
from benchmarks.runs import Runner, _attempt
from benchmarks.whole_runs.schedule import pieces
from benchmarks.work import rows_named

ROOT = Path(__file__).parents[2]


def start(*arguments):
    return subprocess.run(
        [sys.executable, "benchmarks/compare_peers.py", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        env=os.environ | {"COLUMNS": "80"},
    )


@pytest.mark.slow
def test_the_whole_command(tmp_path):
    done = start(
        "--work=lstm-2x3x4.train,gru-stream", "--peers=flax_linen", "--rounds=3",
        "--min_seconds=0.001", f"--out={tmp_path}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "peers.json").read_text())
    assert set(results["rows"]) == {"lstm-2x3x4.train", "gru-stream.step"}
    assert results["machine"]["versions"].keys() >= {"jax", "flax", "optax"}
    for row in results["rows"].values():
        assert row["floor"]["seconds"] > 0
        for side in (OURS, "flax_linen"):
            measured = row["sides"][side]
            assert measured["status"] == "timed"
            assert len(measured["rounds"]) == 3
            assert 0 < measured["seconds"]["q1"] <= measured["seconds"]["q3"] < 1
            assert measured["first_call_seconds"] > measured["seconds"]["median"]
            assert measured["fraction_of_floor"] > 0
        ours, theirs = (row["sides"][side]["rounds"] for side in (OURS, "flax_linen"))
        pairs = sorted(a / b for a, b in zip(ours, theirs, strict=True))
        assert row["sides"]["flax_linen"]["ratio"]["median"] == pairs[1]
    assert (tmp_path / "peers.png").stat().st_size > 10_000
    assert "gru-stream.step" in done.stdout


@pytest.fixture(scope="module")
def group():
    with Group([OURS, "flax_linen"], Settings(threads=1), lambda text: None) as made:
        yield made


@pytest.mark.slow
def test_who_computes_something_else_is_not_timed(group, monkeypatch):
    convert_to = convert.to_side

    def exchange_gates(side, row, weights):
        if side == "flax_linen":
            weights = weights | {"forward.w_h": weights["forward.w_h"][:, ::-1]}
        return convert_to(side, row, weights)

    monkeypatch.setattr(convert, "to_side", exchange_gates)
    sides = group.measure_row(*rows_named(["lstm-2x3x4.forward"]), 1, 0.001)["sides"]
    assert sides["flax_linen"]["status"] == "disagrees"
    assert "output.0 differs" in sides["flax_linen"]["reason"]
    assert "seconds" not in sides["flax_linen"]
    assert sides[OURS]["status"] == "timed"


@pytest.mark.slow
def test_a_side_that_fails_holds_nobody_up(group, monkeypatch):
    convert_to = convert.to_side

    def forget(side, row, weights):
        arrays = convert_to(side, row, weights)
        return {} if side == "flax_linen" else arrays

    monkeypatch.setattr(convert, "to_side", forget)
    sides = group.measure_row(*rows_named(["lstm-2x3x4.forward"]), 1, 0.001)["sides"]
    assert sides["flax_linen"]["status"] == "failed"
    assert "The model has" in sides["flax_linen"]["reason"]
    assert sides[OURS]["status"] == "timed"


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--work=keras51", "--work=keras51 is unknown; expected one of: keras50"),
        pytest.param(
            "--peers=flax_linen,caffe",
            "--peers=caffe is unknown; expected some of: torch",
            marks=pytest.mark.slow,
        ),
        pytest.param("--rounds=0", "rounds", marks=pytest.mark.slow),
        pytest.param("stray", "stray argument 'stray'", marks=pytest.mark.slow),
    ],
)
def test_mistakes(flag, message, tmp_path):
    done = start(flag, f"--out={tmp_path / 'out'}")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert not (tmp_path / "out").exists()


def test_a_peer_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(compare_peers.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"needs keras and tensorflow, which are not .*\[bench\]"):
        compare_peers.check_peers(["keras_tensorflow"])


def test_peers_come_in_their_fixed_order():
    assert compare_peers.check_peers(["flax_nnx", "flax_linen"]) == ["flax_linen", "flax_nnx"]


@pytest.mark.slow
def test_a_run_that_fails_says_why(tmp_path):
    runner = Runner(tmp_path, data_dir=None)
    found = _attempt(lambda: runner.run_ours("--cell=transformer"))
    assert found["status"] == "failed"
    assert "code 2" in found["reason"]
    assert "transformer" in found["reason"]


def test_whole_runs_evaluate_when_the_article_does():
    whole = pieces(4001)
    assert [piece[-1] for piece in whole] == list(range(0, 4001, 500))
    assert [step for piece in whole for step in piece] == list(range(4001))
    assert [list(piece) for piece in pieces(3)] == [[0], [1, 2]]


def test_the_peak_of_memory_is_forgotten():
    size = 64 * 2**20
    block = bytearray(size)
    high = memory.peak()
    del block
    if memory.forget_peak():
        assert (high or 0) - (memory.peak() or 0) > size // 2
    else:  # a system without /proc, where the benchmark leaves memory out
        assert memory.resident() is None
