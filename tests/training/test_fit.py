"""Whole runs: evaluated where they should be, and the same however often they are interrupted."""

import signal

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from rich.console import Console

from rnnjax.training import loop
from rnnjax.training.batches import ExampleBatches
from rnnjax.training.checkpoints import Checkpoints, load_params
from rnnjax.training.fit import Saving, fit
from rnnjax.training.interruption import Interrupted, Interruption
from rnnjax.training.interval import Interval
from rnnjax.training.loop import Trainer, init_state
from rnnjax.training.optimizers import averaged_params, build_optimizer
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


def train(folder, *, looks=10**9, every="1h"):
    """A run that stops after so many looks, taken up where it was left."""
    rng = np.random.default_rng(0)
    data = rng.normal(size=(20, 3)).astype(np.float32), rng.normal(size=20).astype(np.float32)
    optimizer = build_optimizer(
        "adam", 0.05, schedule="cosine", num_steps=40, clip_norm=1.0, average=0.9
    )
    carry = jnp.zeros(())
    batches = Kept(20, 3, shuffle=True)
    trainer = Trainer(noisy_loss, optimizer, batches, data, jax.random.key(3), carry, max_skipped=9)
    run = begin(init_state(jnp.ones(3), optimizer, carry), with_best=True)
    checkpoints = Checkpoints(folder, tell=pytest.fail)
    resumed = run.restore(checkpoints)
    try:
        fit(
            trainer,
            run,
            # The best is neither the first nor the last.
            lambda w: {"score": -abs(float(jnp.linalg.norm(w)) - 1.45)},
            [0, 9, 22, 31, 39],
            title="a plane",
            console=Console(quiet=True),
            log=lambda metrics: None,
            best_by="score",
            saving=Saving(checkpoints, Interval.parse(every), After(looks), keep_best=True),
        )
    except Interrupted as stop:
        return run, stop, resumed
    return run, None, resumed


def outcome(run):
    history = [{k: v for k, v in m.items() if k != "eval_seconds"} for m in run.history]
    return history, run.best, run.loss_sum, run.loss_count


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    run, stop, _ = train(folder)
    assert stop is None
    assert run.history[-1]["skipped"] > 0
    assert 0 < run.best_step < 39
    return run, load_params(folder, run.params)


@pytest.mark.parametrize(("looks", "every"), [(0, "1h"), (6, "13"), (12, "3")])
def test_a_run_in_pieces_equals_the_whole_bit_by_bit(monkeypatch, tmp_path, whole, looks, every):
    monkeypatch.setattr(loop, "CHUNK_SECONDS", 0.0)  # after 8 steps, chunks of one
    pieces = 0
    while True:
        # A run that stops at the first look would never come further.
        run, stop, resumed = train(tmp_path, looks=looks if pieces % 2 == 0 else 14, every=every)
        assert resumed == (pieces > 0)
        pieces += 1
        if stop is None:
            break
        assert (stop.exit_code, stop.run, stop.steps) == (143, tmp_path, int(run.train.step))
    assert pieces >= 2
    expected, (best_step, best) = whole
    assert outcome(run) == outcome(expected)
    trees = (run.train, run.best_params), (expected.train, expected.best_params)
    jax.tree.map(np.testing.assert_array_equal, *trees)
    step, params = load_params(tmp_path, run.params)
    assert step == best_step == run.best_step + 1
    np.testing.assert_array_equal(params, best)
    np.testing.assert_array_equal(params, run.best_params)
    assert not np.array_equal(best, averaged_params(run.train.opt_state, run.train.params))


def test_checkpoints_lie_where_they_should(tmp_path):
    train(tmp_path, every="16")
    assert sorted(int(p.name) for p in (tmp_path / "checkpoints").iterdir()) == [16, 32, 40]
