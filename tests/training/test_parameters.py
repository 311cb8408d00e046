"""The parameters that a run begins with."""

import types
from typing import Any

import jax
import numpy as np
import pytest

from rnnjax.devices.layout import Layout
from rnnjax.training.parameters import initial_params
from rnnjax.training.settings import Config


def init(key):
    return {"w": jax.random.normal(key, (3, 4)), "b": jax.random.normal(key, (4,))}


def drawn(config, layout, scales=None):
    problem: Any = types.SimpleNamespace(init=init, keys=layout.keys(config.seed, 2))
    return jax.device_get(initial_params(config, layout, problem, scales))


def test_the_seeds_of_every_setting_are_the_same():
    devices = jax.devices()[:1]
    params = drawn(Config(seed=7), Layout.over(devices, num_seeds=6, num_settings=3))
    for seed in (0, 1):
        alone = drawn(Config(seed=7 + seed), Layout.single())
        for setting in range(3):
            np.testing.assert_array_equal(params["w"][2 * setting + seed], alone["w"])
    assert not np.array_equal(params["w"][0], params["w"][1])


def test_a_scale_is_a_factor_on_weights_and_not_on_biases():
    plain = drawn(Config(), Layout.single())
    scaled = drawn(Config(initial_scale=0.5), Layout.single())
    np.testing.assert_array_equal(scaled["w"], plain["w"] / 2)
    np.testing.assert_array_equal(scaled["b"], plain["b"])
    layout = Layout.over(jax.devices()[:1], num_seeds=2, num_settings=2)
    both = drawn(Config(), layout, [0.5, 4.0])
    np.testing.assert_array_equal(both["w"], np.stack([plain["w"] / 2, plain["w"] * 4]))
    np.testing.assert_array_equal(both["b"], np.stack([plain["b"]] * 2))


def test_a_scale_is_positive():
    with pytest.raises(ValueError, match="--initial_scale must be a positive number"):
        Config(initial_scale=0.0)
