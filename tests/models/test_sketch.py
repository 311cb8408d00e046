"""Drawings point by point against loops written out; nothing that is padding counts."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax import Bidirectional, SimpleRNN, unroll
from rnnjax.bridges.named import from_named
from rnnjax.data.drawings import END, PADDING
from rnnjax.models import Sketcher
from rnnjax.models.mixture_density import as_mixture, draw
from rnnjax.models.sketch import Latent, point_losses, stretched
from rnnjax.models.sketching import between, go_on
from tests.running import quick_jit

PENS = np.array([[0, 1, 0, 2, -1], [0, 2, -1, -1, -1], [1, 0, 0, 0, 2]], np.int32)


def made(with_encoder: bool, dtype: Any = np.float64) -> tuple[Sketcher, Any, np.ndarray]:
    rng = np.random.default_rng(0)
    size = 2 if with_encoder else 0
    encoder = Bidirectional(SimpleRNN(5, 2)) if with_encoder else None
    model = Sketcher(SimpleRNN(5 + size, 3), 2, encoder, size)
    offsets = rng.normal(size=(3, 5, 2)).astype(dtype)
    shapes = jax.eval_shape(model.init, jax.random.key(0), offsets, PENS)["params"]
    params = jax.tree.map(lambda a: 0.5 * rng.normal(size=a.shape).astype(dtype), shapes)
    return model, params, offsets


@pytest.mark.usefixtures("x64")
def test_each_point_is_foretold_by_those_before_it():
    model, params, offsets = made(with_encoder=False)
    said: Any = model.apply({"params": params}, offsets, PENS)
    found, latent = said
    assert latent is None
    states = np.where(PENS[..., None] == np.arange(3), 1.0, 0.0)
    before = np.zeros((3, 5, 5))
    before[:, 0, 2 + END] = 1
    before[:, 1:] = np.concatenate((offsets, states), axis=-1)[:, :-1]
    cell = model.decoder
    _, ys = unroll(cell, from_named(cell, params["write"]), jnp.asarray(before.swapaxes(0, 1)))
    last = params["to_mixture"]
    expected = np.asarray(ys).swapaxes(0, 1) @ last["kernel"] + last["bias"]
    there = PENS != PADDING
    np.testing.assert_allclose(np.asarray(found)[there], expected[there], atol=1e-12)


@pytest.mark.usefixtures("x64")
def test_neither_padding_nor_batch_mates_change_a_loss_or_a_gradient():
    model, params, offsets = made(with_encoder=True)
    noise = np.random.default_rng(1).normal(size=(3, 2))

    def loss(params, offsets, pens, noise):
        said: Any = model.apply({"params": params}, offsets, pens, noise)
        outputs, latent = said
        rows = point_losses(outputs, offsets, pens).sum(axis=(1, 2))
        return rows + latent.divergence()

    def total(params, *batch):
        rows = loss(params, *batch)
        return rows.sum(), rows

    both = quick_jit(jax.value_and_grad(total, has_aux=True))
    (_, rows), gradient = both(params, offsets, PENS, noise)
    dirty = np.where((PENS == PADDING)[..., None], np.nan, offsets)
    (_, again), other = both(params, dirty, PENS, noise)
    np.testing.assert_allclose(again, rows, atol=1e-10)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-10), gradient, other)
    others = offsets + np.array([7.0, 0.0, -3.0])[:, None, None]
    (_, among), _ = both(params, others, PENS[[2, 1, 0]], noise[::-1])
    np.testing.assert_allclose(among[1], rows[1], atol=1e-10)
    assert abs(among[0] - rows[0]) > 0.1


@pytest.mark.usefixtures("x64")
def test_the_divergence_is_that_of_two_normal_laws():
    mean, log_variance = np.array([[0.5, -1.0]]), np.array([[0.2, -0.7]])
    xs = np.linspace(-12, 12, 200_001)
    expected = 0.0
    for m, v in zip(mean[0], np.exp(log_variance[0]), strict=True):
        own = np.exp(-((xs - m) ** 2) / (2 * v)) / np.sqrt(2 * np.pi * v)
        ratio = -((xs - m) ** 2) / (2 * v) - np.log(v) / 2 + xs**2 / 2
        expected += (own * ratio).sum() * (xs[1] - xs[0])
    latent = Latent(jnp.asarray(mean), jnp.asarray(log_variance))
    np.testing.assert_allclose(latent.divergence(), [expected], rtol=1e-9)
    noise = jnp.array([[2.0, 1.0]])
    np.testing.assert_allclose(
        latent.drawn(noise), mean + np.exp(log_variance / 2) * noise, rtol=1e-12
    )
    np.testing.assert_array_equal(latent.drawn(None), mean)


def test_a_drawing_goes_on_as_a_loop_would_and_stops_at_its_end():
    model, params, offsets = made(True, np.float32)
    z = jnp.array([[0.3, -0.4]] * 2, jnp.float32)
    begun, pens = jnp.asarray(offsets[:2, :2]), jnp.asarray([[0, 1], [0, 0]])
    key, steps, temperature = jax.random.key(5), 12, 0.7
    more, states = go_on(model, params, begun, pens, key, temperature, z, num_steps=steps)
    variables = {"params": params}

    @quick_jit
    def advance(key, carry, point, pen, is_done):
        read: Any = model.apply(variables, point[:, None], pen[:, None], carry, z, method="go_on")
        carry, outputs = read
        point, pen = draw(key, as_mixture(outputs[:, 0]), temperature)
        point, pen = jnp.where(is_done[:, None], 0, point), jnp.where(is_done, PADDING, pen)
        return carry, point, pen, is_done | (pen == END)

    carry: Any = model.apply(variables, z, method="first_carry")
    start = jnp.zeros((2, 2)), jnp.full(2, END)
    done = jnp.zeros(2, bool)
    for point, pen in (start, (begun[:, 0], pens[:, 0])):
        carry, *_ = advance(key, carry, point, pen, done)
    point, pen = begun[:, 1], pens[:, 1]
    for t, own in enumerate(jax.random.split(key, steps)):
        carry, point, pen, done = advance(own, carry, point, pen, done)
        np.testing.assert_allclose(more[:, t], point, atol=1e-5)
        np.testing.assert_array_equal(states[:, t], pen)
    assert done.any()
    assert (np.asarray(states) == PADDING).any()


def test_what_lies_between_two_points_is_on_their_great_circle():
    rng = np.random.default_rng(0)
    first, last = rng.normal(size=(2, 6))
    last *= np.linalg.norm(first) / np.linalg.norm(last)
    found = between(first, last, 5)
    np.testing.assert_allclose(found[[0, -1]], [first, last], atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.linalg.norm(first), atol=1e-12)
    steps = (found[1:] * found[:-1]).sum(axis=1)
    np.testing.assert_allclose(steps, steps[0], atol=1e-12)
    np.testing.assert_allclose(between(first, 2 * first, 3)[1], 1.5 * first, atol=1e-12)


def test_drawings_are_stretched_each_by_itself_and_no_more_than_allowed():
    offsets = jnp.ones((500, 3, 2))
    found = np.asarray(stretched(offsets, 0.15, jax.random.key(0)))
    np.testing.assert_array_equal(found, found[:, :1].repeat(3, axis=1))
    assert 0.85 <= found.min() < 0.86
    assert 1.14 < found.max() <= 1.15
    assert abs(np.corrcoef(found[:, 0].T)[0, 1]) < 0.15
    assert stretched(offsets, 0.0, jax.random.key(0)) is offsets
