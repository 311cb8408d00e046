"""Which way a metric gets better."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rnnjax.devices.layout import Layout
from rnnjax.training.loop import init_state
from rnnjax.training.metrics import ACCURACY, LOSS, Metric
from rnnjax.training.run_state import begin

ERROR = Metric("error_rate", higher_is_better=False)


@pytest.mark.parametrize(("metric", "best"), [(ACCURACY, [4.0, 9.0]), (ERROR, [1.0, 2.0])])
def test_the_best_is_kept_whichever_way_is_better(metric, best):
    layout = Layout.over(jax.devices()[:1], num_seeds=2)
    layout = Layout.over(jax.devices()[:1], num_seeds=2)
    params = {"w": jnp.zeros(2)}
    run = begin(init_state(params, optax.sgd(1.0), (), layout), layout, with_best=True)
    for step, values in enumerate([[3.0, 9.0], [1.0, 5.0], [4.0, 2.0]]):
        run.keep_if_best(metric, np.array(values), step, {"w": np.array(values)})
    assert run.best is not None
    assert run.best is not None
    assert run.best.value == best
    np.testing.assert_array_equal(run.best_params["w"], best)


def test_a_run_is_compared_with_a_baseline_by_what_both_have():
    own, other = {"test_loss": 0.5, "test_error_rate": 0.2}, {"test_error_rate": 0.3}
    assert ERROR.compare(own, other) is True
    assert ERROR.compare(other, own) is False
    assert LOSS.compare(own, other) is None
    assert ACCURACY.compare({"test_accuracy": 0.5}, {"test_accuracy": 0.5}) is False
