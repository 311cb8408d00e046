"""Tells who speaks, from a few vowels: sequences of unequal lengths, one class each.

    python experiments/speaker.py --data_dir=DIR --num_seeds=10      # Japanese vowels, nine men
    python experiments/speaker.py --train_file=MINE_TRAIN.ts --test_file=MINE_TEST.ts
    python experiments/speaker.py --dataset=drifting_voices          # made up; the limit is known

The output of the last real step goes through one dense layer to the classes. Sequences are padded
to one length and masked, so that the result depends neither on where padding stands nor on the
other sequences of a batch. Without the data, made-up voices stand in, which differ in pairs only in
how fast they change.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnjax.outset import begin

if __name__ == "__main__":
    begin()  # before the imports, which take seconds

import jax
import jax.numpy as jnp
import numpy as np
from optax import softmax_cross_entropy_with_integer_labels as cross_entropy

import rnnjax
import rnnjax.experiment as xp
from rnnjax.analysis.growing import by_beginning
from rnnjax.data import sequence_baselines, speakers
from rnnjax.data.labelled_sequences import LabelledSequences
from rnnjax.export import Array, Model
from rnnjax.models import SequenceClassifier
from rnnjax.reports import plots
from rnnjax.reports.growing import Growing, plot_growing

PRESETS = {  # of MATLAB's tutorial
    "lstm100": {"bidirectional": False, "noise": 0.0, "learning_rate": 1e-3, "schedule": "constant"}
}
SUITED = {"drifting_voices": {"noise": 0.0, "epochs": 20, "batch_size": 32}}
KIND = "classes.json"
EVERY = 5
NUM_SHOWN = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(xp.Config):
    dataset: str = xp.setting("auto", "which sequences", choices=speakers.DATASETS)
    train_file: str | None = xp.setting(
        None, "a .ts file of the UEA archive to learn from instead", is_path=True
    )
    test_file: str | None = xp.setting(None, "another one to test with", is_path=True)
    cell: str = xp.setting("lstm", "recurrent cell", choices=rnnjax.CELLS)
    hidden_size: int = xp.setting(100, "units of each recurrent layer", at_least=1)
    bidirectional: bool = xp.setting(True, "read both ways")
    noise: float = xp.setting(
        0.6, "in training, deviation of what is added to each number, in those of its feature",
        at_least=0,
    )  # fmt: skip
    batch_size: int = xp.setting(27, "sequences per step", at_least=1)
    learning_rate: float = xp.setting(3e-3, "learning rate of the first step", positive=True)
    schedule: str = xp.setting("cosine", "how the rate falls", choices=xp.SCHEDULES)
    clip_norm: float | None = xp.setting(1.0, "largest norm of the gradient", positive=True)
    epochs: int | None = xp.setting(100, "passes over the training sequences", at_least=1)
    hold_out: bool = xp.setting(
        False, f"validate with every {EVERY}th training sequence, which is not learnt from"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.train_file is None) != (self.test_file is None):
            raise xp.UsageError("--train_file and --test_file belong together; give both files.")

    @classmethod
    def suited_to(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return SUITED.get(given.get("dataset", ""), {})


def load(
    dataset: str, data_dir: str | None, *, train_file: str | None, test_file: str | None,
    progress: Any,
) -> LabelledSequences:  # fmt: skip
    """The sequences that the settings name."""
    files = None if train_file is None or test_file is None else (train_file, test_file)
    return speakers.load(dataset, data_dir, files=files, progress=progress)


def build_model(config: Config, num_features: int, num_classes: int) -> SequenceClassifier:
    """The recurrent layers and a dense layer to the classes."""
    layer = xp.build_layer(config, num_features)
    both = rnnjax.Bidirectional(layer) if config.bidirectional else layer
    return SequenceClassifier(both, num_classes)


def problem(config: Config, layout: xp.Layout, data: LabelledSequences) -> xp.Problem:
    """What is to be learnt: the class of each sequence."""
    num_features = data.train.values.shape[-1]
    model = build_model(config, num_features, len(data.class_names))
    apply, init = xp.applying(config, model), initial(model, num_features)
    held_out = np.arange(len(data.train.labels)) % EVERY == EVERY - 1 if config.hold_out else None
    train = data.train if held_out is None else data.train.chosen(~held_out)

    def logits(params: Any, inputs: Any) -> jax.Array:
        values, mask = inputs
        return apply(params, values, mask=mask)

    noise = config.noise * train.values[train.mask].std(axis=0)

    def loss(params: Any, carry: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, Any]:
        (values, mask), labels = batch
        if config.noise:
            values += noise * jax.random.normal(key, values.shape)
        return cross_entropy(logits(params, (values, mask)), labels), carry

    inputs = data.test.values, data.test.mask
    predict, test = xp.classifying(logits, inputs, data.test.labels, layout)
    evaluate, watched = test, "test"
    if held_out is not None:
        own, watched = data.train.chosen(held_out), "validation"
        _, evaluate = xp.classifying(logits, (own.values, own.mask), own.labels, layout, watched)
    arrays = (train.values, train.mask), train.labels
    return xp.Problem(
        title="bidirectional " * config.bidirectional + xp.run_title(config, config.cell, data),
        dataset=data, model=model, init=init, keys=layout.keys(config.seed, 2), loss=loss,
        data=arrays, evaluate=evaluate, test=test, watched=watched, predict=predict,
        batches=xp.ExampleBatches(len(train.labels), config.batch_size, shuffle=True),
        test_inputs=inputs, test_labels=data.test.labels, class_names=data.class_names,
        files={KIND: json.dumps([num_features, *data.class_names]) + "\n"},
        needs=xp.needs_of(
            config, layout, init, layer=model.layer, time_steps=train.values.shape[1],
            data=xp.num_bytes((arrays, inputs)),
        ),
    )  # fmt: skip


def initial(model: SequenceClassifier, num_features: int) -> Any:
    """The function that draws the model's parameters."""
    return xp.initializing(model, jax.ShapeDtypeStruct((1, 2, num_features), jnp.float32))


