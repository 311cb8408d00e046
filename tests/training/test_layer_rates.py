"""Learning rates by layer, against the rates written out."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from rnnjax.training.layer_rates import LayerRates
from rnnjax.training.optimizers import build_optimizer

PARAMS: Any = {"out": {"w": 0.0}, "rnn": {"0": {"w": 0.0}, "1": {"w": 0.0}}, "embedding": 0.0}
GROUPS = (("out",), ("rnn/1",), ("rnn/0",), ("embedding",))


def updates(optimizer, number):
    params = jax.tree.map(jnp.asarray, PARAMS)
    state, found = optimizer.init(params), []
    for _ in range(number):
        update, state = optimizer.update(jax.tree.map(jnp.ones_like, params), state, params)
        found.append([float(u) for u in jax.tree.leaves(update)])
    return -np.array(found)  # embedding, out, rnn/0, rnn/1


def test_each_layer_begins_later_and_goes_slower_than_the_one_above():
    rates = LayerRates(GROUPS, decay=2.0, thaw=3)
    found = updates(build_optimizer("sgd", 0.1, num_steps=1, layer_rates=rates), 10)
    depth = np.array([3, 0, 2, 1])
    wanted = np.where(np.arange(10)[:, None] < 3 * depth, 0, 0.1 / 2.0**depth)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_an_optimizer_as_it_was_where_all_rates_are_equal():
    plain = optax.sgd(1.0)
    assert LayerRates(GROUPS).apply(plain) is plain


def test_every_parameter_must_have_a_group():
    with pytest.raises(ValueError, match="embedding is in no group"):
        LayerRates(GROUPS[:3], decay=2.0).apply(optax.sgd(1.0)).init(PARAMS)
    # The name of a place, not the beginning of one.
    with pytest.raises(ValueError, match="embedding is in no group"):
        LayerRates((*GROUPS[:3], ("embed",)), decay=2.0).labels(PARAMS)


def test_a_slanted_rate_is_that_of_the_paper():
    total, cut_share, ratio, highest = 40, 0.1, 32, 0.01
    cut, wanted = int(total * cut_share), []
    for t in range(total):
        p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / cut_share - 1))
        wanted.append(highest * (1 + p * (ratio - 1)) / ratio)
    optimizer = build_optimizer("sgd", highest, schedule="slanted", num_steps=total)
    np.testing.assert_allclose(updates(optimizer, total)[:, 0], wanted, rtol=1e-5)
