import jax
import jax.numpy as jnp
import numpy as np
import optax
from rich.console import Console

from rnnjax.training.batches import ExampleBatches
from rnnjax.training.fit import fit
from rnnjax.training.loop import Trainer, init_state


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
    result = fit(
        trainer,
        init_state(jnp.zeros(()), optimizer),
        lambda w: {"test_loss": float(w)},
        [0, 3, 5],
        title="a line",
        console=Console(),
        log=logged.append,
    )
    assert [m["step"] for m in logged] == [0, 3, 5]
    assert [m["test_loss"] for m in logged] == [-1, -4, -6]
    assert [m["train_loss"] for m in logged] == [0, -2, -4.5], "the mean since the last evaluation"
    assert result.history == logged
    assert int(result.state.step) == 6
    assert "step      3  train loss -2.0000  test loss -4.0000" in capsys.readouterr().out
