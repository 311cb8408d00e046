"""Several seeds at once are what each of them is alone."""

import json

import numpy as np
import pytest

from rnnjax.devices.layout import Layout
from tests.parallel.runs import SMALL, metrics, run_of
from tests.survival.runs import Run

ROUNDING = 1e-10
"""Products of matrices are grouped otherwise, and differ in the last bits of float64."""


@pytest.mark.slow
@pytest.mark.parametrize("experiment", SMALL)
def test_each_seed_equals_its_single_run(experiment, tmp_path, monkeypatch):
    singles = [metrics_of(experiment, tmp_path / str(seed), f"--seed={seed}") for seed in (3, 4)]
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", "2")  # one for each seed
    both = metrics_of(experiment, tmp_path / "both", "--seed=3", "--num_seeds=2", "--num_devices=2")
    for one, other, together in zip(*singles, both, strict=True):
        for name in one:
            if name == "step":
                assert one[name] == together[name]
                continue
            values = [one[name], other[name]]
            assert together["seeds"][name] == pytest.approx(values, rel=ROUNDING)
            assert together[name] == pytest.approx(np.mean(values), rel=ROUNDING)
            assert together["sd"][name] == pytest.approx(np.std(values, ddof=1), abs=1e-9)
    result = json.loads((tmp_path / "both" / "result.json").read_text())
    assert result["seeds"]["seed"] == [3, 4]
    accuracies = [
        json.loads((tmp_path / str(seed) / "result.json").read_text())["test_accuracy"]
        for seed in (3, 4)
    ]
    assert result["seeds"]["test_accuracy"] == pytest.approx(accuracies)
    assert result["test_accuracy"] == pytest.approx(np.mean(accuracies))
    assert result["seed"] == 3


def metrics_of(experiment, folder, *more):
    run_of(experiment, folder, *more).finish()
    return metrics(folder)


@pytest.mark.slow
def test_a_run_of_several_seeds_is_evaluated_exported_and_goes_on(tmp_path):
    flags = ("--dataset=digits", "--hidden_size=8", "--steps=30", "--num_seeds=3")
    run = Run("mnist_rnn", flags, tmp_path / "run")
    said = run.finish()
    assert "seeds    0 to 2, at once" in said
    accuracy = json.loads((run.folder / "result.json").read_text())["test_accuracy"]
    assert f"test accuracy {accuracy:.4f} ± " in said
    again = run.finish("--eval_only")
    assert f"test accuracy {accuracy:.4f} ± " in again
    assert f"test accuracy {accuracy:.4f} ± " in run.finish(), "the run has finished"
    assert "differs from the model by" in run.finish(f"--export={tmp_path / 'model'}")


def test_keys_and_parts_are_those_of_the_single_runs():
    several = Layout.over([*Layout.over().mesh.devices.flat][:1], num_seeds=3)
    one = Layout.over([*Layout.over().mesh.devices.flat][:1])
    for keys, alone in zip(several.keys(5, 2), one.keys(6, 2), strict=True):
        assert several.part(keys, 1) == alone
        assert several.part(keys, 0) != alone
