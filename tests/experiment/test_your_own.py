"""The script in ``docs/your_own_experiment.md``, in a folder of its own, as a user starts it."""

import importlib.machinery
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.survival.runs import Running, differences, finished_checkpoints

ROOT = Path(__file__).parents[2]
MARK = "<!-- script: next_row.py -->\n"
SMALL = ("--cell=simple_rnn", "--hidden_size=4", "--batch_size=100", "--steps=300")
ONE = "--num_devices=1"
OFTEN = "--checkpoint_every=10"


def script():
    (code,) = re.findall(
        f"{MARK}```python\n(.*?)```", (ROOT / "docs/your_own_experiment.md").read_text(), re.DOTALL
    )
    return code


class Folder:
    """An empty folder with the script in it."""

    def __init__(self, path):
        path.mkdir()
        (path / "next_row.py").write_text(script())
        self.path = path

    def start(self, *flags, run="run"):
        environment = os.environ | {"JAX_PLATFORMS": "cpu", "COLUMNS": "120"}
        if not is_installed():
            environment["PYTHONPATH"] = str(ROOT)
        process = subprocess.Popen(
            [sys.executable, "next_row.py", f"--workdir={run}", *flags],
            cwd=self.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        return Running(process, self.path / run)

    def finish(self, *flags, run="run"):
        code, said = self.start(*flags, run=run).wait()
        assert code == 0, said
        return said

    def result(self, run="run"):
        return json.loads((self.path / run / "result.json").read_text())


def is_installed():
    """Whether Python finds the package from anywhere, not only from the repository's folder."""
    outside = [path for path in sys.path if path and Path(path).resolve() != ROOT]
    return importlib.machinery.PathFinder.find_spec("rnnjax", outside) is not None


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return Folder(tmp_path_factory.mktemp("own") / "empty")


@pytest.fixture(scope="module")
def whole(folder):
    """What a run that nobody disturbed says; it lies in ``whole``."""
    return folder.finish("--preset=wide", *SMALL, ONE, run="whole")


def test_it_has_at_most_sixty_lines_which_are_not_wide():
    lines = script().splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 100


@pytest.mark.slow
def test_it_is_killed_goes_on_and_ends_as_if_nothing_had_been(folder, whole):
    assert "baseline the row before: test loss 0.0814 (" in whole
    assert "test mae 0.1683 (" in whole
    running = folder.start("--preset=wide", *SMALL, ONE, OFTEN)
    assert running.wait_until(lambda run: len(finished_checkpoints(run)) > 0), running.wait()
    running.process.kill()
    assert running.wait()[0] == -signal.SIGKILL
    assert not (folder.path / "run/result.json").exists()
    said = folder.finish("--preset=wide", *SMALL, ONE, OFTEN)
    assert re.search(r"resumed  after [1-9]\d* of 300 updates", said), said
    assert differences(folder.path / "whole", folder.path / "run") == []
    result = folder.result()
    assert (result["task"], result["preset"], result["steps"]) == ("next_row", "wide", 300)
    assert result["baselines"]["the row before"]["test_mae"] == pytest.approx(0.16827, abs=1e-5)
    assert (folder.path / "run/curves.png").stat().st_size > 10_000


def test_a_lower_error_beats_the_baseline(folder, whole):
    reached, simple = folder.result("whole"), folder.result("whole")["baselines"]["the row before"]
    for name in ("loss", "mae"):
        beaten = reached[f"test_{name}"] < simple[f"test_{name}"]
        verdict = "(beaten)" if beaten else "(NOT BEATEN by this run)"
        assert f"test {name} {simple[f'test_{name}']:.4f} {verdict}" in whole


@pytest.mark.slow
def test_the_saved_parameters_evaluate_as_before(folder, whole):
    said = folder.finish("--eval_only", ONE, run="whole")
    assert whole[whole.index("step    299") :].split("test loss ")[1].split()[0] in said
    assert f"test mae {folder.result('whole')['test_mae']:.4f}" in said


@pytest.mark.slow
def test_what_is_exported_takes_any_number_of_rows(folder, whole):
    import jax.export

    folder.finish("--export=out", run="whole")
    model = jax.export.deserialize(bytearray((folder.path / "out/model.stablehlo").read_bytes()))
    rows = np.random.default_rng(0).random((3, 5, 8)).astype(np.float32)
    next_rows = model.call(rows)["next_rows"]
    assert next_rows.shape == rows.shape
    assert np.isfinite(next_rows).all()
    later = model.call(rows[:, :2])["next_rows"]
    np.testing.assert_allclose(later, next_rows[:, :2], rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_two_seeds_at_once(folder, whole):
    flags = ("--preset=wide", *SMALL, "--num_seeds=2")
    said = folder.finish(*flags, run="seeds")
    result = folder.result("seeds")
    assert result["seeds"]["seed"] == [0, 1]
    maes = result["seeds"]["test_mae"]
    assert len(set(maes)) == 2
    assert result["test_mae"] == pytest.approx(np.mean(maes))
    assert maes[0] == pytest.approx(folder.result("whole")["test_mae"], rel=1e-3)
    assert f"test mae {result['test_mae']:.4f} ± {result['sd']['test_mae']:.4f}" in said


@pytest.mark.slow
def test_it_stops_and_says_how_to_go_on_and_what_was_mistaken(folder, whole):
    running = folder.start(*SMALL, ONE, OFTEN, run="stopped")
    assert running.wait_until(lambda run: len(finished_checkpoints(run)) > 0), running.wait()
    running.process.send_signal(signal.SIGTERM)
    code, said = running.wait()
    assert code == 143, said
    assert "updates, which are saved; go on with\n  python next_row.py --workdir=stopped" in said
    code, said = folder.start("--preset=narrow", run="none").wait()
    assert (code, said) == (
        2, "error: --preset=narrow is unknown; expected one of: wide.\n",
    )  # fmt: skip
