"""Trains the `keras50` configuration with rnnjax and with Keras on TensorFlow, in turn.

    pip install -e '.[bench]'
    python benchmarks/keras50.py --data_dir=DIR

Both train SimpleRNN(50) and Dense(10) on the same 60,000 images in the same order: 4,001 batches of
50, Adam 0.001. Each round is a fresh process per side; the sides take turns. "whole" is the time
from the call that trains to the end, compilation included; "per step" leaves the first steps out,
in which Keras compiles. Imports and the loading of the data are outside of both.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from typing import Any

import numpy as np
from absl import app, flags
from rich.console import Console
from rich.table import Table

NUM_STEPS, BATCH_SIZE, WARM_UP = 4001, 50, 401

_SIDE = flags.DEFINE_enum("side", None, ["rnnjax", "keras"], "run one side only, print JSON")
_ROUNDS = flags.DEFINE_integer("rounds", 5, "processes per side", lower_bound=1)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "folder with prepared TFDS data")


def images_and_labels() -> tuple[np.ndarray, np.ndarray]:
    from rnnjax.data import mnist

    data = mnist.load("mnist", _DATA_DIR.value)
    return data.train_images.astype(np.float32) / 255, data.train_labels


def train_rnnjax(images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    import jax
    import optax

    import rnnjax
    from rnnjax.models import SequenceClassifier
    from rnnjax.training.batches import ExampleBatches
    from rnnjax.training.loop import Trainer, init_state

    model = SequenceClassifier(rnnjax.SimpleRNN(28, 50), 10)
    key = jax.random.key(0)
    params = model.init(key, images[:1])
    optimizer = optax.adam(1e-3)

    def loss(params, carry, batch, key):
        x, y = batch
        logits: Any = model.apply(params, x)
        return optax.softmax_cross_entropy_with_integer_labels(logits, y), carry

    batches = ExampleBatches(len(labels), BATCH_SIZE, shuffle=False)
    start = time.perf_counter()
    trainer = Trainer(loss, optimizer, batches, (images, labels), key)
    state = init_state(params, optimizer)
    trainer.compile(state)
    for newest, _ in trainer.run(state, WARM_UP):
        state = newest
    warm = time.perf_counter()
    for _ in trainer.run(state, NUM_STEPS):
        pass
    end = time.perf_counter()
    return end - start, (end - warm) / (NUM_STEPS - WARM_UP)


def train_keras(images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    import keras  # pyright: ignore[reportMissingImports]

    model = keras.Sequential([keras.layers.SimpleRNN(50), keras.layers.Dense(10, "softmax")])
    start = time.perf_counter()
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    options = {"batch_size": BATCH_SIZE, "shuffle": False, "verbose": 0}
    first = WARM_UP * BATCH_SIZE
    model.fit(images[:first], labels[:first], **options)
    warm = time.perf_counter()
    model.fit(images, labels, epochs=3, **options)
    end = time.perf_counter()
    return end - start, (end - warm) / (NUM_STEPS - WARM_UP)


def run_side(side: str) -> None:
    train = {"rnnjax": train_rnnjax, "keras": train_keras}[side]
    whole, per_step = train(*images_and_labels())
    print(json.dumps({"whole": whole, "per_step": per_step}))


def main(arguments: list[str]) -> None:
    if _SIDE.value is not None:
        run_side(_SIDE.value)
        return
    results: dict[str, list[dict[str, float]]] = {"rnnjax": [], "keras": []}
    for _ in range(_ROUNDS.value):
        for side, measured in results.items():
            command = [sys.executable, *arguments, f"--side={side}"]
            if _DATA_DIR.value is not None:
                command.append(f"--data_dir={_DATA_DIR.value}")
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            measured.append(json.loads(done.stdout.splitlines()[-1]))
    table = Table(title=f"keras50, {_ROUNDS.value} rounds: median (lowest to highest)")
    for column in ("", "rnnjax", "Keras on TensorFlow", "ratio, round by round"):
        table.add_column(column)
    for name, scale, unit in (("whole", 1.0, "s"), ("per_step", 1e3, "ms")):
        ours, theirs = ([scale * r[name] for r in results[side]] for side in results)
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
        table.add_row(
            name.replace("_", " "), *(spread(v, unit) for v in (ours, theirs)), spread(ratios, "")
        )
    Console().print(table)


def spread(values: list[float], unit: str) -> str:
    return f"{statistics.median(values):.2f} {unit} ({min(values):.2f} to {max(values):.2f})"


if __name__ == "__main__":
    app.run(main)
