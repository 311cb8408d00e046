"""Whole runs: evaluated where they should be, and the same however often they are interrupted."""

import signal

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from rich.console import Console

from rnnjax.devices.layout import Layout
from rnnjax.runs.checkpoints import Checkpoints, load_params
from rnnjax.runs.interruption import Interrupted, Interruption
from rnnjax.runs.interval import Interval
from rnnjax.training import loop
from rnnjax.training.batches import ExampleBatches
from rnnjax.training.fit import EvaluationSteps, Saving, fit
from rnnjax.training.loop import Trainer, init_state
from rnnjax.training.metrics import Metric
from rnnjax.training.optimizers import build_optimizer
from rnnjax.training.run_state import begin


def test_fit_evaluates_after_the_given_steps_and_logs_them(capsys):
    x = np.arange(8, dtype=np.float32)
    optimizer = optax.sgd(1.0)
    # The loss is w itself, so each step takes exactly 1 from w.
    trainer = Trainer(
        lambda w, carry, x, key: (jnp.broadcast_to(w, x.shape), carry),
        optimizer,
        ExampleBatches(8, 4, shuffle=False),
        x,
        jax.random.key(0),
    )
    logged = []
    run = begin(init_state(jnp.zeros(()), optimizer))
    fit(
        trainer,
        run,
        lambda w: {"test_loss": float(w)},
        [0, 3, 5],
        title="a line",
        console=Console(),
        log=logged.append,
    )
    assert [m["step"] for m in logged] == [0, 3, 5]
    assert [m["test_loss"] for m in logged] == [-1, -4, -6]
    assert [m["train_loss"] for m in logged] == [0, -2, -4.5], "the mean since the last evaluation"
    assert run.history == logged
    assert int(run.train.step) == 6
    assert "step      3  train loss -2.0000  test loss -4.0000" in capsys.readouterr().out


@pytest.mark.parametrize("every", [1, 500, 10**12])
@pytest.mark.parametrize("first", [0, 7])
def test_billions_of_evaluations_take_no_memory(every, first):
    steps = EvaluationSteps(10**12, every, first)
    assert steps[0] == first
    assert steps[-1] == 10**12 - 1
    assert len(steps) == len(range(first, 10**12 - 1, every)) + 1
    assert steps[len(steps) // 2] == (
        first + len(steps) // 2 * every if len(steps) > 2 else 10**12 - 1
    )
    with pytest.raises(IndexError):
        steps[len(steps)]


@pytest.mark.parametrize("num_steps", [1, 2, 5, 6, 11])
def test_the_last_step_is_evaluated_once(num_steps):
    assert list(EvaluationSteps(num_steps, 5)) == sorted({*range(0, num_steps, 5), num_steps - 1})


class After(Interruption):
    """Wants the run to stop when it has been asked a number of times."""

    def __init__(self, looks):
        self.looks = looks

    @property
    def requested(self):
        self.looks -= 1
        return signal.SIGTERM if self.looks < 0 else None


def noisy_loss(w, carry, batch, key):
    """With a random mask, as dropout has, and a NaN now and then."""
    x, y = batch
    kept = jax.random.bernoulli(key, 0.7, x.shape)
    unlucky = jnp.where(jax.random.uniform(jax.random.fold_in(key, 1)) < 0.1, jnp.nan, 0.0)
    return ((x * kept) @ w - y) ** 2 + unlucky, carry + (x @ w).mean()


class Kept(ExampleBatches):
    """The recurrent state goes on from batch to batch."""

    def starts_anew(self, indices):
        return jnp.asarray(False)