def report(run: xp.Outcome) -> dict[str, Any]:
    """The scores of the classes, and the best accuracy where it is known."""
    found: dict[str, Any] = {"classes": xp.show_class_scores(run)}
    if run.data.best_accuracy is not None:
        run.console.print(f"best possible test accuracy {run.data.best_accuracy:.4f}")
        found["best_accuracy"] = run.data.best_accuracy
    return found


def draw(folder: Path, run: xp.Outcome) -> None:
    """The curves, the confusion matrix, and probabilities that grow with what was heard."""
    title, test, names = run.problem.title, run.data.test, run.problem.class_names
    prefix = run.problem.watched
    plots.plot_curves(folder / "curves.png", title, run.history, prefix)
    plots.plot_confusion(folder / "confusion.png", title, test.labels, run.predicted, names)
    params, outputs = run.of_seed(0)
    wrong = np.flatnonzero(outputs.argmax(axis=-1) != test.labels)[:1]
    right = np.flatnonzero(outputs.argmax(axis=-1) == test.labels)
    apart = [right[test.labels[right] == k][:1] for k in np.unique(test.labels[right])]
    shown = np.concatenate((*apart[: NUM_SHOWN - len(wrong)], wrong)).tolist()
    apply = xp.applying(run.config, run.problem.model)
    sequences = []
    for i in shown:
        values = test.values[i, : test.lengths[i]]
        likely = by_beginning(lambda p, xs, mask: apply(p, xs, mask=mask), params, values)
        name = f"test sequence {i + 1}, " + ("wrong in the end" if i in wrong else "right")
        sequences.append(Growing(name, values, likely, int(test.labels[i])))
    plot_growing(folder / "growing.png", title, sequences, names)


def trained_model(config: Config) -> Model:
    """What a run has learnt: a function of sequences and where they have steps."""
    num_features, *names = json.loads(xp.read_file(config, KIND))
    model = build_model(config, num_features, len(names))

    def apply(params: Any, values: jax.Array, mask: jax.Array) -> Any:
        return {"logits": model.apply({"params": params}, values, mask=mask)}

    return Model(
        title=f"{config.cell} {config.hidden_size} for {xp.saved_dataset(config)}", apply=apply,
        params=xp.load_model(config, initial(model, num_features)), labels=names,
        inputs={
            "values": Array(("batch", "time", num_features), "float32", "of each step"),
            "mask": Array(("batch", "time"), "bool", "where there are steps"),
        },
        outputs={"logits": "of each class; their softmax are probabilities"},
    )  # fmt: skip


EXPERIMENT = xp.Experiment(
    name="speaker", config=Config, presets=PRESETS, load=load, load_by=("train_file", "test_file"),
    problem=problem, describe=lambda config, data: [data.described()], report=report, draw=draw,
    trained_model=trained_model, baselines=lambda run: sequence_baselines.metrics(run.data),
)  # fmt: skip

if __name__ == "__main__":
    xp.launch(EXPERIMENT)
