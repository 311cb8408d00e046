"""Parameters that follow a text, against the algorithm written out with gradients by hand."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from optax import softmax_cross_entropy_with_integer_labels as cross_entropy

from rnnjax.training.dynamic_evaluation import Adapted, Rule, first_carry, following, gradient_rms
from rnnjax.training.streams import StreamReader

RNG = np.random.default_rng(0)
STREAM = RNG.integers(4, size=23)
PARAMS = {
    "last": RNG.normal(size=(4, 4)),
    "before": RNG.normal(size=(4, 4)),
    "bias": RNG.normal(size=4),
}
RMS = {name: RNG.uniform(0.01, 0.2, size=p.shape) for name, p in PARAMS.items()}


def losses(params: Any, carry: Any, xs: Any, ys: Any) -> Any:
    """Of a model whose state is the symbol before the last."""
    before = jnp.concatenate((carry[:, None], xs[:, :-1]), axis=1)
    logits = params["last"][xs] + params["before"][before] + params["bias"][None, None]
    return xs[:, -1], cross_entropy(logits, ys)


def by_hand(params: Any, before: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> Any:
    """The same in NumPy, of ``[B, T]``: the losses, and the gradient of their mean."""
    behind = np.concatenate((before[:, None], xs[:, :-1]), axis=1)
    logits = params["last"][xs] + params["before"][behind] + params["bias"]
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    right = np.eye(4)[ys]
    difference = (p - right) / xs.size
    gradient = {name: np.zeros_like(value) for name, value in params.items()}
    np.add.at(gradient["last"], xs, difference)
    np.add.at(gradient["before"], behind, difference)
    gradient["bias"] += difference.sum(axis=(0, 1))
    return -np.log((p * right).sum(axis=-1)), gradient


def expected(rate: float, decay: float, rms: Any, segment: int) -> np.ndarray:
    params = {name: value.copy() for name, value in PARAMS.items()}
    average = np.mean([value.mean() for value in rms.values()]) if rms else None
    before, found = np.zeros(1, int), []
    for begin in range(0, len(STREAM) - 1, segment):
        piece = STREAM[None, begin : begin + segment + 1]
        each, gradient = by_hand(params, before, piece[:, :-1], piece[:, 1:])
        found += [*each[0]]
        before = piece[:, -2]
        for name, trained in PARAMS.items():
            step, back = gradient[name], decay
            if rms:
                step = step / (rms[name] + 2e-5)
                back = np.minimum(decay * rms[name] / average, 1)
            params[name] += -rate * step + back * (trained - params[name])
    return np.array(found)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    ("rate", "decay", "rms"),
    [(0.7, 0.0, None), (0.7, 0.2, None), (0.05, 0.0, RMS), (0.05, 0.9, RMS)],
)
def test_every_segment_is_read_with_what_those_before_have_taught(rate, decay, rms):
    def start(rows: int) -> Any:
        return first_carry(jnp.zeros(rows, int), PARAMS)

    read = StreamReader(following(losses), STREAM, start, window=4)
    params = jax.tree.map(jnp.asarray, PARAMS)
    found = np.asarray(read(Adapted(params, Rule(rate, decay, rms))))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, expected(rate, decay, rms, 4), rtol=1e-10)
    assert np.abs(found - expected(0.0, 0.0, None, 4)).max() > 0.1


@pytest.mark.usefixtures("x64")
def test_the_statistics_are_of_all_segments():
    xs, ys = RNG.integers(4, size=(2, 3, 8))
    before, squares = np.zeros(3, int), []
    for begin in (0, 4):
        piece = xs[:, begin : begin + 4]
        squares.append(by_hand(PARAMS, before, piece, ys[:, begin : begin + 4])[1])
        before = piece[:, -1]
    params = jax.tree.map(jnp.asarray, PARAMS)
    found = gradient_rms(losses, params, jnp.zeros(3, int), jnp.asarray(xs), jnp.asarray(ys), 4)
    for name in PARAMS:
        both = np.stack([gradient[name] for gradient in squares])
        np.testing.assert_allclose(found[name], np.sqrt((both**2).mean(axis=0)), rtol=1e-10)