def train(folder, *, looks=10**9, every="1h", num_seeds=1):
    """A run that stops after so many looks, taken up where it was left."""
    layout = Layout.over(jax.devices()[:1], num_seeds=num_seeds)
    (key,) = layout.keys(3, 1)
    rng = np.random.default_rng(0)
    data = rng.normal(size=(20, 3)).astype(np.float32), rng.normal(size=20).astype(np.float32)
    optimizer = build_optimizer(
        "adam", 0.05, schedule="cosine", num_steps=40, clip_norm=1.0, average=0.9
    )
    carry = jnp.zeros(())
    batches = Kept(20, 3, shuffle=True)
    trainer = Trainer(
        noisy_loss, optimizer, batches, data, key, carry, layout=layout, max_skipped=9
    )
    params = layout.per_seed(lambda: jnp.ones(3))
    run = begin(init_state(params, optimizer, carry, layout), layout, with_best=True)
    checkpoints = Checkpoints(folder, tell=pytest.fail)
    resumed = run.restore(checkpoints)
    try:
        fit(
            trainer,
            run,
            # The best is neither the first nor the last.
            lambda w: {"validation_score": -abs(jnp.linalg.norm(w, axis=-1) - 1.45)},
            [0, 9, 22, 31, 39],
            title="a plane",
            console=Console(quiet=True),
            log=lambda metrics: None,
            best_by=Metric("score"),
            watched="validation",
            saving=Saving(checkpoints, Interval.parse(every), After(looks), keep_best=True),
        )
    except Interrupted as stop:
        return run, stop, resumed
    return run, None, resumed


def outcome(run):
    history = [{k: v for k, v in m.items() if k != "eval_seconds"} for m in run.history]
    return history, run.best, np.asarray(run.loss_sum).tolist(), np.asarray(run.loss_count).tolist()


@pytest.fixture(scope="module", params=[1, pytest.param(3, marks=pytest.mark.slow)])
def whole(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    run, stop, _ = train(folder, num_seeds=request.param)
    assert stop is None
    assert run.history[-1]["skipped"] > 0
    assert np.all(np.asarray(run.best_step) > 0)
    assert np.all(np.asarray(run.best_step) < 39)
    return request.param, run, load_params(folder, run.params)


@pytest.mark.parametrize(
    ("looks", "every"),
    [
        (6, "13"),
        pytest.param(0, "1h", marks=pytest.mark.slow),
        pytest.param(12, "3", marks=pytest.mark.slow),
    ],
)
def test_a_run_in_pieces_equals_the_whole_bit_by_bit(monkeypatch, tmp_path, whole, looks, every):
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 0.0)  # after 8 steps, chunks of one
    num_seeds, expected, (best_step, best) = whole
    pieces = 0
    while True:
        # A run that stops at the first look would never come further.
        asked = looks if pieces % 2 == 0 else 14
        run, stop, resumed = train(tmp_path, looks=asked, every=every, num_seeds=num_seeds)
        assert resumed == (pieces > 0)
        pieces += 1
        if stop is None:
            break
        assert (stop.exit_code, stop.run, stop.steps) == (143, tmp_path, int(run.train.step))
    assert pieces >= 2
    assert outcome(run) == outcome(expected)
    trees = (run.train, run.best_params), (expected.train, expected.best_params)
    jax.tree.map(np.testing.assert_array_equal, *trees)
    step, params = load_params(tmp_path, run.params)
    assert step == best_step == np.max(run.best_step) + 1
    np.testing.assert_array_equal(params, best)
    np.testing.assert_array_equal(params, run.best_params)
    assert not np.array_equal(best, run.params)


def test_seeds_at_once_are_each_what_it_is_alone(tmp_path):
    together, *_ = train(tmp_path / "three", num_seeds=3)
    alone, *_ = train(tmp_path / "one")
    np.testing.assert_allclose(together.params[0], alone.params, rtol=1e-5)
    np.testing.assert_allclose(together.best_params[0], alone.best_params, rtol=1e-5)
    assert together.best_step[0] == alone.best_step
    for one, metrics in zip(alone.history, together.history, strict=True):
        assert metrics["seeds"]["train_loss"][0] == pytest.approx(one["train_loss"], rel=1e-5)
    assert together.history[-1]["seeds"]["skipped"][0] == alone.history[-1]["skipped"]
    assert len(set(together.history[-1]["seeds"]["train_loss"])) == 3


def test_checkpoints_lie_where_they_should(tmp_path):
    train(tmp_path, every="16")
    assert sorted(int(p.name) for p in (tmp_path / "checkpoints").iterdir()) == [16, 32, 40]
