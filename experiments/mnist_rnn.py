"""Reads handwritten digits row by row with a recurrent network.

An image is a sequence of 28 rows (time steps) of 28 pixels (features). The last output of the
network goes through one dense layer to the ten digits.

    python experiments/mnist_rnn.py --cell=gru           # recommended: 0.989 in about a minute
    python experiments/mnist_rnn.py --preset=keras50     # the first article's: 0.93, in seconds

The presets have the sizes, the batch order and the initial distributions of three articles;
``--helpshort`` lists all flags. Without a prepared MNIST and without a network, the 1,797 small
digits inside scikit-learn stand in for it, and the script says so.
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
from flax import linen as nn
from optax import softmax_cross_entropy_with_integer_labels as cross_entropy

import rnnjax
import rnnjax.experiment as xp
from rnnjax.activations import ACTIVATIONS
from rnnjax.data import mnist
from rnnjax.data.baseline import ridge_metrics
from rnnjax.export import Array, Model
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.models import SequenceClassifier
from rnnjax.reports import plots

KERAS = {"cell": "simple_rnn", "learning_rate": 1e-3, "schedule": "constant"}
KERAS50 = {"hidden_size": 50, "batch_size": 50, "shuffle": False, "steps": 4001, "eval_every": 500}
KERAS32 = {"hidden_size": 32, "batch_size": 64, "epochs": 10}
PRESETS = {
    "keras50": KERAS | KERAS50,
    "keras32": KERAS | KERAS32,
    "torch32": KERAS | KERAS32 | {"initialization": "torch"},
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(xp.Config):
    dataset: str = xp.setting("auto", "which images", choices=mnist.DATASETS)
    cell: str = xp.setting("gru", "recurrent cell", choices=rnnjax.CELLS)
    activation: str = xp.setting("tanh", "activation of the cell", choices=ACTIVATIONS)
    initialization: str = xp.setting("keras", "initial distributions", choices=INITIALIZATIONS)
    shuffle: bool = xp.setting(True, "a new order each epoch, not that of the file")
    batch_size: int = xp.setting(64, "examples per step", at_least=1)
    learning_rate: float = xp.setting(3e-3, "learning rate of the first step", positive=True)
    schedule: str = xp.setting("cosine", "how the learning rate falls", choices=xp.SCHEDULES)
    steps: int | None = xp.setting(4000, "updates in the whole run", at_least=1)


def build_model(config: Config, num_features: int, num_classes: int) -> SequenceClassifier:
    """The recurrent layers, one above the other, and a dense layer to the classes."""
    options: Any = {"activation": config.activation, "initialization": config.initialization}
    layer = xp.build_layer(config, num_features, **options)
    return SequenceClassifier(layer, num_classes, config.initialization)


def scale(images: Any) -> jax.Array:
    """Pixels from 0..255 to 0..1."""
    return jnp.asarray(images, jnp.float32) / 255


def problem(
    config: Config,
    layout: xp.Layout,
    data: mnist.ImageDataset,
    build: Callable[[Config, int, int], nn.Module] = build_model,
    read: Callable[[Any], jax.Array] = scale,
) -> xp.Problem:
    """What is to be learnt: by the model that `build` makes, which sees the images by `read`."""
    example = jax.eval_shape(read, data.train_images[:1])
    model = build(config, example.shape[-1], len(data.class_names))
    logits = xp.applying(config, model, read)
    init, arrays = xp.initializing(model, example), (data.train_images, data.train_labels)

    def loss(params: Any, carry: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, Any]:
        images, labels = batch
        return cross_entropy(logits(params, images), labels), carry

    predict, evaluate = xp.classifying(logits, data.test_images, data.test_labels, layout)
    return xp.Problem(
        title=xp.run_title(config, config.cell, data), dataset=data, model=model, init=init,
        keys=layout.keys(config.seed, 2), loss=loss, data=arrays, evaluate=evaluate, test=evaluate,
        batches=xp.ExampleBatches(len(data.train_labels), config.batch_size, config.shuffle),
        predict=predict, test_inputs=data.test_images, test_labels=data.test_labels,
        class_names=data.class_names, read=read,
        needs=xp.needs_of(
            config, layout, init, layer=getattr(model, "layer", None),
            time_steps=example.shape[1], data=xp.num_bytes((arrays, data.test_images)),
        ),
    )  # fmt: skip


def baselines(run: xp.Outcome) -> xp.Baselines:
    """What a linear model makes of the same pixels, all at once."""
    return {"ridge regression": ridge_metrics(run.data, scale)}


def draw(folder: Path, run: xp.Outcome) -> None:
    """The pictures: curves in the article's form, confusion matrix, wrongly read digits."""
    title, labels, names = run.problem.title, run.problem.test_labels, run.problem.class_names
    plots.plot_curves(folder / "curves.png", title, run.history)
    plots.plot_confusion(folder / "confusion.png", title, labels, run.predicted, names)
    images = run.problem.test_inputs
    plots.plot_mistakes(folder / "mistakes.png", title, images, labels, run.probabilities, names)


def trained_model(config: Config) -> Model:
    """What a run has learnt: a function of images as they are in the file."""
    name = xp.saved_dataset(config)
    side, labels = mnist.side_and_classes(name)
    model = build_model(config, side, len(labels))

    def apply(params: Any, images: jax.Array) -> Any:
        return {"logits": model.apply({"params": params}, scale(images))}

    return Model(
        title=f"{config.cell} {config.hidden_size} for {name}",
        apply=apply,
        params=xp.load_model(config, xp.initializing(model, jnp.zeros((1, side, side)))),
        inputs={"images": Array(("batch", side, side), "uint8", "white ink on black, 0 to 255")},
        outputs={"logits": "of each class; their softmax are probabilities"},
        labels=labels,
    )


EXPERIMENT = xp.Experiment(
    name="mnist_rnn", config=Config, presets=PRESETS, load=mnist.load, problem=problem,
    baselines=baselines, draw=draw, trained_model=trained_model,
    report=lambda run: {"classes": xp.show_class_scores(run)},
)  # fmt: skip

if __name__ == "__main__":
    xp.launch(EXPERIMENT)
