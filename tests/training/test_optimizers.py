from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rnnjax.training.nonfinite import skipped_in_a_row, skipped_updates
from rnnjax.training.optimizers import (
    OPTIMIZERS,
    SCHEDULES,
    averaged_params,
    build_optimizer,
    with_learning_rates,
)


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


def test_a_rate_that_decays_keeps_its_first_value_for_some_epochs():
    optimizer = build_optimizer(
        "sgd", 1.0, schedule="decay", num_steps=8, steps_per_epoch=2, decay=0.5, decay_after=2
    )
    updates = run(optimizer, [[1.0, -1.0]] * 8)
    assert [-float(u[0]) for u in updates] == [1, 1, 1, 1, 0.5, 0.5, 0.25, 0.25]


def test_clip_value_limits_each_number():
    optimizer = build_optimizer("sgd", 1.0, num_steps=1, clip_value=2.0)
    np.testing.assert_allclose(run(optimizer, [[3.0, -0.5]]), [[-2.0, 0.5]])


def test_clip_norm_limits_the_whole_gradient():
    optimizer = build_optimizer("sgd", 1.0, num_steps=2, clip_norm=1.0)
    large, small = run(optimizer, [[3.0, 4.0], [0.3, 0.4]])
    np.testing.assert_allclose(large, [-0.6, -0.8], rtol=1e-6)
    np.testing.assert_allclose(small, [-0.3, -0.4], rtol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_descends(name):
    (update,) = run(build_optimizer(name, 0.1, num_steps=1), [[2.0, -3.0]])
    assert update[0] < 0 < update[1]


@pytest.mark.parametrize(
    ("name", "schedule"),
    [
        ("adam", "cosine"),
        ("sgd", "linear"),
        *(
            pytest.param(name, "cosine", marks=pytest.mark.slow)
            for name in OPTIMIZERS
            if name != "adam"
        ),
        *(
            pytest.param("sgd", schedule, marks=pytest.mark.slow)
            for schedule in SCHEDULES
            if schedule not in ("cosine", "linear")
        ),
    ],
)
@pytest.mark.usefixtures("x64")
def test_a_learning_rate_in_the_state_is_one_that_it_was_built_with(name, schedule):
    options: Any = {"schedule": schedule, "num_steps": 6, "clip_norm": 2.0, "average": 0.75}
    built = build_optimizer(name, 0.03, **options)
    rated = build_optimizer(name, None, **options)
    one: Any = jnp.asarray([1.0, -2.0, 0.5])
    other = one
    first, second = built.init(one), with_learning_rates(rated.init(one), jnp.asarray(0.03))
    of_built, of_rated = jax.jit(built.update), jax.jit(rated.update)
    draw = np.random.default_rng(0)
    for _ in range(5):
        gradients = jnp.asarray(draw.normal(size=3) * 2)
        update, first = of_built(gradients, first, one)
        one = optax.apply_updates(one, update)
        update, second = of_rated(gradients, second, other)
        other = optax.apply_updates(other, update)
    np.testing.assert_allclose(np.asarray(other), np.asarray(one), rtol=1e-12)
    np.testing.assert_allclose(
        averaged_params(second, other), averaged_params(first, one), rtol=1e-12
    )


def test_an_average_of_the_parameters_is_kept_beside_the_same_updates():
    params = jnp.asarray([1.0, -2.0])
    plain = build_optimizer("adam", 0.1, num_steps=5)
    averaging = build_optimizer("adam", 0.1, num_steps=5, average=0.75)
    states = plain.init(params), averaging.init(params)
    one, other, seen = params, params, []
    for t in range(5):
        gradients = jnp.asarray([1.0 + t, -1.0 / (1 + t)])
        update, first = plain.update(gradients, states[0], one)
        one = optax.apply_updates(one, update)
        update, second = averaging.update(gradients, states[1], other)
        other = optax.apply_updates(other, update)
        states = first, second
        seen.append(np.asarray(other))
    np.testing.assert_array_equal(one, other)
    weights = 0.75 ** np.arange(4, -1, -1)
    expected = weights @ np.stack(seen) / weights.sum()
    np.testing.assert_allclose(averaged_params(states[1], other), expected, rtol=1e-5)
    assert averaged_params(states[0], one) is one


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_an_update_that_is_not_finite_is_skipped_with_all_that_hangs_on_it(bad):
    """Moments, schedule and average are those of a run that never saw that gradient."""
    good = [jnp.asarray([1.0, -2.0]), jnp.asarray([0.5, 3.0]), jnp.asarray([-1.0, 1.0])]
    optimizer = build_optimizer(
        "adam", 0.1, schedule="linear", num_steps=5, clip_norm=1.0, average=0.75
    )
    update_of = jax.jit(optimizer.update)

    def train(gradients):
        params = jnp.asarray([1.0, -2.0])
        state = optimizer.init(params)
        for gradient in gradients:
            update, state = update_of(gradient, state, params)
            params = optax.apply_updates(params, update)
        return params, state

    one, state = train(good)
    other, with_gaps = train([good[0], jnp.asarray([bad, 1.0]), good[1], good[2]])
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(averaged_params(state, one), averaged_params(with_gaps, other))
    assert (averaged_params(state, one) != one).all()
    assert (skipped_updates(state), skipped_updates(with_gaps)) == (0, 1)
    assert skipped_in_a_row(with_gaps) == 0
    in_a_row = train([good[0], *[jnp.asarray([bad, 1.0])] * 3])[1]
    assert (skipped_updates(in_a_row), skipped_in_a_row(in_a_row)) == (3, 3)
