"""Reads handwritten digits row by row with a recurrent network.

An image is a sequence of 28 rows (time steps) of 28 pixels (features). The last output of the
network goes through one dense layer to the ten digits.

    python experiments/mnist_rnn.py --cell=gru           # recommended: 0.989 in about a minute
    python experiments/mnist_rnn.py --preset=keras50     # the first article's: 0.93, in seconds

The presets have the sizes, the batch order and the initial distributions of three articles;
``--helpshort`` lists all flags. Without a prepared MNIST and without a network, the script falls
back on the 1,797 small digits inside scikit-learn, and says so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rnnjax.outset import begin

if __name__ == "__main__":
    begin()  # before the imports, which take seconds

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from rich.console import Console

import rnnjax
from rnnjax.activations import ACTIVATIONS
from rnnjax.data import mnist
from rnnjax.data.image_sources import DIGITS
from rnnjax.devices.layout import Layout
from rnnjax.export import Array, Model
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.models import SequenceClassifier
from rnnjax.reports import plots
from rnnjax.reports import tables as reports
from rnnjax.runs.folder import read_config
from rnnjax.training.batches import ExampleBatches
from rnnjax.training.evaluation import Predictor, classification_metrics
from rnnjax.training.needs import needs_of, num_bytes
from rnnjax.training.problem import Problem

try:
    from experiments import common
except ModuleNotFoundError:  # started as a file: its own folder is where Python looks
    import common

TASK = "mnist_rnn"

KERAS = {"cell": "simple_rnn", "learning_rate": 1e-3, "schedule": "constant"}
KERAS50 = {"hidden_size": 50, "batch_size": 50, "shuffle": False, "steps": 4001, "eval_every": 500}
KERAS32 = {"hidden_size": 32, "batch_size": 64, "epochs": 10}
PRESETS = {
    "keras50": KERAS | KERAS50,
    "keras32": KERAS | KERAS32,
    "torch32": KERAS | KERAS32 | {"initialization": "torch"},
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(common.Config):
    dataset: str = common.setting("auto", "which images", choices=mnist.DATASETS)
    cell: str = common.setting("gru", "recurrent cell", choices=rnnjax.CELLS)
    activation: str = common.setting("tanh", "activation of the cell", choices=ACTIVATIONS)
    initialization: str = common.setting("keras", "initial distributions", choices=INITIALIZATIONS)
    shuffle: bool = common.setting(True, "a new order each epoch, not that of the file")
    batch_size: int = common.setting(64, "examples per step", at_least=1)
    learning_rate: float = common.setting(3e-3, "learning rate of the first step", positive=True)
    schedule: str = common.setting(
        "cosine", "how the learning rate falls", choices=common.SCHEDULES
    )
    steps: int | None = common.setting(4000, "updates in the whole run", at_least=1)


def build_model(config: Config, num_features: int, num_classes: int) -> SequenceClassifier:
    """The recurrent layers, one above the other, and a dense layer to the classes."""
    layer = common.build_layer(
        rnnjax.CELLS[config.cell],
        num_features,
        config.hidden_size,
        config.num_layers,
        activation=config.activation,
        initialization=config.initialization,
    )
    return SequenceClassifier(layer, num_classes, config.initialization)


def scale(images: Any) -> jax.Array:
    """Pixels from 0..255 to 0..1."""
    return jnp.asarray(images, jnp.float32) / 255


def trained_model(config: Config) -> Model:
    """What a run has learnt: a function of images as they are in the file."""
    name = read_config(str(config.workdir))["dataset"]["name"]
    side = 8 if name == "digits" else 28
    labels = mnist.SOURCES[name].class_names if name in mnist.SOURCES else DIGITS
    model = build_model(config, side, len(labels))
    params = common.load_model(
        config, lambda key: model.init(key, jnp.zeros((1, side, side)))["params"]
    )

    def apply(params: Any, images: jax.Array) -> Any:
        return {"logits": model.apply({"params": params}, scale(images))}

    return Model(
        title=f"{config.cell} {config.hidden_size} for {name}",
        apply=apply,
        params=params,
        inputs={"images": Array(("batch", side, side), "uint8", "white ink on black, 0 to 255")},
        outputs={"logits": "of each class; their softmax are probabilities"},
        labels=labels,
    )


def problem(
    config: Config,
    layout: Layout,
    data: mnist.ImageDataset,
    build: Callable[[Config, int, int], nn.Module] = build_model,
    read: Callable[[Any], jax.Array] = scale,
) -> Problem:
    """What is to be learnt: by the model that `build` makes, which sees the images by `read`."""
    example = jax.eval_shape(read, data.train_images[:1])
    model = build(config, example.shape[-1], len(data.class_names))
    apply = common.applying(config, model)
    batches = ExampleBatches(len(data.train_labels), config.batch_size, config.shuffle)
    arrays = (data.train_images, data.train_labels)

    def init(key: jax.Array) -> Any:
        return model.init(key, jnp.zeros(example.shape, example.dtype))["params"]

    needs = needs_of(
        config, layout, init, layer=getattr(model, "layer", None), time_steps=example.shape[1],
        data=num_bytes((arrays, data.test_images)),
    )  # fmt: skip

    def logits(params: Any, images: jax.Array) -> jax.Array:
        return apply(params, read(images))

    def loss(params: Any, carry: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, Any]:
        images, labels = batch
        losses = optax.softmax_cross_entropy_with_integer_labels(logits(params, images), labels)
        return losses, carry

    predict = Predictor(logits, data.test_images, layout=layout)

    def evaluate(params: Any) -> dict[str, np.ndarray]:
        return classification_metrics(predict(params), data.test_labels)

    return Problem(
        title=common.run_title(config, config.cell, data), dataset=data, model=model,
        init=init, keys=layout.keys(config.seed, 2), batches=batches, data=arrays, loss=loss,
        evaluate=evaluate, test=evaluate, predict=predict, test_inputs=data.test_images,
        test_labels=data.test_labels, class_names=data.class_names, read=read, needs=needs,
    )  # fmt: skip


def run(config: Config) -> dict[str, Any]:
    console = common.open_console()
    if config.export is not None:
        return common.export(console, config, trained_model)
    if config.eval_only:
        config = common.saved_config(config)
    data = common.load(mnist.load, config, console)
    layout = common.lay_out(config)
    task = problem(config, layout, data)
    params = common.set_up(console, config, layout, task)
    if config.eval_only:
        params = common.evaluate_saved(console, config, layout, task, params)
        report(console, data, task.predict(params))
        return {}
    if config.dry_run:
        return {}

    folder = common.open_run(TASK, config, data)
    fitted = common.train(config, folder, console, layout, task, params)
    final = task.predict(fitted.params)
    scores = report(console, data, final)
    draw(folder.path, task, final, fitted.history)
    return common.finish(folder, console, TASK, config, data, fitted, {"classes": scores})


def report(console: Console, data: mnist.ImageDataset, logits: jax.Array) -> reports.ClassScores:
    """Shows precision, recall and F1 per digit."""
    predicted = np.asarray(logits.argmax(axis=-1))
    scores = reports.class_scores(data.test_labels, predicted, data.class_names)
    console.print(reports.class_table(scores, f"test set of {data.name}"))
    return scores


def draw(folder: Path, task: Problem, logits: jax.Array, history: list[dict[str, float]]) -> None:
    """The pictures: curves in the article's form, confusion matrix, wrongly read digits."""
    predicted = np.asarray(logits.argmax(axis=-1))
    probabilities = np.asarray(jax.nn.softmax(logits))
    title, labels, names = task.title, task.test_labels, task.class_names
    plots.plot_curves(folder / "curves.png", title, history)
    plots.plot_confusion(folder / "confusion.png", title, labels, predicted, names)
    mistakes = folder / "mistakes.png"
    plots.plot_mistakes(mistakes, title, task.test_inputs, labels, probabilities, names)


if __name__ == "__main__":
    common.launch(TASK, Config, PRESETS, run)
