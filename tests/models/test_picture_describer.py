"""Words about pictures: steps are what a whole text is, and neighbours change nothing."""

# NumPy arrays go where JAX arrays are declared, and linen's `apply` returns a union.
# pyright: reportArgumentType=false, reportCallIssue=false, reportOperatorIssue=false

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np
import pytest

from rnnjax import GRU, LSTM
from rnnjax.attention import Additive, Attending
from rnnjax.bridges.named import from_named
from rnnjax.models import PictureDescriber
from rnnjax.models.answers import answer_each
from rnnjax.models.picture_describer import beside_places, ink, shifted
from tests.running import assert_close, quick_jit, unroll

pytestmark = pytest.mark.usefixtures("x64")

E, H, M, V = 3, 4, 5, 7
MODELS: dict[str, PictureDescriber] = {
    "show and tell": PictureDescriber(V, GRU(E, H), E, channels=(2, M)),
    "show, attend and tell": PictureDescriber(
        V, Attending(LSTM(E, H), Additive(H, M, 6)), E, channels=(2, M)
    ),
}


def given(name: str, channels: int = 3) -> tuple[Any, Any, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 256, (3, 6, 8, channels), dtype=np.uint8)
    before = rng.integers(1, V, (3, 4))
    model = MODELS[name]
    shapes = jax.eval_shape(model.init, jax.random.key(0), pictures, before)["params"]
    params = jax.tree.map(lambda a: rng.normal(size=a.shape), shapes)
    return model, params, pictures, before


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max())
    return powers / powers.sum()


