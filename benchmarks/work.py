"""What is measured: models, their sizes, and the rows of the table.

Knows NumPy only, so that a process of PyTorch's or TensorFlow's never imports JAX.
"""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from benchmarks.chained import Chained
from benchmarks.drawing import work as drawing
from benchmarks.drawing.work import DrawingWork
from benchmarks.language import work as language
from benchmarks.language.work import LanguageWork
from benchmarks.tagging import work as tagging
from benchmarks.tagging.work import TaggingWork
from benchmarks.translation import work as translation
from benchmarks.translation.work import TranslationWork

NUM_GATES = {"simple_rnn": 1, "gru": 3, "lstm": 4}


class UnknownWorkError(ValueError):
    """A name that no work has."""


@dataclasses.dataclass(frozen=True)
class Work:
    """A model with one recurrent layer, and the batch that it reads.

    Attributes:
        name: as ``--work`` takes it.
        cell: "simple_rnn", "gru" or "lstm".
        batch: B, rows of a training step.
        steps: T.
        input_size: D, features of the recurrent layer's inputs.
        hidden_size: H.
        outputs: classes of the last dense layer; 1 is one logit for a label 0 or 1.
        num_words: V, if the inputs are word indices that are embedded; otherwise 0.
        dense_size: units of a dense layer with relu before the last one; 0 for none.
        bidirectional: whether the layer runs both ways.
        every_step: whether every output goes through the last dense layer, or the last one only.
        two_biases: whether the article's configuration has a second bias, for the state.
        eval_batch: rows of an evaluation.
    """

    name: str
    cell: str
    batch: int
    steps: int
    input_size: int
    hidden_size: int
    outputs: int = 10
    num_words: int = 0
    dense_size: int = 0
    bidirectional: bool = False
    every_step: bool = False
    two_biases: bool = False
    eval_batch: int = 0

    @property
    def chained(self) -> Chained:
        """The products that the floor's rate is measured by: those with the state's matrix."""
        return Chained(self.batch, self.hidden_size, NUM_GATES[self.cell], 1)

    @property
    def directions(self) -> tuple[str, ...]:
        return ("forward", "backward") if self.bidirectional else ("forward",)


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table: a work, and what is done with it.

    Attributes:
        kind: "train" (loss, gradient and Adam's update), "forward" (the outputs of a batch),
            "stream" (one step of the layer at batch 1, its carry kept), "sample" (so many symbols
            written by a language model, each drawn and read before the next) or "answer" (so many
            symbols of the most probable translation that a search finds).
        work: a `Work` or one of the packages beside it, with the batch that this row reads.
    """

    name: str
    kind: str
    work: Any

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Row:
        given = {n: tuple(v) if isinstance(v, list) else v for n, v in fields["work"].items()}
        kinds = (Work, LanguageWork, TranslationWork, DrawingWork, TaggingWork)
        work: Any = next(k for k in kinds if {f.name for f in dataclasses.fields(k)} == set(given))
        return cls(fields["name"], fields["kind"], work(**given))

    @property
    def package(self) -> str:
        """Of the modules that know rows like this one."""
        return type(self.work).__module__.rpartition(".")[0]

    def part(self, name: str) -> Any:
        """The module "work", "convert" or "floor" that knows rows like this one."""
        return importlib.import_module(f"{self.package}.{name}")


_MNIST = {"cell": "simple_rnn", "steps": 28, "input_size": 28, "eval_batch": 1000}
_IMDB = {"cell": "lstm", "batch": 64, "input_size": 32, "outputs": 1, "eval_batch": 500}
ARTICLES = (
    Work("keras50", batch=50, hidden_size=50, **_MNIST),
    Work("keras32", batch=64, hidden_size=32, **_MNIST),
    Work("torch32", batch=64, hidden_size=32, two_biases=True, **_MNIST),
    Work(
        "bilstm64",
        steps=256,
        hidden_size=64,
        num_words=10_000,
        dense_size=64,
        bidirectional=True,
        **_IMDB,
    ),
    Work("lstm100", steps=500, hidden_size=100, num_words=5_000, **_IMDB),
)
LAYERS = tuple(
    f"{cell}-{sizes}"
    for sizes in ("32x128x256", "64x256x512", "1x1000x128")
    for cell in ("lstm", "gru")
)
"""Layers with inputs as wide as themselves: ``cell-BxTxH``, whatever the sizes."""

STREAMS = ("lstm-stream", "gru-stream")
GPU_LAYERS = tuple(
    f"lstm-{batch}x1024x{size}" for batch in (16, 64) for size in (64, 256, 768, 1024)
)
RUNS = ("whole", "seeds")
"""Whole processes, which `benchmarks.runs` starts."""


def default_names(device: str) -> tuple[str, ...]:
    if device == "gpu":
        return GPU_LAYERS
    works = (work.name for work in ARTICLES)
    tasks = (language, translation, drawing, tagging)
    rows = (name for task in tasks for name in task.ROWS)
    return (*works, *LAYERS, *STREAMS, *rows, *RUNS)


def rows_named(names: Iterable[str]) -> list[Row]:
    """The rows of works, or single rows such as ``keras50.train``; runs have none.

    Raises:
        UnknownWorkError: there is no such work.
    """
    rows: list[Row] = []
    for name in names:
        if name in RUNS:
            continue
        stem, _, kind = name.partition(".")
        found = [row for row in _rows_of(stem) if not kind or row.name == name]
        if not found:
            known = ", ".join((*default_names("cpu"), "and any lstm-BxTxH or gru-BxTxH"))
            raise UnknownWorkError(
                f"--work={name} is unknown; expected one of: {known}; with .train, .eval, "
                ".forward, .sample1 or .sample64 behind it for one row."
            )
        rows += [row for row in found if row not in rows]
    return rows


def _rows_of(name: str) -> list[Row]:
    for work in ARTICLES:
        if work.name == name:
            evaluation = dataclasses.replace(work, batch=work.eval_batch)
            return [Row(f"{name}.train", "train", work), Row(f"{name}.eval", "forward", evaluation)]
    if name in language.ROWS:
        return [Row(f"{name}.{end}", kind, work) for end, kind, work in language.ROWS[name]]
    for task in (translation, drawing, tagging):
        if name in task.ROWS:
            return [Row(name, *task.ROWS[name])]
    if name in STREAMS:
        work = Work(name, name.partition("-")[0], 1, 1, 128, 128)
        return [Row(f"{name}.step", "stream", work)]
    sizes = re.fullmatch(r"(lstm|gru)-([1-9]\d*)x([1-9]\d*)x([1-9]\d*)", name)
    if sizes is None:
        return []
    batch, steps, hidden = map(int, sizes.groups()[1:])
    work = Work(name, sizes[1], batch, steps, hidden, hidden, every_step=True)
    return [Row(f"{name}.train", "train", work), Row(f"{name}.forward", "forward", work)]


def num_params(work: Work) -> int:
    """How many numbers the article's model has to learn."""
    d, h, gates = work.input_size, work.hidden_size, NUM_GATES[work.cell]
    biases = 2 if work.two_biases or work.cell == "gru" else 1
    width = h * len(work.directions)
    total = work.num_words * d + len(work.directions) * gates * h * (d + h + biases)
    if work.dense_size:
        total += (width + 1) * work.dense_size
        width = work.dense_size
    return total + (width + 1) * work.outputs


def make_batch(row: Row) -> tuple[np.ndarray, np.ndarray]:
    """Inputs ``[B, T, D]`` (word indices ``[B, T]``; ``[B, D]`` for one step) and their labels.

    The same ones in every process.
    """
    work, rng = row.work, np.random.default_rng(7)
    if row.kind == "stream":
        return rng.standard_normal((work.batch, work.input_size), np.float32), np.zeros(0)
    shape = (work.batch, work.steps)
    if work.num_words:
        x = rng.integers(0, work.num_words, shape, np.int32)
    else:
        x = rng.random((*shape, work.input_size), np.float32)
    labels = shape if work.every_step else shape[:1]
    if work.outputs == 1:
        return x, rng.integers(0, 2, labels).astype(np.float32)
    return x, rng.integers(0, work.outputs, labels, np.int32)
