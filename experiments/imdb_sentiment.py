"""Tells favourable film reviews from unfavourable ones.

A review is a sequence of words, each an index by frequency; the network embeds them, reads them
with a recurrent layer, and gives one logit.

    python experiments/imdb_sentiment.py                      # recommended: test accuracy 0.89
    python experiments/imdb_sentiment.py --preset=bilstm64    # the TensorFlow article's: 0.82
    python experiments/imdb_sentiment.py --preset=lstm100     # the Keras article's: 0.87
    python experiments/imdb_sentiment.py --preset=ngrams      # a linear model beside it: 0.91
    python experiments/imdb_sentiment.py --preset=pretrained --pretrained=RUN_OF_language_model.py
    python experiments/imdb_sentiment.py --workdir=RUN --predict="Not bad at all."

The articles' presets pad as these do and let the network read the padding; ``--mask`` holds the
state there. docs/reviews.md tells of the others. Without a prepared IMDB and without a network,
reviews by a small grammar, in which the order of the words decides, stand in, and it says so.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rnnjax.outset import begin

if __name__ == "__main__":
    begin()  # before the imports, which take seconds

import jax
import jax.numpy as jnp
from optax import sigmoid_binary_cross_entropy as cross_entropy

import rnnjax
import rnnjax.experiment as xp
from rnnjax.data import imdb, review_streams, text_baselines, word_ngrams
from rnnjax.data.ragged import Padded
from rnnjax.data.text import Vocabulary
from rnnjax.experiment import mistakes, sentences
from rnnjax.experiment.pretrained import of_language_model
from rnnjax.export import Array, Model
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.models import TextClassifier
from rnnjax.models.text import POOLINGS
from rnnjax.reports import plots

CLASSES = ("unfavourable", "favourable")
VOCABULARY = "vocabulary.json"
RATE: Any = {"at_least": 0, "below": 1}
RATES = ("dropout", "embedding_dropout", "word_dropout")
A_TEXT = jax.ShapeDtypeStruct((1, 2), jnp.int32)

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
    "ngrams": {"ngram_bits": 22, "num_words": 30_000, "epochs": 3},
    "pretrained": {
        "cell": "lstm", "bidirectional": False, "hidden_size": 400, "embedding_size": 200,
        "num_words": review_streams.NUM_WORDS, "pooling": "last_max_mean", "ngram_bits": 22,
        "schedule": "slanted", "layer_decay": 2.6, "unfreeze": 1, "word_dropout": 0.3, "epochs": 3,
    },
}  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(xp.Config):
    dataset: str = xp.setting("auto", "which reviews", choices=imdb.DATASETS)
    cell: str = xp.setting("gru", "recurrent cell", choices=rnnjax.CELLS)
    bidirectional: bool = xp.setting(True, "read both ways")
    hidden_size: int = xp.setting(64, "units of each recurrent layer", at_least=1)
    embedding_size: int = xp.setting(128, "features of a word", at_least=1)
    hidden_units: int = xp.setting(0, "of a dense layer before the last", at_least=0)
    pooling: str = xp.setting("max_mean", "over time", choices=POOLINGS)
    dropout: float = xp.setting(0.5, "rate, on features of the whole text", **RATE)
    embedding_dropout: float = xp.setting(0.3, "rate, on features of all words", **RATE)
    word_dropout: float = xp.setting(0.5, "rate, on whole words", **RATE)
    initialization: str = xp.setting("keras", "distributions", choices=INITIALIZATIONS)
    mask: bool = xp.setting(True, "hold the state where there is padding")
    num_words: int = xp.setting(20_000, "most frequent words, special ones too", at_least=5)
    max_length: int = xp.setting(400, "words read of each review, the last ones", at_least=1)
    eval_length: int | None = xp.setting(
        600, "words read of each review in evaluation (default: as in training)", at_least=1
    )
    length_groups: int = xp.setting(
        4, "groups of batches by length, each a program; with --mask", at_least=1, at_most=100
    )
    padding: str = xp.setting("post", "where zeros are added", choices=("pre", "post"))
    num_validation: int = xp.setting(1_000, "first training reviews to validate", at_least=1)
    learning_rate: float = xp.setting(2e-3, "learning rate of the first step", positive=True)
    schedule: str = xp.setting("cosine", "how the rate falls", choices=xp.SCHEDULES)
    batch_size: int = xp.setting(64, "reviews per step", at_least=1)
    epochs: int | None = xp.setting(8, "passes over the training reviews", at_least=1)
    average: float | None = xp.setting(0.998, "of the parameters, its decay", above=0, below=1)
    ngram_bits: int = xp.setting(
        0, "a linear model beside it: 2^this weights of n-grams (0: none)", at_least=0, at_most=26
    )
    pretrained: str | None = xp.setting(None, "language_model.py's run to begin with", is_path=True)
    layer_decay: float = xp.setting(1.0, "how much slower each lower layer learns", at_least=1)
    unfreeze: int = xp.setting(0, "epochs until the next lower layer learns too", at_least=0)
    keep_best: bool = xp.setting(False, "end with the parameters that validated best")
    predict: str | None = xp.command(
        "a review to judge with the run in --workdir, or - for one per line of standard input"
    )


def build_model(config: Config, num_words: int) -> TextClassifier:
    """Embedding, recurrent layers (perhaps both ways), pooling and dense layers."""
    layer = xp.build_layer(config, config.embedding_size, initialization=config.initialization)
    same = ("embedding_size", "hidden_units", "pooling", "initialization", "ngram_bits", *RATES)
    return TextClassifier(
        num_words,
        layer=rnnjax.Bidirectional(layer) if config.bidirectional else layer,
        **{name: getattr(config, name) for name in same},
    )


def problem(config: Config, layout: xp.Layout, data: imdb.ReviewDataset) -> xp.Problem:
    """What is to be learnt, and from which reviews: the first ones are for validation."""
    vocabulary = data.vocabulary.limited(config.num_words)
    model = build_model(config, len(vocabulary))
    init = xp.initializing(model, A_TEXT)
    n = data.num_validation(config.num_validation)
    length, read = config.max_length, config.eval_length or config.max_length
    groups = config.length_groups if config.mask and config.padding == "post" else 1
    batches, cut = xp.batches_by_length(data.train.lengths[n:], length, config.batch_size, groups)

    def logits(params: Any, reviews: Padded, rates: Any = None, **options: Any) -> jax.Array:
        apply, mask = xp.applying(config, model.clone(**(rates or {}))), reviews.mask
        return apply(params, reviews.tokens, mask=mask if config.mask else None, **options)

    def loss(params: Any, carry: Any, batch: Any, key: jax.Array, **rates: jax.Array) -> Any:
        reviews, labels, beside = batch
        read = functools.partial(logits, params, rates=rates, training=True, rngs={"dropout": key})
        return cross_entropy(read(reviews) + beside, labels), carry

    needs = xp.needs_of(
        config, layout, init, layer=model.layer, time_steps=cut.limits[-1],
        data=5 * ((len(data.train) - n) * length + (n + len(data.test)) * read),  # index and mask
        data_flags="--max_length or --eval_length",
    )  # fmt: skip
    pad = functools.partial(imdb.padded, num_words=config.num_words, padding=config.padding)
    texts, labels = data.train.part(n, len(data.train)), data.train_labels[n:]
    bits, thaw = config.ngram_bits * config.trains, config.unfreeze * batches.steps_per_epoch
    given, beside = word_ngrams.beside(pad(texts, read), labels, len(vocabulary), bits)
    given |= of_language_model(config, init, review_streams.symbols_of(vocabulary))
    validation, tests = pad(data.train.part(0, n), read), pad(data.test, read)
    evaluating = functools.partial(xp.classifying, logits, batch_size=500, binary=True)
    _, validate = evaluating(validation, data.train_labels[:n], layout, "validation")
    predict, test = evaluating(tests, data.test_labels, layout)
    return xp.Problem(
        title="bidirectional " * config.bidirectional + xp.run_title(config, config.cell, data),
        dataset=data, model=model, init=xp.beginning_with(init, given), loss=loss,
        keys=layout.keys(config.seed, 2), data=(pad(texts, length), labels, beside),
        batches=batches, cut=cut.of_first(layout), evaluate=validate, test=test, predict=predict,
        watched="validation", best_by=xp.ACCURACY, keep_best=config.keep_best, test_inputs=tests,
        test_labels=data.test_labels, files={VOCABULARY: vocabulary.to_json() + "\n"}, needs=needs,
        layer_rates=xp.LayerRates(model.groups, config.layer_decay, thaw), class_names=CLASSES,
    )  # fmt: skip


def report(run: xp.Outcome) -> dict[str, Any]:
    """Precision, recall, F1, ROC-AUC, and the surest mistakes with their text."""
    scores, roc_auc = xp.show_class_scores(run), mistakes.roc_auc(run)
    run.console.print(f"area under the ROC curve {roc_auc:.4f}")
    run.console.print(mistakes.mistakes_table(mistakes.surest(run)[:3], CLASSES))
    return {"classes": scores, "roc_auc": roc_auc}


def draw(folder: Path, run: xp.Outcome) -> None:
    """The curves, by epoch; and a file with the surest mistakes."""
    plots.plot_learning(folder / "curves.png", run.problem.title, run.history)
    mistakes.write(folder / "mistakes.json", mistakes.surest(run))


def trained(config: Config) -> tuple[TextClassifier, Vocabulary, Any]:
    """The model of a run, the words it knows, and its parameters."""
    vocabulary = Vocabulary.from_json(xp.read_file(config, VOCABULARY))
    model = build_model(config, len(vocabulary))
    return model, vocabulary, xp.load_model(config, xp.initializing(model, A_TEXT))


def trained_model(config: Config) -> Model:
    """What a run has learnt: a function of word indices and, if it was trained so, of a mask."""
    model, vocabulary, params = trained(config)

    def apply(params: Any, tokens: jax.Array, mask: jax.Array | None = None) -> Any:
        return {"logits": model.apply({"params": params}, tokens, mask=mask)}

    tokens = Array(("batch", "time"), "int32", "indices of words", below=len(vocabulary))
    mask = {"mask": Array(tokens.shape, "bool", "where there are words")} if config.mask else {}
    return Model(
        title=f"{config.cell} {config.hidden_size} for film reviews", apply=apply, params=params,
        inputs={"tokens": tokens, **mask}, labels=CLASSES,
        outputs={"logits": "positive for a favourable review; their sigmoid are probabilities"},
        notes=f"`{VOCABULARY}` has the words by index (`rnnjax.data.text.Vocabulary`). In training "
        f"a review had its last {config.max_length} words, a shorter one all, with zeros "
        f"{'behind' if config.padding == 'post' else 'in front'}.",
        files={VOCABULARY: vocabulary.to_json()},
    )  # fmt: skip


def trained_reader(config: Config) -> Callable[[Sequence[str]], list[float]]:
    """The run in --workdir as a function: how probable it is that each sentence is favourable."""
    model, vocabulary, params = trained(config)

    def encode(texts: Sequence[str]) -> Padded:
        words, length = vocabulary.encode_all(texts), config.eval_length or config.max_length
        return imdb.padded(words, length, config.num_words, config.padding)

    return sentences.reader(model, params, encode, with_mask=config.mask)


def predict(console: xp.Console, config: Config) -> None:
    """Judges what --predict gives, by the run in --workdir."""
    texts = sentences.given(config.predict, "--predict")
    sentences.judge(console, texts, trained_reader(xp.saved_config(config)), CLASSES)


EXPERIMENT = xp.Experiment(
    name="imdb_sentiment", config=Config, presets=PRESETS, load=imdb.load, problem=problem,
    describe=lambda config, data: [data.described(config.num_words)], report=report, draw=draw,
    baselines=lambda run: text_baselines.all_metrics(run.data), numbers=RATES,
    trained_model=trained_model, commands={"predict": predict},
)  # fmt: skip

if __name__ == "__main__":
    xp.launch(EXPERIMENT)
