"""Tells how alike two sentences are: the same recurrent layer reads both.

    python experiments/text_similarity.py --data_dir=DIR              # SICK, scores by people
    python experiments/text_similarity.py --preset=manhattan --data_dir=DIR
    python experiments/text_similarity.py --workdir=RUN --compare="a dog runs | a cat is sleeping"
    python experiments/text_similarity.py --workdir=RUN --nearest="a man plays a guitar"

What is read of both is compared by its distance ("manhattan"), or by a small network that reads
product and difference ("product_difference"). Words are vectors that were learnt elsewhere and stay
as they are. Without the data, sentences of four slots stand in, whose scores are known.
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

import rnnjax
import rnnjax.experiment as xp
from rnnjax.data import similarity, similarity_baselines
from rnnjax.data.sentence_pairs import Scored, SentencePairs, encoded
from rnnjax.experiment import comparing
from rnnjax.export import Array, Model
from rnnjax.models import PairScorer
from rnnjax.models.pair_scorer import HEADS, POOLINGS
from rnnjax.reports import plots
from rnnjax.reports.similarity import plot_scores, plot_units
from rnnjax.training.similarity_losses import as_scores, similarity_losses, similarity_metrics

PRESETS = {
    "manhattan": {  # sizes of Mueller and Thyagarajan
        "head": "manhattan", "pooling": "last", "bidirectional": False, "hidden_size": 50,
        "dropout": 0.0, "learning_rate": 3e-3,
    },
    "product_difference": {  # of Tai, Socher and Manning
        "pooling": "last", "bidirectional": False, "hidden_units": 50, "dropout": 0.0,
        "optimizer": "adagrad", "learning_rate": 0.05,
    },
}  # fmt: skip
SUITED = {"slot_sentences": {"epochs": 20, "dropout": 0.0}}
KIND = "words.json"
PEARSON = xp.Metric("pearson")
NUM_SHOWN = 12


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(xp.Config):
    dataset: str = xp.setting("auto", "which sentences", choices=similarity.DATASETS)
    pairs: str | None = xp.setting(
        None, "a table of your own instead, with tabs: sentence_A, sentence_B, relatedness_score",
        is_path=True,
    )  # fmt: skip
    vectors: str | None = xp.setting(
        None, "a file of word vectors in GloVe's form, instead of those with SICK", is_path=True
    )
    cell: str = xp.setting("lstm", "recurrent cell", choices=rnnjax.CELLS)
    hidden_size: int = xp.setting(150, "units of each recurrent layer", at_least=1)
    bidirectional: bool = xp.setting(True, "read both ways")
    head: str = xp.setting("product_difference", "how both are compared", choices=HEADS)
    pooling: str = xp.setting("mean", "what is taken of the outputs", choices=POOLINGS)
    hidden_units: int = xp.setting(100, "units that read product and difference", at_least=1)
    dropout: float = xp.setting(
        0.1, "rate, on the words' vectors and on what was read", at_least=0, below=1
    )
    tune_vectors: bool = xp.setting(False, "learn the words' vectors on")
    max_length: int = xp.setting(32, "most words of a sentence; longer ones are cut", at_least=2)
    batch_size: int = xp.setting(32, "pairs per step", at_least=1)
    learning_rate: float = xp.setting(4e-3, "learning rate of the first step", positive=True)
    schedule: str = xp.setting("cosine", "how the rate falls", choices=xp.SCHEDULES)
    clip_norm: float | None = xp.setting(1.0, "largest norm of the gradient", positive=True)
    epochs: int | None = xp.setting(20, "passes over the pairs", at_least=1)
    keep_best: bool = xp.setting(True, "end with the parameters that validated best")
    compare: str | None = xp.command(
        'two sentences with "|" between to compare by the run in --workdir, or - for lines of such'
    )
    nearest: str | None = xp.command(
        "a sentence, whose most alike ones among the test sentences are shown"
    )

    @classmethod
    def suited_to(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return SUITED.get(given.get("dataset", ""), {})


def build_model(config: Config, num_words: int, vector_size: int) -> PairScorer:
    """The recurrent layers and what compares."""
    layer = xp.build_layer(config, vector_size)
    both = rnnjax.Bidirectional(layer) if config.bidirectional else layer
    same = ("head", "pooling", "hidden_units", "dropout", "tune_vectors")
    own = {name: getattr(config, name) for name in same}
    return PairScorer(both, num_words, vector_size, **own)


def initial(model: PairScorer) -> Any:
    """The function that draws the model's parameters; words' vectors are zeros."""
    words, mask = (jax.ShapeDtypeStruct((1, 2), dtype) for dtype in (jnp.int32, jnp.bool_))
    return xp.initializing(model, words, mask, words, mask)


def arrays(config: Config, part: Scored, words: tuple[str, ...]) -> tuple[np.ndarray, ...]:
    """Numbers of words and masks of both sentences."""
    sides = (encoded(side, words, config.max_length) for side in (part.first, part.second))
    return tuple(array for side in sides for array in side)


def problem(config: Config, layout: xp.Layout, data: SentencePairs) -> xp.Problem:
    """What is to be learnt: the score that people gave a pair."""
    words, matrix = data.vectors
    model = build_model(config, *matrix.shape)
    apply, init = xp.applying(config, model), xp.beginning_with(initial(model), {"vectors": matrix})

    def outputs(params: Any, inputs: Any, **how: Any) -> jax.Array:
        return apply(params, inputs[0], *inputs[1:], **how)

    def loss(params: Any, carry: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, Any]:
        inputs, scores = batch
        found = outputs(params, inputs, training=True, rngs={"dropout": key})
        return similarity_losses(found, scores), carry

    coded = {name: arrays(config, getattr(data, name), words) for name in ("train", "test")}
    coded["validation"] = arrays(config, data.validation, words)

    def found(part: str) -> Any:
        run = xp.Predictor(lambda p, own: as_scores(outputs(p, own)), coded[part], 500, layout)
        return xp.remembered(run)

    scores = {"validation": data.validation.scores, "test": data.test.scores}
    predict = {part: found(part) for part in scores}
    return xp.Problem(
        title=xp.run_title(config, config.cell, data, config.head), dataset=data, model=model,
        init=init, keys=layout.keys(config.seed, 2), loss=loss,
        batches=xp.ExampleBatches(len(data.train.scores), config.batch_size, shuffle=True),
        data=(coded["train"], data.train.scores), predict=predict["test"], watched="validation",
        evaluate=lambda p: similarity_metrics(
            predict["validation"](p), scores["validation"], "validation"
        ),
        test=lambda p: similarity_metrics(predict["test"](p), scores["test"]),
        best_by=PEARSON, keep_best=config.keep_best,
        files={KIND: json.dumps([matrix.shape[1], *words], ensure_ascii=False) + "\n"},
        needs=xp.needs_of(
            config, layout, init, layer=model.layer, time_steps=config.max_length,
            data=xp.num_bytes(coded), data_flags="--max_length",
        ),
    )  # fmt: skip


def report(run: xp.Outcome) -> dict[str, Any]:
    """The pairs that the model is furthest from people with."""
    found = np.asarray(run.of_seed(0)[1])
    return {"furthest": comparing.furthest(run.console, run.data.test, found)}


def draw(folder: Path, run: xp.Outcome) -> None:
    """The curves, the model's scores beside people's, and the units in which sentences differ."""
    title, test = run.problem.title, run.data.test
    plots.plot_curves(folder / "curves.png", title, run.history, "validation", metric="pearson")
    params, found = run.of_seed(0)
    plot_scores(folder / "scores.png", title, np.asarray(found), test.scores)
    places = np.argsort(-test.scores)[:: max(1, len(test.scores) // NUM_SHOWN)][:NUM_SHOWN]
    shown = test.chosen(places)
    read = comparing.reading(run.problem.model)
    sides = arrays(run.config, shown, run.data.vectors.words)
    apart = np.abs(read(params, *sides[:2]) - read(params, *sides[2:]))
    pairs = zip(shown.first, shown.second, shown.scores, strict=True)
    names = [f"{one}\n{other} ({score:.1f})" for one, other, score in pairs]
    plot_units(folder / "units.png", title, names, apart)


def trained(config: Config) -> comparing.Trained:
    """What the run in --workdir has learnt."""
    vector_size, *words = json.loads(xp.read_file(config, KIND))
    model = build_model(config, len(words), vector_size)
    params = xp.load_model(config, initial(model))
    return comparing.Trained(model, params, tuple(words), config.max_length)


def compare(console: xp.Console, config: Config) -> None:
    """Tells how alike the sentences of --compare are."""
    comparing.compare(console, trained(xp.saved_config(config)), str(config.compare))


def nearest(console: xp.Console, config: Config) -> None:
    """Shows the test sentences that are most like --nearest."""
    saved = xp.saved_config(config)
    data = similarity.load(saved.dataset, saved.data_dir, pairs=saved.pairs, vectors=saved.vectors)
    comparing.nearest(console, trained(saved), str(config.nearest), data.test)


def trained_model(config: Config) -> Model:
    """What a run has learnt: a function of two sentences as numbers."""
    own = trained(config)

    def apply(params: Any, *sides: jax.Array) -> dict[str, jax.Array]:
        outputs: Any = own.model.apply({"params": params}, *sides)
        return {"scores": as_scores(outputs)}

    about = {
        "first": ("int32", "numbers of words, 0 for one that is not known"),
        "first_mask": ("bool", "where there are words"),
        "second": ("int32", "likewise"), "second_mask": ("bool", "likewise"),
    }  # fmt: skip
    shape, below = ("batch", config.max_length), {"int32": {"below": len(own.words)}}
    return Model(
        title=f"{config.cell} {config.hidden_size} for {xp.saved_dataset(config)}", apply=apply,
        params=own.params,
        inputs={
            name: Array(shape, dtype, told, **below.get(dtype, {}))
            for name, (dtype, told) in about.items()
        },
        outputs={"scores": "from 1 (nothing in common) to 5 (the same) [batch]"},
        notes=f"`{KIND}` has the size of the vectors and the words by their numbers.",
        files={KIND: xp.read_file(config, KIND)},
    )  # fmt: skip


EXPERIMENT = xp.Experiment(
    name="text_similarity", config=Config, presets=PRESETS, load=similarity.load,
    load_by=("pairs", "vectors"), problem=problem, report=report, draw=draw,
    describe=lambda config, data: [data.described()],
    metrics=(PEARSON, xp.Metric("spearman")), trained_model=trained_model,
    baselines=lambda run: similarity_baselines.metrics(run.data, similarity_metrics),
    commands={"compare": compare, "nearest": nearest},
)  # fmt: skip

if __name__ == "__main__":
    xp.launch(EXPERIMENT)
