from __future__ import annotations

import json

import jax
import pytest

from experiments import long_memory
from rnnjax.devices.layout import Layout
from rnnjax.errors import UsageError
from tests.experiments.starting import start


@pytest.mark.parametrize(
    ("task", "cell"),
    [("adding", "lstm"), ("copy", "lru"), ("parity", "min_gru"), ("pixel_mnist", "lru")],
)
def test_every_task_has_a_loss_of_each_row(task, cell):
    blocks = cell != "lstm"
    config = long_memory.Config(
        task=task, cell=cell, blocks=blocks, hidden_size=2, length=4, num_train=3,
        dataset="digits", batch_size=3, num_layers=1,
    )  # fmt: skip
    by = {name: getattr(config, name) for name in long_memory.EXPERIMENT.load_by}
    data = long_memory.load("digits", None, **by)
    problem = long_memory.problem(config, Layout.single(), data)
    params = jax.eval_shape(problem.init, jax.random.key(0))
    batch = jax.tree.map(lambda a: a[:3], problem.data)
    losses, _ = jax.eval_shape(problem.loss, params, (), batch, jax.random.key(0))
    assert losses.shape == (3,)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"task": "copy", "test_length": 9}, "is asked at its own length"),
        ({"task": "parity", "shortest": 9}, "--shortest=9 is of --task=adding"),
        ({"length": 5, "shortest": 9}, "at most its --length=5"),
        ({"cell": "lru"}, "is linear in its state"),
        ({"least_radius": 0.9, "largest_radius": 0.8}, "--least_radius=0.9 must be below"),
    ],
)
def test_mistakes_are_told(given, message):
    with pytest.raises(UsageError, match=message):
        long_memory.Config(**given)


def test_linear_cells_come_in_blocks_by_themselves():
    assert long_memory.Config.suited_to({"cell": "min_gru"}) == {"blocks": True}
    assert long_memory.Config.suited_to({"cell": "gru"}) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "picture"),
    [
        (("--task=adding", "--length=20", "--cell=gru", "--steps=400"), "sums"),
        (("--task=parity", "--length=8", "--test_length=12", "--steps=400"), "by_place"),
    ],
)
def test_something_is_remembered(tmp_path, flags, picture):
    run = tmp_path / "run"
    done = start(
        "long_memory", *flags, "--hidden_size=16", "--num_train=2000", "--learning_rate=0.01",
        "--eval_every=200", f"--workdir={run}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = json.loads((run / "result.json").read_text())
    (limit,) = result["baselines"].values()
    assert result["test_loss"] < limit["test_loss"] / 3
    assert "without memory" in done.stdout
    for name in ("curves", picture):
        assert (run / f"{name}.png").stat().st_size > 10_000
    out = tmp_path / "out"
    done = start("long_memory", f"--workdir={run}", f"--export={out}")
    assert done.returncode == 0, done.stderr
