"""A decoder that reads some of its own words learns as in scheduled sampling."""

# pyright: reportArgumentType=false

from __future__ import annotations

import math

import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.models.own_words import right_share, with_own_words
from tests.models.test_encoder_decoder import MODELS, given
from tests.running import quick_jit

pytestmark = pytest.mark.usefixtures("x64")


@pytest.mark.parametrize("name", ["context", "attending"])
def test_words_that_are_not_right_are_those_most_probable_after_all_before(name):
    model = MODELS[name]
    params, sources, mask, before = given(model)
    is_right = np.random.default_rng(3).random(before.shape) < 0.4
    mixed = quick_jit(lambda p: with_own_words(model, p, sources, jnp.asarray(before), is_right))
    found = np.asarray(mixed(params))
    read = before[:, :1]
    apply = quick_jit(lambda read: model.apply({"params": params}, sources, mask, read))
    for t in range(1, before.shape[1]):
        filled = np.pad(read, ((0, 0), (0, before.shape[1] - t)))
        own = np.asarray(apply(filled))[:, t - 1].argmax(axis=-1)
        read = np.column_stack((read, np.where(is_right[:, t], before[:, t], own)))
    np.testing.assert_array_equal(found, read)
    assert (found != before)[:, 1:].any()
    assert found.dtype == before.dtype


def test_all_right_words_are_what_was_given_and_the_start_always_stays():
    model = MODELS["context"]
    params, sources, _, before = given(model)
    mixed = quick_jit(lambda right: with_own_words(model, params, sources, before, right))
    np.testing.assert_array_equal(mixed(jnp.ones(before.shape, bool)), before)
    np.testing.assert_array_equal(mixed(jnp.zeros(before.shape, bool))[:, 0], before[:, 0])


@pytest.mark.parametrize("progress", [0.0, 0.3, 1.0])
def test_the_share_of_right_words_falls_as_in_the_paper(progress):
    last = 0.25
    shares = {
        "constant": last,
        "linear": 1 - (1 - last) * progress,
        "sigmoid": last + (1 - last) * 12 / (12 + math.exp(progress * 100 / 12)),
    }
    for schedule, share in shares.items():
        found = right_share(schedule, last, jnp.asarray(progress))
        np.testing.assert_allclose(found, share, rtol=1e-12)
