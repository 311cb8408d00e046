from __future__ import annotations

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from experiments import long_memory
from rnnjax.data import long_sequences
from rnnjax.devices.layout import Layout
from rnnjax.errors import UsageError
from tests.experiments.starting import start

RNG = np.random.default_rng(0)


def metrics_of(task, answers, targets):
    return long_memory.scoring(task, lambda params: params, targets, "test")(jnp.asarray(answers))


def test_sums_count_as_right_where_they_are_near():
    answers, targets = np.array([1.0, 0.5, 0.2]), np.array([1.03, 0.5, 0.25], np.float32)
    found = metrics_of("adding", answers, targets)
    assert found["test_accuracy"] == pytest.approx(2 / 3)
    assert found["test_loss"] == pytest.approx((0.03**2 + 0.05**2) / 3, abs=1e-8)
    both = metrics_of("adding", np.stack((answers, targets)), targets)
    assert both["test_accuracy"].tolist() == pytest.approx([2 / 3, 1])


def test_copying_pays_for_all_steps_and_counts_the_symbols():
    _, targets = long_sequences.made_up("copy", 3, number=1).test
    targets = targets[:6]
    logits = RNG.normal(size=(6, 23, 9)).astype(np.float32)
    found = metrics_of("copy", logits, targets)
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, targets)
    assert found["test_loss"] == pytest.approx(float(losses.mean()), rel=1e-5)
    hits = logits[:, 13:].argmax(-1) == targets[:, 13:]
    assert found["test_accuracy"] == pytest.approx(hits.mean(), rel=1e-6)


def test_knowing_where_but_not_what_is_the_limit_of_copying():
    data = long_sequences.made_up("copy", 30, number=1)
    logits = np.full((50, 50, 9), -40.0, np.float32)
    logits[:, :40, 0] = logits[:, 40:, 1:] = 40
    found = metrics_of("copy", logits, data.test.targets[:50])
    (limit,) = data.baselines().values()
    assert found["test_loss"] == pytest.approx(limit["test_loss"], rel=1e-6)


def test_parity_is_asked_after_the_last_bit():
    targets = RNG.integers(0, 2, (8, 5)).astype(np.int32)
    logits = RNG.normal(size=(8, 5, 2)).astype(np.float32)
    found = metrics_of("parity", logits, targets)
    losses = optax.softmax_cross_entropy_with_integer_labels(logits[:, -1], targets[:, -1])
    assert found["test_loss"] == pytest.approx(float(losses.mean()), rel=1e-6)
    assert found["test_accuracy"] == np.mean(logits[:, -1].argmax(-1) == targets[:, -1])


@pytest.mark.parametrize("task", ["adding", "copy", "parity", "pixel_mnist"])
@pytest.mark.parametrize("cell", ["lstm", "lru"])
def test_every_task_has_a_loss_of_each_row(task, cell):
    blocks = cell == "lru"
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
