"""Asks recurrent layers how far they remember, on tasks made for it and on images pixel by pixel.

    python experiments/long_memory.py --preset=adding     # two marked numbers among 600
    python experiments/long_memory.py --preset=copy       # ten symbols, said again after 300 steps
    python experiments/long_memory.py --preset=parity     # bits, five times as many as in training
    python experiments/long_memory.py --preset=pixel      # MNIST, a pixel at a time, 784 steps

An answer that needs no memory has a score that is known: it is printed, drawn, and stands in
result.json; what stays there has remembered nothing. Layers that are linear in their state
(``--cell=lru``, ``min_gru``, ``min_lstm``, ``rg_lru``) are put into residual blocks, without which
they could bend nothing; ``--blocks`` does so with the others, too.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnjax.outset import begin

if __name__ == "__main__":
    begin()  # before the imports, which take seconds

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

import rnnjax.experiment as xp
from rnnjax import Stack
from rnnjax.data import long_sequences, mnist
from rnnjax.data.long_sequences import LongSequences
from rnnjax.data.memory_tasks import NUM_SYMBOLS
from rnnjax.export import Array, Model
from rnnjax.models import ResidualBlocks, SequenceClassifier, SequenceTagger
from rnnjax.models.sequence_layers import LAYERS, LINEAR_LAYERS
from rnnjax.reports import plots
from rnnjax.reports.memory import plot_by_place, plot_sums
from rnnjax.training.memory_losses import EACH_STEP, losses, right, scoring

PIXEL = {
    "task": "pixel_mnist", "cell": "lru", "blocks": True, "num_layers": 2, "readout": "mean",
    "largest_angle": 1.0, "learning_rate": 8e-3, "steps": 4000, "eval_every": 1000,
}  # fmt: skip
PRESETS = {
    "adding": {
        "task": "adding", "length": 600, "shortest": 10, "num_train": 20_000, "steps": 3000,
        "learning_rate": 5e-3, "average": 0.99,
    },
    "copy": {
        "task": "copy", "length": 300, "num_train": 20_000, "cell": "lru", "blocks": True,
        "hidden_size": 64, "least_radius": 0.99, "largest_radius": 0.9999, "steps": 1000,
    },
    "parity": {
        "task": "parity", "length": 40, "test_length": 200, "hidden_size": 16, "steps": 1500,
        "learning_rate": 1e-2,
    },
    "pixel": PIXEL,
    "permuted": PIXEL | {"task": "permuted_mnist"},
}  # fmt: skip
KIND = "sequences.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(xp.Config):
    task: str = xp.setting("adding", "what is to be remembered", choices=long_sequences.TASKS)
    dataset: str = xp.setting("auto", "which images, pixel by pixel", choices=mnist.DATASETS)
    length: int = xp.setting(100, "steps of made-up sequences; of copy the blanks", at_least=2)
    test_length: int | None = xp.setting(
        None, "another length of those to test with; not of copy", at_least=2
    )
    shortest: int | None = xp.setting(
        None,
        "with --task=adding, let every second one to learn from be shorter, down to this",
        at_least=2,
    )
    num_train: int = xp.setting(10_000, "made-up sequences to learn from", at_least=1)
    cell: str = xp.setting("gru", "recurrent layer", choices=LAYERS)
    hidden_size: int = xp.setting(32, "units of each recurrent layer", at_least=1)
    blocks: bool = xp.setting(False, "put each layer into a residual block")
    readout: str = xp.setting(
        "last", "with --blocks, what a single answer is read from", choices=("last", "mean")
    )
    least_radius: float = xp.setting(
        0.9, "with --cell=lru, the least absolute value of a factor at first", at_least=0, below=1
    )
    largest_radius: float = xp.setting(0.999, "the largest one", above=0, at_most=1)
    largest_angle: float = xp.setting(
        2 * math.pi, "the largest angle of a factor at first, in radians", positive=True
    )
    batch_size: int = xp.setting(32, "sequences per step", at_least=1)
    learning_rate: float = xp.setting(3e-3, "learning rate of the first step", positive=True)
    schedule: str = xp.setting("cosine", "how the rate falls", choices=xp.SCHEDULES)
    clip_norm: float | None = xp.setting(1.0, "largest norm of the gradient", positive=True)
    steps: int | None = xp.setting(3000, "updates in the whole run", at_least=1)
    remat: bool = xp.setting(
        False, "keep a state for about every √T steps only, and compute the others again",
        changes_result=False,
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.task == "copy" and self.test_length is not None:
            raise xp.UsageError("--task=copy is asked at its own length; leave --test_length out.")
        of_others = self.task in long_sequences.TASKS and self.task != "adding"
        if self.shortest is not None and (of_others or self.shortest > self.length):
            raise xp.UsageError(
                f"--shortest={self.shortest} is of --task=adding, and at most its --length="
                f"{self.length}; leave it out of --task={self.task}."
            )
        if self.cell in LINEAR_LAYERS and not self.blocks:
            raise xp.UsageError(
                f"--cell={self.cell} is linear in its state and learns next to nothing without "
                "blocks; leave --noblocks out."
            )
        if not self.least_radius < self.largest_radius:
            raise xp.UsageError(
                f"--least_radius={self.least_radius} must be below --largest_radius="
                f"{self.largest_radius}."
            )

    @classmethod
    def suited_to(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"blocks": True} if given.get("cell") in LINEAR_LAYERS else {}


def load(
    dataset: str, data_dir: str | None, *, task: str, length: int, test_length: int | None,
    shortest: int | None, num_train: int, progress: Any = None,
) -> LongSequences:  # fmt: skip
    """The sequences that the settings name."""
    if task in long_sequences.PIXELS:
        return long_sequences.pixels(task, dataset, data_dir, progress)
    if task == long_sequences.WORMS:
        return long_sequences.worms(data_dir)
    return long_sequences.made_up(
        task, length, test_length=test_length, shortest=shortest, number=num_train
    )


def build_model(config: Config, num_features: int, num_outputs: int) -> nn.Module:
    """Layers one above the other, or each in a block, and a dense layer to the answer."""
    size, each_step = config.hidden_size, config.task in EACH_STEP
    options: dict[str, Any] = {}
    if config.cell == "lru":
        names = ("least_radius", "largest_radius", "largest_angle")
        options = {name: getattr(config, name) for name in names}
    remat = "auto" if config.remat else None
    if config.blocks:
        layers = [LAYERS[config.cell](size, size, **options) for _ in range(config.num_layers)]
        readout = "all" if each_step else config.readout
        return ResidualBlocks(tuple(layers), num_outputs, readout, remat_chunk=remat)
    sizes = [num_features] + [size] * config.num_layers
    cells = [LAYERS[config.cell](d, size) for d in sizes[:-1]]
    layer = cells[0] if len(cells) == 1 else Stack(tuple(cells))
    return (SequenceTagger if each_step else SequenceClassifier)(layer, num_outputs)


def as_inputs(task: str, given: Any) -> jax.Array:
    """The sequences as numbers ``[B, T, D]``: symbols one-hot, pixels from 0 to 1."""
    if task == "copy":
        return jax.nn.one_hot(given, NUM_SYMBOLS + 2)
    if task in long_sequences.PIXELS:
        return jnp.asarray(given, jnp.float32)[..., None] / 255
    xs = jnp.asarray(given, jnp.float32)
    return xs[..., None] if task == "parity" else xs


def answering(config: Config, model: nn.Module) -> Any:
    """``answers(params, inputs)``: sums ``[B]``, logits ``[B, C]`` or ``[B, T, C]``."""
    apply = xp.applying(config, model, functools.partial(as_inputs, config.task))

    def answers(params: Any, inputs: Any) -> jax.Array:
        found = apply(params, inputs)
        found = found[1] if isinstance(found, tuple) else found  # without the last carry
        return found[..., 0] if config.task == "adding" else found

    return answers


def problem(config: Config, layout: xp.Layout, data: LongSequences) -> xp.Problem:
    """What is to be learnt: the answer to each sequence, or at each step."""
    task, read = config.task, functools.partial(as_inputs, config.task)
    example = jax.eval_shape(read, data.train.inputs[:1])
    model = build_model(config, example.shape[-1], max(1, len(data.class_names)))
    answers, init = answering(config, model), xp.initializing(model, example)

    def loss(params: Any, carry: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, Any]:
        inputs, targets = batch
        return losses(task, answers(params, inputs), targets), carry

    predict, metrics = {}, {}
    for part in ("validation", "test"):
        own = getattr(data, part)
        predict[part] = xp.remembered(xp.Predictor(answers, own.inputs, 250, layout))
        metrics[part] = scoring(task, predict[part], own.targets, part)
    arrays = tuple(data.train)
    layer = model.layers[0] if isinstance(model, ResidualBlocks) else getattr(model, "layer", None)
    return xp.Problem(
        title=xp.run_title(config, config.cell, data, *["in blocks"] * config.blocks),
        dataset=data, model=model, init=init, keys=layout.keys(config.seed, 2), loss=loss,
        data=arrays, evaluate=metrics["validation"], test=metrics["test"], watched="validation",
        batches=xp.ExampleBatches(len(arrays[1]), config.batch_size, shuffle=True),
        predict=predict["test"], test_inputs=data.test.inputs, test_labels=data.test.targets,
        class_names=data.class_names,
        files={KIND: json.dumps([data.train.inputs.shape[1:], data.class_names]) + "\n"},
        needs=xp.needs_of(
            config, layout, init, layer=layer, time_steps=data.num_steps,
            data=xp.num_bytes((arrays, tuple(data.validation), tuple(data.test))),
            data_flags="--length or --num_train", outputs=config.num_layers * config.hidden_size,
        ),
    )  # fmt: skip


def draw(folder: Path, run: xp.Outcome) -> None:
    """The curves above what needs no memory; and what was right where."""
    title, data, task = run.problem.title, run.data, run.config.task
    limits = {name: figures["test_loss"] for name, figures in data.known.items()}
    plots.plot_curves(folder / "curves.png", title, run.history, "validation", loss_limits=limits)
    answers, targets = run.of_seed(0)[1], data.test.targets
    if task == "adding":
        plot_sums(folder / "sums.png", title, np.asarray(answers), targets)
    elif task in EACH_STEP:
        shares = np.asarray(right(task, answers, jnp.asarray(targets)).mean(axis=0))
        chance = next(iter(data.known.values()))["test_accuracy"]
        place = "symbol, counted from the first" if task == "copy" else "bits read"
        learnt = run.config.length if task == "parity" else None
        plot_by_place(folder / "by_place.png", title, shares, place, chance, learnt)
    else:
        plots.plot_confusion(
            folder / "confusion.png", title, targets, run.predicted, data.class_names
        )


def trained_model(config: Config) -> Model:
    """What a run has learnt: a function of sequences of the length that it was trained with."""
    shape, names = json.loads(xp.read_file(config, KIND))
    example = jax.eval_shape(functools.partial(as_inputs, config.task), jnp.zeros((1, *shape)))
    model = build_model(config, example.shape[-1], max(1, len(names)))
    answers = answering(config, model)
    kind = "int32" if len(shape) == 1 else "float32"
    return Model(
        title=f"{config.cell} {config.hidden_size} for {config.task}", labels=names,
        apply=lambda params, sequences: {"answers": answers(params, sequences)},
        params=xp.load_model(config, xp.initializing(model, example)),
        inputs={"sequences": Array(("batch", *shape), kind, f"as {config.task} has them")},
        outputs={"answers": "sums, or logits of the classes"},
    )  # fmt: skip


EXPERIMENT = xp.Experiment(
    name="long_memory", config=Config, presets=PRESETS, load=load,
    load_by=("task", "length", "test_length", "shortest", "num_train"), problem=problem, draw=draw,
    describe=lambda config, data: [data.described()], trained_model=trained_model,
    baselines=lambda run: run.data.baselines(),
)  # fmt: skip

if __name__ == "__main__":
    xp.launch(EXPERIMENT)
