"""Tells favourable film reviews from unfavourable ones.

A review is a sequence of words, each an index by frequency; the network embeds them, reads them
with a recurrent layer, and gives one logit.

    python experiments/imdb_sentiment.py                      # recommended: test accuracy 0.89
    python experiments/imdb_sentiment.py --preset=bilstm64    # the TensorFlow article's: 0.82
    python experiments/imdb_sentiment.py --preset=lstm100     # the Keras article's: 0.87
    python experiments/imdb_sentiment.py --workdir=RUN --predict="Not bad at all."

The presets pad as the articles do and let the network read the padding; ``--mask`` holds the state
there. Without a prepared IMDB and without a network, the script falls back on reviews written by a
small grammar in which the order of the words decides, and says so.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from rnnjax.outset import begin

if __name__ == "__main__":
    begin()  # before the imports, which take seconds

import jax
import jax.numpy as jnp
import numpy as np
import optax
from rich.console import Console

import rnnjax
from rnnjax.data import imdb
from rnnjax.data.baseline import bag_of_words_accuracy
from rnnjax.data.ragged import Padded, Ragged, Side, pad
from rnnjax.data.text import limit_words
from rnnjax.devices.layout import SEEDS, Layout
from rnnjax.errors import UsageError
from rnnjax.experiment.sentences import AT_ONCE, checked, from_lines, judge
from rnnjax.export import Array, Model
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.models import TextClassifier
from rnnjax.reports import plots
from rnnjax.reports import tables as reports
from rnnjax.reports.statistics import summarise
from rnnjax.runs.files import write_text
from rnnjax.storage import typed_json
from rnnjax.training.batches import Batches, ExampleBatches
from rnnjax.training.evaluation import Predictor, classification_metrics
from rnnjax.training.lengths import LengthBatches, cut_to_length, length_limits
from rnnjax.training.needs import needs_of
from rnnjax.training.problem import Problem

try:
    from experiments import common
    from experiments.vocabulary import VOCABULARY, save_vocabulary, saved_vocabulary
except ModuleNotFoundError:  # started as a file: its own folder is where Python looks
    import common
    from vocabulary import VOCABULARY, save_vocabulary, saved_vocabulary

TASK = "imdb_sentiment"
CLASSES = ("unfavourable", "favourable")
RATE: Any = {"at_least": 0, "below": 1}
RATES = ("dropout", "embedding_dropout", "word_dropout")

ARTICLE = {
    "cell": "lstm", "batch_size": 64, "learning_rate": 1e-3, "schedule": "constant",
    "mask": False, "pooling": "last", "dropout": 0.0, "word_dropout": 0.0, "keep_best": False,
    "initialization": "keras", "embedding_size": 32, "length_groups": 1, "average": None,
    "embedding_dropout": 0.0, "eval_length": None,
}  # fmt: skip
PRESETS = {
    "bilstm64": ARTICLE | {
        "hidden_size": 64, "bidirectional": True, "hidden_units": 64, "num_words": 10_000,
        "max_length": 256, "padding": "post", "num_validation": 12_500, "epochs": 10,
    },
    "lstm100": ARTICLE | {
        "hidden_size": 100, "bidirectional": False, "hidden_units": 0, "num_words": 5_000,
        "max_length": 500, "padding": "pre", "num_validation": 64, "epochs": 3,
    },
}  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(common.Config):
    dataset: str = common.setting("auto", "which reviews", choices=imdb.DATASETS)
    cell: str = common.setting("gru", "recurrent cell", choices=rnnjax.CELLS)
    bidirectional: bool = common.setting(True, "read both ways")
    hidden_size: int = common.setting(64, "units of each recurrent layer", at_least=1)
    embedding_size: int = common.setting(128, "features of a word", at_least=1)
    hidden_units: int = common.setting(0, "of a dense layer before the last", at_least=0)
    pooling: str = common.setting("max_mean", "over time", choices=("last", "max_mean"))
    dropout: float = common.setting(0.5, "rate, on features of the whole text", **RATE)
    embedding_dropout: float = common.setting(0.3, "rate, on features of all words", **RATE)
    word_dropout: float = common.setting(0.5, "rate, on whole words", **RATE)
    initialization: str = common.setting("keras", "distributions", choices=INITIALIZATIONS)
    mask: bool = common.setting(True, "hold the state where there is padding")
    num_words: int = common.setting(20_000, "most frequent words, special ones too", at_least=5)
    max_length: int = common.setting(400, "words read of each review, the last ones", at_least=1)
    eval_length: int | None = common.setting(
        600, "words read of each review in evaluation (default: as in training)", at_least=1
    )
    length_groups: int = common.setting(
        4,
        "groups of batches by length, each with a program of its own; with --mask",
        at_least=1,
        at_most=100,
    )
    padding: str = common.setting("post", "where zeros are added", choices=("pre", "post"))
    num_validation: int = common.setting(1_000, "first training reviews to validate", at_least=1)
    learning_rate: float = common.setting(2e-3, "learning rate of the first step", positive=True)
    schedule: str = common.setting("cosine", "how the rate falls", choices=common.SCHEDULES)
    batch_size: int = common.setting(64, "reviews per step", at_least=1)
    epochs: int | None = common.setting(8, "passes over the training reviews", at_least=1)
    average: float | None = common.setting(
        0.998, "decay of the average of the parameters", above=0, below=1
    )
    keep_best: bool = common.setting(False, "end with the parameters that validated best")
    predict: str | None = common.setting(
        None,
        "a review to judge with the run in --workdir, or - for one per line of standard input",
        is_command=True,
        needs_run=True,
        changes_result=False,
    )


def build_model(config: Config, num_words: int) -> TextClassifier:
    """Embedding, recurrent layers (perhaps both ways), pooling and dense layers."""
    layer = common.build_layer(
        rnnjax.CELLS[config.cell],
        config.embedding_size,
        config.hidden_size,
        config.num_layers,
        initialization=config.initialization,
    )
    if config.bidirectional:
        layer = rnnjax.Bidirectional(layer)
    return TextClassifier(
        num_words,
        config.embedding_size,
        layer,
        hidden_units=config.hidden_units,
        pooling=config.pooling,
        dropout=config.dropout,
        word_dropout=config.word_dropout,
        embedding_dropout=config.embedding_dropout,
        initialization=config.initialization,
    )


def init(model: TextClassifier, key: jax.Array) -> Any:
    """Initial parameters."""
    return model.init(key, jnp.zeros((1, 2), jnp.int32))["params"]


def prepare(config: Config, reviews: Ragged, length: int) -> Padded:
    """The most frequent words only, at one length; a longer review keeps its last words."""
    limited = Ragged(limit_words(reviews.values, config.num_words), reviews.offsets)
    return pad(limited, length, padding=cast(Side, config.padding), truncating="pre")


def build_batches(config: Config, lengths: np.ndarray) -> tuple[Batches, tuple[int, ...]]:
    """The batches, and the lengths that they are cut to: where padding is held, it is cut off."""
    if not config.mask or config.padding == "pre" or config.length_groups == 1:
        batches = ExampleBatches(len(lengths), config.batch_size, shuffle=True)
        return batches, (config.max_length,)
    limits = length_limits(lengths, config.length_groups, config.max_length)
    return LengthBatches(np.minimum(lengths, config.max_length), config.batch_size), limits


def problem(config: Config, layout: Layout, data: imdb.ReviewDataset) -> Problem:
    """What is to be learnt."""
    model = build_model(config, len(data.vocabulary.limited(config.num_words)))
    # What all seeds read together has the length of the longest.
    axis_name = SEEDS if layout.num_seeds > 1 else None

    def logits(params: Any, reviews: Padded, rates: Any = None, **options: Any) -> jax.Array:
        mask = reviews.mask if config.mask else None
        apply = common.applying(config, model.clone(**(rates or {})))
        return apply(params, reviews.tokens, mask=mask, **options)

    def loss(
        params: Any, carry: Any, batch: Any, key: jax.Array, **rates: jax.Array
    ) -> tuple[jax.Array, Any]:
        reviews, labels = batch

        def outputs_of(reviews: Padded) -> jax.Array:
            return logits(params, reviews, rates, training=True, rngs={"dropout": key})

        longest = reviews.mask.sum(axis=1).max()
        outputs = cut_to_length(outputs_of, reviews, longest, limits, axis_name)
        return optax.sigmoid_binary_cross_entropy(outputs, labels), carry

    n = config.num_validation
    if data.warning is not None:
        n = min(n, len(data.train) // 2)  # a stand-in is smaller than what a preset was made for
    if n >= len(data.train):
        raise UsageError(
            f"--num_validation={n} leaves none of the {len(data.train)} training reviews."
        )
    read = config.eval_length or config.max_length
    batches, limits = build_batches(config, data.train.lengths[n:])
    num_words = (len(data.train) - n) * config.max_length + (n + len(data.test)) * read
    needs = needs_of(
        config, layout, functools.partial(init, model), layer=model.layer,
        time_steps=limits[-1], data=5 * num_words,  # an index and a place of the mask each
        data_flags="--max_length or --eval_length",
    )  # fmt: skip
    validation = prepare(config, data.train.part(0, n), read)
    training = prepare(config, data.train.part(n, len(data.train)), config.max_length)
    tests = prepare(config, data.test, read)
    predict_validation = Predictor(logits, validation, 500, layout)
    predict = Predictor(logits, tests, 500, layout)

    def validate(params: Any) -> dict[str, np.ndarray]:
        outputs = predict_validation(params)
        return classification_metrics(outputs, data.train_labels[:n], "validation", binary=True)

    def test(params: Any) -> dict[str, np.ndarray]:
        return classification_metrics(predict(params), data.test_labels, binary=True)

    both_ways = "bidirectional " if config.bidirectional else ""
    return Problem(
        title=both_ways + common.run_title(config, config.cell, data), dataset=data, model=model,
        init=functools.partial(init, model), keys=layout.keys(config.seed, 2), loss=loss,
        batches=batches, data=(training, data.train_labels[n:]), evaluate=validate, test=test,
        predict=predict, test_inputs=tests, test_labels=data.test_labels, class_names=CLASSES,
        best_by="validation_accuracy", keep_best=config.keep_best, watched="validation",
        needs=needs,
    )  # fmt: skip


def run(config: Config) -> dict[str, Any]:
    console = common.open_console()
    if config.export is not None:
        return common.export(console, config, trained_model)
    if config.predict is not None:
        given = from_lines(sys.stdin.buffer, "--predict") if config.predict == "-" else None
        sentences = given or [[checked(config.predict, "--predict")]]
        judge(console, sentences, trained_reader(common.saved_config(config)), CLASSES)
        return {}
    if config.eval_only:
        config = common.saved_config(config)
    data = common.load(imdb.load, config, console)
    layout = common.lay_out(config)
    task = problem(config, layout, data)
    params = common.set_up(console, config, layout, task)
    console.print(describe(data, config.num_words))
    if data.best_accuracy is not None:
        show_baseline(console, data)
    vocabulary = data.vocabulary.limited(config.num_words)
    if config.eval_only:
        if saved_vocabulary(str(config.workdir)).digest != vocabulary.digest:
            raise UsageError(
                f"the vocabulary of {data.name} here is not the one of {config.workdir}, so its "
                "word indices mean other words; evaluate with the data of that run."
            )
        params = common.evaluate_saved(console, config, layout, task, params)
        report(console, data, task.predict(params), None)
        return {}
    if config.dry_run:
        return {}

    folder = common.open_run(TASK, config, data, vocabulary=vocabulary.digest)
    save_vocabulary(folder.path, vocabulary)
    fitted = common.train(config, folder, console, layout, task, params)
    plots.plot_learning(folder.path / "curves.png", task.title, fitted.history)
    last = summarise(task.test(fitted.params))
    is_last = np.all(np.equal(fitted.best_step, int(fitted.train.step) - 1))
    best = last if is_last else summarise(task.test(fitted.best_params))
    final = fitted.best_params if config.keep_best else fitted.params
    extra = {
        **(best if config.keep_best else last),
        "last": last,
        "best_validation": {"step": fitted.best_step, **best},
        **report(console, data, task.predict(final), folder.path),
    }
    return common.finish(folder, console, TASK, config, data, fitted, extra)


def trained_model(config: Config) -> Model:
    """What a run has learnt: a function of word indices and, if it was trained so, of a mask."""
    vocabulary = saved_vocabulary(str(config.workdir))
    model = build_model(config, len(vocabulary))
    params = common.load_model(config, functools.partial(init, model))

    def apply(params: Any, tokens: jax.Array, mask: jax.Array | None = None) -> Any:
        return {"logits": model.apply({"params": params}, tokens, mask=mask)}

    places = ("batch", "time")
    tokens = Array(places, "int32", "indices of words", below=len(vocabulary))
    mask = {"mask": Array(places, "bool", "where there are words")} if config.mask else {}
    where = "behind" if config.padding == "post" else "in front"
    return Model(
        title=f"{config.cell} {config.hidden_size} for film reviews",
        apply=apply,
        params=params,
        inputs={"tokens": tokens, **mask},
        outputs={"logits": "positive for a favourable review; their sigmoid are probabilities"},
        labels=CLASSES,
        notes=(
            f"`{VOCABULARY}` says which word has which index (`rnnjax.data.text.Vocabulary` reads "
            f"it). In training a review had {config.max_length} words: of longer ones the last "
            f"ones, of shorter ones all, with zeros {where}."
        ),
        files={VOCABULARY: vocabulary.to_json()},
    )


def describe(data: imdb.ReviewDataset, num_words: int) -> str:
    """How many reviews there are, one as indices and as words, the longest and the shortest."""
    lengths = data.train.lengths
    first = limit_words(data.train[0][:20], num_words)
    label = "favourable" if data.train_labels[0] else "unfavourable"
    return (
        f"reviews  {len(data.train):,} to train, {len(data.test):,} to test; the longest has "
        f"{lengths.max():,} words, the shortest {lengths.min():,}\n"
        f"indices  {' '.join(map(str, first))} …\n"
        f"words    {data.vocabulary.decode(first)} … ({label})"
    )


def show_baseline(console: Console, data: imdb.ReviewDataset) -> None:
    """What can be had without the order of the words, and what with it."""
    baseline = bag_of_words_accuracy(
        list(data.train_texts), data.train_labels, list(data.test_texts), data.test_labels
    )
    console.print(
        f"limits   test accuracy of a bag of words {baseline:.4f}, of a perfect reader "
        f"{data.best_accuracy:.4f}"
    )


def report(
    console: Console, data: imdb.ReviewDataset, logits: jax.Array, folder: Path | None
) -> dict[str, Any]:
    """Precision, recall, F1, ROC-AUC, and the surest mistakes with their text."""
    from sklearn.metrics import roc_auc_score  # now that it is needed: it takes a second

    probabilities = np.asarray(jax.nn.sigmoid(logits))
    labels = data.test_labels
    scores = reports.class_scores(labels, probabilities > 0.5, CLASSES)
    each = np.atleast_2d(probabilities)
    roc_auc = float(np.mean([roc_auc_score(labels, seed) for seed in each]))
    console.print(reports.class_table(scores, f"test set of {data.name}"))
    console.print(f"area under the ROC curve {roc_auc:.4f}")
    # Of several seeds what they say together: the mean of their probabilities.
    mistakes = reports.surest_mistakes(labels, each.mean(axis=0), data.test_texts)
    console.print(reports.mistakes_table(mistakes[:3], CLASSES))
    if folder is not None:
        write_text(folder / "mistakes.json", typed_json.to_text(mistakes, 2) + "\n")
    return {"classes": scores, "roc_auc": roc_auc}


def trained_reader(config: Config) -> Callable[[Sequence[str]], list[float]]:
    """The run in --workdir as a function: how probable it is that each sentence is favourable.

    Of at most `AT_ONCE` sentences, so that its memory has a bound; it is compiled for that number,
    and for a single one.
    """
    vocabulary = saved_vocabulary(str(config.workdir))
    model = build_model(config, len(vocabulary))
    params = common.load_model(config, functools.partial(init, model))

    @jax.jit
    def read(params: Any, tokens: jax.Array, mask: jax.Array | None) -> jax.Array:
        logits: Any = model.apply({"params": params}, tokens, mask=mask)
        return jax.nn.sigmoid(logits)

    def probabilities(sentences: Sequence[str]) -> list[float]:
        filling = [""] * (AT_ONCE - len(sentences) if len(sentences) > 1 else 0)
        encoded = vocabulary.encode_all([*sentences, *filling])
        reviews = prepare(config, encoded, config.eval_length or config.max_length)
        found = read(params, reviews.tokens, reviews.mask if config.mask else None)
        return found.tolist()[: len(sentences)]

    return probabilities


if __name__ == "__main__":
    common.launch(TASK, Config, PRESETS, run)
