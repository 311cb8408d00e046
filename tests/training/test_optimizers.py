import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.training.optimizers import OPTIMIZERS, build_optimizer


def run(optimizer, gradients):
    params = jnp.zeros(2)
    state = optimizer.init(params)
    updates = []
    for g in gradients:
        update, state = optimizer.update(jnp.asarray(g), state, params)
        updates.append(np.asarray(update))
    return updates


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("constant", [0.1, 0.1, 0.1, 0.1]),
        ("linear", [0.1, 0.075, 0.05, 0.025]),
        ("cosine", 0.05 * (1 + np.cos(np.pi * np.arange(4) / 4))),
    ],
)
def test_schedules_fall_to_zero_at_the_end(schedule, rates):
    optimizer = build_optimizer("sgd", 0.1, schedule=schedule, num_steps=4)
    updates = run(optimizer, [[1.0, -1.0]] * 4)
    np.testing.assert_allclose([-u[0] for u in updates], rates, rtol=1e-5)


def test_clip_norm_limits_the_whole_gradient():
    optimizer = build_optimizer("sgd", 1.0, num_steps=2, clip_norm=1.0)
    large, small = run(optimizer, [[3.0, 4.0], [0.3, 0.4]])
    np.testing.assert_allclose(large, [-0.6, -0.8], rtol=1e-6)
    np.testing.assert_allclose(small, [-0.3, -0.4], rtol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_descends(name):
    (update,) = run(build_optimizer(name, 0.1, num_steps=1), [[2.0, -3.0]])
    assert update[0] < 0 < update[1]
