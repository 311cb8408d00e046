"""Tells favourable film reviews from unfavourable ones.

A review is a sequence of words, each an index by frequency; the network embeds them, reads them
with a recurrent layer, and gives one logit.

    python experiments/imdb_sentiment.py                      # recommended: test accuracy 0.884
    python experiments/imdb_sentiment.py --preset=bilstm64    # the TensorFlow article's: 0.84
    python experiments/imdb_sentiment.py --preset=lstm100     # the Keras article's: 0.86
    python experiments/imdb_sentiment.py --workdir=RUN --predict="Not bad at all."

The presets pad as the articles do and let the network read the padding; ``--mask`` holds the state
there. Without a prepared IMDB and without a network, the script falls back on reviews written by a
small grammar in which the order of the words decides, and says so.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
from rich.console import Console
from sklearn.metrics import roc_auc_score

import rnnjax
from rnnjax.data import imdb
from rnnjax.data.baseline import bag_of_words_accuracy
from rnnjax.data.ragged import Padded, Ragged, Side, pad
from rnnjax.data.text import Vocabulary, check_sentence, limit_words
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.models import TextClassifier
from rnnjax.training import plots, reports
from rnnjax.training.batches import ExampleBatches
from rnnjax.training.checkpoints import load_params
from rnnjax.training.errors import UsageError
from rnnjax.training.evaluation import Predictor, classification_metrics
from rnnjax.training.fit import evaluation_line
from rnnjax.training.run_folder import read_config

try:
    from experiments import common
except ModuleNotFoundError:  # started as a file: its own folder is where Python looks
    import common

TASK = "imdb_sentiment"
CLASSES = ("unfavourable", "favourable")
VOCABULARY = "vocabulary.json"

ARTICLE = {
    "cell": "lstm", "batch_size": 64, "learning_rate": 1e-3, "schedule": "constant",
    "mask": False, "pooling": "last", "dropout": 0.0, "word_dropout": 0.0, "keep_best": False,
    "initialization": "keras", "embedding_size": 32,
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
    embedding_size: int = common.setting(32, "features of a word", at_least=1)
    hidden_units: int = common.setting(0, "of a dense layer before the last", at_least=0)
    pooling: str = common.setting("max_mean", "over time", choices=("last", "max_mean"))
    dropout: float = common.setting(0.5, "rate, on features of words and of the text", at_least=0)
    word_dropout: float = common.setting(0.3, "rate, on whole words", at_least=0)
    initialization: str = common.setting("keras", "distributions", choices=INITIALIZATIONS)
    mask: bool = common.setting(True, "hold the state where there is padding")
    num_words: int = common.setting(10_000, "most frequent words, special ones too", at_least=5)
    max_length: int = common.setting(400, "words read of each review, the last ones", at_least=1)
    padding: str = common.setting("post", "where zeros are added", choices=("pre", "post"))
    num_validation: int = common.setting(2_500, "first training reviews to validate", at_least=1)
    learning_rate: float = common.setting(2e-3, "learning rate of the first step")
    schedule: str = common.setting("cosine", "how the rate falls", choices=common.SCHEDULES)
    batch_size: int = common.setting(64, "reviews per step", at_least=1)
    epochs: int | None = common.setting(4, "passes over the training reviews", at_least=1)
    keep_best: bool = common.setting(True, "end with the parameters that validated best")
    predict: str | None = common.setting(
        None, "a review to judge with the run in --workdir, or - for one per line of standard input"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("dropout", "word_dropout"):
            if not getattr(self, name) < 1:
                raise UsageError(f"--{name} must be below 1, not {getattr(self, name)}.")
        if self.predict is not None and self.workdir is None:
            raise UsageError("--predict needs --workdir, the folder of a finished run.")


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
        initialization=config.initialization,
    )


def prepare(config: Config, reviews: Ragged) -> Padded:
    """The most frequent words only, at one length; a longer review keeps its last words."""
    limited = Ragged(limit_words(reviews.values, config.num_words), reviews.offsets)
    return pad(limited, config.max_length, padding=cast(Side, config.padding), truncating="pre")


def run(config: Config) -> dict[str, Any]:
    console = Console()
    if config.predict is not None:
        return judge(console, config.predict, common.saved_config(config))
    if config.eval_only:
        config = common.saved_config(config)
    with common.loading(console) as progress:
        data = imdb.load(config.dataset, config.data_dir, progress=progress)
    vocabulary = data.vocabulary.limited(config.num_words)
    model = build_model(config, len(vocabulary))
    init_key, train_key = jax.random.split(jax.random.key(config.seed))
    params = model.init(init_key, jnp.zeros((1, 2), jnp.int32))["params"]
    both_ways = "bidirectional " if config.bidirectional else ""
    title = both_ways + common.run_title(config, config.cell, data)
    common.show_setup(console, title, params, data)
    console.print(describe(data, config.num_words))
    if data.best_accuracy is not None:
        show_baseline(console, data)

    def logits(params: Any, reviews: Padded, **options: Any) -> jax.Array:
        mask = reviews.mask if config.mask else None
        outputs: Any = model.apply({"params": params}, reviews.tokens, mask=mask, **options)
        return outputs

    def loss(params: Any, carry: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, Any]:
        reviews, labels = batch
        outputs = logits(params, reviews, training=True, rngs={"dropout": key})
        return optax.sigmoid_binary_cross_entropy(outputs, labels), carry

    train, n = prepare(config, data.train), config.num_validation
    if data.warning is not None:
        n = min(n, len(data.train) // 2)  # a stand-in is smaller than what a preset was made for
    if n >= len(data.train):
        raise UsageError(
            f"--num_validation={n} leaves none of the {len(data.train)} training reviews."
        )
    validation, training = (
        jax.tree.map(lambda a: a[:n], train),
        jax.tree.map(lambda a: a[n:], train),
    )
    predict_validation = Predictor(logits, validation, 500)
    predict_test = Predictor(logits, prepare(config, data.test), 500)

    def validate(params: Any) -> dict[str, float]:
        outputs = predict_validation(params)
        return classification_metrics(outputs, data.train_labels[:n], "validation")

    def test(params: Any) -> dict[str, float]:
        return classification_metrics(predict_test(params), data.test_labels)

    if config.eval_only:
        step, params = load_params(str(config.workdir), params)
        if saved_vocabulary(config).digest != vocabulary.digest:
            raise UsageError(
                f"the vocabulary of {data.name} here is not the one of {config.workdir}, so its "
                "word indices mean other words; evaluate with the data of that run."
            )
        console.print(evaluation_line({"step": step - 1, **validate(params), **test(params)}))
        report(console, data, predict_test(params), None)
        return {}
    if config.dry_run:
        return {}

    folder = common.new_run(TASK, config, data, vocabulary=vocabulary.digest)
    (folder.path / VOCABULARY).write_text(vocabulary.to_json(), encoding="utf-8")
    batches = ExampleBatches(len(data.train) - n, config.batch_size, shuffle=True)
    fitted = common.train(
        config, folder, console, title, params, loss, batches,
        (training, data.train_labels[n:]), train_key, validate,
        best_by="validation_accuracy", keep_best=config.keep_best,
    )  # fmt: skip
    plots.plot_learning(folder.path / "curves.png", title, fitted.history)
    best, last = test(fitted.best_params), test(fitted.params)
    final = fitted.best_params if config.keep_best else fitted.params
    extra = {
        **(best if config.keep_best else last),
        "last": last,
        "best_validation": {"step": fitted.best_step, **best},
        **report(console, data, predict_test(final), folder.path),
    }
    return common.finish(folder, console, TASK, config, data, fitted, extra)


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
    probabilities = np.asarray(jax.nn.sigmoid(logits))
    labels = data.test_labels
    scores = reports.class_scores(labels, probabilities > 0.5, CLASSES)
    roc_auc = float(roc_auc_score(labels, probabilities))
    console.print(reports.class_table(scores, f"test set of {data.name}"))
    console.print(f"area under the ROC curve {roc_auc:.4f}")
    mistakes = reports.surest_mistakes(labels, probabilities, data.test_texts)
    console.print(reports.mistakes_table(mistakes[:3], CLASSES))
    if folder is not None:
        (folder / "mistakes.json").write_text(json.dumps(mistakes, indent=2), encoding="utf-8")
    return {"classes": scores, "roc_auc": roc_auc}


def saved_vocabulary(config: Config) -> Vocabulary:
    """The vocabulary that the run in --workdir was trained with."""
    path = Path(str(config.workdir)) / VOCABULARY
    try:
        vocabulary = Vocabulary.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read as a vocabulary ({error}); train again.") from None
    if vocabulary.digest != read_config(str(config.workdir))["dataset"]["vocabulary"]:
        raise UsageError(
            f"{path} is not the vocabulary that the parameters beside it were trained with; put "
            "the original file back, or train again."
        )
    return vocabulary


def judge(console: Console, asked: str, config: Config) -> dict[str, Any]:
    """Judges one review, or one per line of standard input, with a saved run."""
    try:
        lines = sys.stdin.buffer.read().splitlines() if asked == "-" else [asked]
        sentences = [check_sentence(line) for line in lines]
        if not sentences:
            raise ValueError("There is nothing to judge on standard input.")
    except ValueError as error:
        raise UsageError(f"--predict: {error}") from None
    vocabulary = saved_vocabulary(config)
    model = build_model(config, len(vocabulary))
    shapes = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, 2), jnp.int32))["params"]
    _, params = load_params(str(config.workdir), shapes)
    reviews = prepare(config, vocabulary.encode_all(sentences))
    mask = reviews.mask if config.mask else None
    logits: Any = model.apply({"params": params}, reviews.tokens, mask=mask)
    probabilities = jax.nn.sigmoid(logits)
    for sentence, p in zip(sentences, probabilities.tolist(), strict=True):
        console.print(
            f"{CLASSES[int(p > 0.5)]:12} {max(p, 1 - p):6.1%}  {sentence}", highlight=False
        )
    return {"probabilities": probabilities.tolist()}


if __name__ == "__main__":
    common.launch(Config, PRESETS, run)
