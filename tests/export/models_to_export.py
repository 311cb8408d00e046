"""Small models of every kind that is exported, with random parameters."""

from __future__ import annotations

import zlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax import GRU, LSTM, Bidirectional, LearnedCarry, Residual, SimpleRNN, Stack
from rnnjax.export import Array, Model, carry_arrays
from rnnjax.models import SequenceClassifier, SequenceTagger, TextClassifier
from tests.cells_under_test import random_like

TOKENS = Array(("batch", "time"), "int32", "indices of words", below=20)
MASK = Array(("batch", "time"), "bool", "where there are words")


def params_of(name: str, module: Any, *inputs: Any) -> Any:
    """Random ones, because those that a model starts with are too small to tell outputs apart."""
    shapes = jax.eval_shape(module.init, jax.random.key(0), *inputs)["params"]
    return random_like(np.random.default_rng(zlib.crc32(name.encode())), shapes, 0.6)


def images() -> Model:
    module = SequenceClassifier(Stack((GRU(5, 8), SimpleRNN(8, 6))), num_classes=3)

    def apply(params: Any, images: jax.Array) -> Any:
        return {"logits": module.apply({"params": params}, images.astype(jnp.float32) / 255)}

    return Model(
        title="images",
        apply=apply,
        params=params_of("images", module, jnp.zeros((1, 7, 5))),
        inputs={"images": Array(("batch", 7, 5), "uint8", "pixels")},
        outputs={"logits": "one for each class"},
        labels=("zero", "one", "two"),
    )


def text(name: str, layer: Any, *, masked: bool, **options: Any) -> Model:
    module = TextClassifier(20, 4, layer, dropout=0.5, word_dropout=0.3, **options)

    def apply(params: Any, tokens: jax.Array, mask: jax.Array | None = None) -> Any:
        return {"logits": module.apply({"params": params}, tokens, mask=mask)}

    return Model(
        title=name,
        apply=apply,
        params=params_of(name, module, jnp.zeros((1, 2), jnp.int32)),
        inputs={"tokens": TOKENS, "mask": MASK} if masked else {"tokens": TOKENS},
        outputs={"logits": "positive means a good review"},
        notes="Rare words are index 2.",
        files={"vocabulary.json": "[]"},
    )


def stream(name: str, layer: Any) -> Model:
    module = SequenceTagger(layer, num_classes=2)

    def apply(params: Any, bits: jax.Array, carry: Any) -> Any:
        xs = bits[..., None].astype(jnp.float32)
        outputs: Any = module.apply({"params": params}, xs, carry)
        return {"next_carry": outputs[0], "logits": outputs[1]}

    return Model(
        title=name,
        apply=apply,
        params=params_of(name, module, jnp.zeros((1, 1, 1))),
        inputs={
            "bits": Array(("batch", "time"), "int32", "the stream", below=2),
            "carry": carry_arrays(layer, "the state; zeros at first"),
        },
        outputs={"next_carry": "the state afterwards", "logits": "for each step"},
    )


MODELS_TO_EXPORT = {
    model.title: model
    for model in (
        images(),
        text("masked, both ways", Bidirectional(LSTM(4, 6)), masked=True, pooling="max_mean"),
        text(
            "masked, both ways, last",
            Stack((Bidirectional(GRU(4, 5)), Bidirectional(LSTM(10, 3)))),
            masked=True,
            hidden_units=5,
        ),
        text("not masked", LearnedCarry(LSTM(4, 6)), masked=False, initialization="torch"),
        stream("stream", SimpleRNN(1, 6)),
        stream("deep stream", Stack((LSTM(1, 4), Residual(GRU(4, 4))))),
    )
}