def map_of(params: Any, picture: np.ndarray) -> np.ndarray:
    """The places ``[h * w, M]`` of a picture, by loops."""
    height, width, _ = picture.shape
    features = 1 - picture / 255
    rows, columns = np.linspace(-1, 1, height), np.linspace(-1, 1, width)
    places = np.stack(
        [np.repeat(rows[:, None], width, 1), np.repeat(columns[None], height, 0)], axis=-1
    )
    features = np.concatenate((features, places), axis=-1)
    for i in range(2):
        kernel, bias = (params[f"convolution_{i}"][name] for name in ("kernel", "bias"))
        height, width = (-(-side // 2) for side in features.shape[:2])
        # What is missing on both sides, the smaller part of it before the first row or column.
        missing = [max(2 * (n - 1) + 3 - s, 0) for n, s in zip((height, width), features.shape)]  # noqa: B905
        padded = np.pad(features, [(m // 2, m - m // 2) for m in missing] + [(0, 0)])
        found = np.zeros((height, width, kernel.shape[-1]))
        for y in range(height):
            for x in range(width):
                window = padded[2 * y : 2 * y + 3, 2 * x : 2 * x + 3]
                found[y, x] = np.einsum("yxc,yxcd->d", window, kernel) + bias
        features = np.maximum(found, 0)
    return features.reshape(-1, M)


def attended(params: Any, places: np.ndarray, before: np.ndarray) -> np.ndarray:
    """The logits ``[T, V]`` of the model with attention, whose cell is an LSTM."""
    mean, first = places.mean(axis=0), [params[f"first_state_{i}"] for i in range(2)]
    h, c = (np.tanh(mean @ dense["kernel"] + dense["bias"]) for dense in first)
    own, logits = params["write"], []
    reading, cell = own["attention"], own["cell"]
    for number in before:
        x = params["words"]["embedding"][number]
        keys = np.tanh(h @ reading["w_q"] + places @ reading["w_m"] + reading["b"])
        context = softmax(keys @ reading["v"]) @ places
        z = x @ cell["w_x"] + cell["b"] + context @ own["more"] + h @ cell["w_h"]
        i, f, g, o = np.split(z, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        features = np.concatenate((h, context)) @ params["to_features"]["kernel"]
        features = features + params["to_features"]["bias"] + x
        logits.append(features @ params["to_logits"]["kernel"] + params["to_logits"]["bias"])
    return np.stack(logits)


def test_attention_is_what_the_equations_say():
    model, params, pictures, before = given("show, attend and tell")
    logits = quick_jit(model.apply)({"params": params}, pictures, before)
    wanted = [attended(params, map_of(params, p), b) for p, b in zip(pictures, before, strict=True)]
    assert_close(logits, np.stack(wanted))


def test_without_attention_the_picture_is_read_first():
    model, params, pictures, before = given("show and tell")
    logits = quick_jit(model.apply)({"params": params}, pictures, before)
    cell = model.decoder
    own = from_named(cell, params["write"])
    for picture, numbers, wanted in zip(pictures, before, logits, strict=True):
        places = map_of(params, picture)
        first = np.concatenate((places.max(0), places.mean(0))) @ params["to_input"]["kernel"]
        words = params["words"]["embedding"][numbers]
        inputs = np.concatenate(((first + params["to_input"]["bias"])[None], words))
        _, ys = unroll(cell, own, inputs)
        dense = params["to_logits"]
        assert_close(ys[1:] @ dense["kernel"] + dense["bias"], wanted)


@pytest.mark.parametrize("name", MODELS)
def test_steps_give_what_a_whole_text_gives(name):
    model, params, pictures, before = given(name, channels=1)
    logits = quick_jit(model.apply)({"params": params}, pictures, before)
    encode = quick_jit(functools.partial(model.apply, method="encode"))
    known: Any = encode({"params": params}, pictures)
    encoded, carry = known
    step = quick_jit(functools.partial(model.apply, method="step"))
    for t in range(before.shape[1]):
        carry, own, weights = step({"params": params}, encoded, carry, before[:, t])
        assert_close(own, logits[:, t])
        if weights is not None:
            assert weights.shape == (3, 2 * 2)
            np.testing.assert_allclose(weights.sum(-1), 1)


@pytest.mark.parametrize("name", MODELS)
def test_batch_mates_and_what_comes_later_change_nothing(name):
    model, params, pictures, before = given(name)
    run = quick_jit(model.apply)
    logits = run({"params": params}, pictures, before)
    assert logits.shape == (3, 4, V)
    mates = np.roll(pictures, 1, axis=0)
    mates[1] = pictures[1]
    assert_close(run({"params": params}, mates, before)[1], logits[1])
    assert np.abs(run({"params": params}, mates, before)[0] - logits[0]).max() > 1e-3
    later = before.copy()
    later[:, 2] = 1 + before[:, 2] % (V - 1)
    changed = run({"params": params}, pictures, later)
    assert_close(changed[:, :2], logits[:, :2])
    assert (np.abs(changed[:, 2:] - logits[:, 2:]).max(axis=(1, 2)) > 0).all()


@pytest.mark.parametrize("name", MODELS)
def test_an_answer_is_that_to_the_picture_alone(name):
    model, params, pictures, _ = given(name)
    options: dict[str, Any] = {"start": 1, "end": 2, "max_steps": 5, "beam_size": 3}
    together = answer_each(model, params, pictures, batch_size=2, num_results=2, **options)
    for i in range(3):
        alone = answer_each(
            model, params, pictures[i : i + 1], batch_size=2, num_results=2, **options
        )
        np.testing.assert_allclose(together.scores[i], alone.scores[0], atol=1e-10)
        for own, other in zip(together.tokens[i], alone.tokens[0], strict=True):
            np.testing.assert_array_equal(own, other)
            assert 2 not in own


def test_ink_is_where_something_is_drawn():
    pixels = np.array([[[[0], [255]]]], np.uint8)
    assert_close(ink(pixels, np.float64), np.array([[[[0.0], [1.0]]]]))
    assert_close(ink(np.repeat(pixels, 3, -1), np.float64)[..., 0], np.array([[[1.0, 0.0]]]))


def test_shifts_are_all_within_their_bound_and_move_whole_pictures():
    pictures = np.zeros((200, 7, 7, 1))
    pictures[:, 3, 3, 0] = 1
    shift = quick_jit(shifted, static_argnums=1)
    moved = np.asarray(shift(pictures, 2, jax.random.key(0)))
    assert (moved.sum(axis=(1, 2, 3)) == 1).all()
    places = {tuple(place) for place in np.argwhere(moved[..., 0])[:, 1:].tolist()}
    assert places == {(y, x) for y in range(1, 6) for x in range(1, 6)}
    pictures[:] = np.arange(7)[:, None, None]
    rows = np.asarray(shift(pictures, 2, jax.random.key(1)))[..., 3, 0]
    for row in rows:
        (by,) = {int(row[3]) - 3}
        padded = np.pad(np.arange(7), 2)
        np.testing.assert_array_equal(row, padded[2 + by : 9 + by])


def test_a_pixel_knows_its_place():
    found = beside_places(np.zeros((2, 3, 5, 1)))
    np.testing.assert_allclose(found[1, :, 0, 1], [-1, 0, 1])
    np.testing.assert_allclose(found[0, 2, :, 2], [-1, -0.5, 0, 0.5, 1])


@pytest.mark.parametrize("name", MODELS)
def test_dropout_and_shifts_are_for_training_alone(name):
    model, params, pictures, before = given(name)
    plain = quick_jit(model.apply)({"params": params}, pictures, before)
    for more in ({"dropout": 0.5}, {"shift": 2}):
        run = quick_jit(model.clone(**more).apply, static_argnames="training")
        assert_close(run({"params": params}, pictures, before), plain)
        rngs = {"dropout": jax.random.key(2)}
        trained = run({"params": params}, pictures, before, training=True, rngs=rngs)
        assert np.abs(trained - plain).max() > 1e-3, more
