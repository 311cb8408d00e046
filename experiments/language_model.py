"""Learns to predict the next character, or word, of a text, and so to write.

    python experiments/language_model.py                                 # tiny Shakespeare
    python experiments/language_model.py --text=my_novel.txt             # a text of your own
    python experiments/language_model.py --preset=karpathy128 --data_dir=DIR   # 1.277 nats
    python experiments/language_model.py --workdir=RUN --sample --prompt="To be"

The text is read in ``--batch_size`` rows side by side, ``--window`` symbols at each update, the
state carried from window to window; validation and test carry it from beginning to end.
Beside the result stand n-grams, which count what followed on the last symbols. Without a text and
without a network, brackets written by a program stand in, whose best possible loss is known.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnjax.outset import begin

if __name__ == "__main__":
    begin()  # before the imports, which take seconds

import jax
import jax.numpy as jnp

import rnnjax
import rnnjax.experiment as xp
from rnnjax.data import corpora
from rnnjax.data.ngram_baselines import ngram_metrics
from rnnjax.data.symbols import Symbols
from rnnjax.experiment import adapting, looking, poems, writing
from rnnjax.export import Array, Model, carry_arrays
from rnnjax.models import LanguageModel
from rnnjax.models.adaptive_softmax import check_cutoffs
from rnnjax.reports import plots
from rnnjax.training.output_penalties import penalised

SYMBOLS = "symbols.json"
RATE: Any = {"at_least": 0, "below": 1}
FACTOR: Any = {"at_least": 0, "at_most": 1e6}
WRITING: Any = {"changes_result": False}
KARPATHY = {  # the paper's sizes and split, by another optimiser, which takes fewer epochs
    "dataset": "war_and_peace", "cell": "lstm", "embedding_size": 0, "dropout": 0.0,
    "batch_size": 32, "window": 100, "optimizer": "adam", "schedule": "cosine", "clip_norm": 5.0,
}  # fmt: skip
WORDS = {
    "embedding_size": 200, "hidden_size": 200, "tied": True, "cutoffs": "2000,10000",
    "dropout": 0.2, "batch_size": 32, "window": 35, "learning_rate": 5e-3, "epochs": 5,
    "eval_rows": 20, "keep_best": True,
}  # fmt: skip
SUITED = {
    "wikitext2": WORDS, "penn_treebank": WORDS,
    "quatrains": {
        "embedding_size": 256, "hidden_size": 256, "num_layers": 1, "tied": True, "dropout": 0.3,
        "cutoffs": "1000,3000", "div_value": 2.0, "batch_size": 64, "window": 48,
        "learning_rate": 3e-3, "epochs": 4,
    },
    "imdb_reviews": {
        "num_layers": 1, "hidden_size": 400, "embedding_size": 200, "cutoffs": "2000,10000",
        "batch_size": 64, "learning_rate": 2e-3, "epochs": 1,
    },
}  # fmt: skip
PRESETS = {
    "karpathy128": KARPATHY
    | {"num_layers": 1, "hidden_size": 128, "learning_rate": 1e-2, "epochs": 40},
    "karpathy256": KARPATHY
    | {
        "num_layers": 2, "hidden_size": 256, "learning_rate": 3e-3, "clip_norm": 1.0, "epochs": 16,
    },
    "small200": {"dataset": "wikitext2", "epochs": 12, "dropout": 0.3, "variational": True},
    "poems": {"dataset": "quatrains", "hidden_size": 512, "dropout": 0.5, "epochs": 10},
}  # fmt: skip


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(xp.Config):
    dataset: str = xp.setting("auto", "which text", choices=corpora.DATASETS)
    text: str | None = xp.setting(None, "a text file of your own, in UTF-8", is_path=True)
    cell: str = xp.setting("lstm", "recurrent cell", choices=rnnjax.CELLS)
    num_layers: int = xp.setting(2, "recurrent layers", at_least=1, at_most=64)
    embedding_size: int = xp.setting(
        0, "features of a symbol; 0: one-hot, each with rows of its own in the cell", at_least=0
    )
    tied: bool = xp.setting(False, "one matrix for embedding and output")
    cutoffs: str | None = xp.setting(
        None, "adaptive softmax: the first word of each tail by frequency, such as 2000,10000"
    )
    div_value: float = xp.setting(
        4.0, "how many times fewer features each tail has than what is before it", at_least=1
    )
    dropout: float = xp.setting(0.0, "rate, on what layers give (and embeddings)", **RATE)
    variational: bool = xp.setting(False, "leave out the same features throughout a window")
    weight_drop: float = xp.setting(0.0, "rate, on the weights from state to state", **RATE)
    initialization: str = xp.setting("keras", "distributions", choices=("keras", "torch"))
    uniform: float | None = xp.setting(
        None, "draw every parameter uniformly within ±this instead", positive=True
    )
    window: int = xp.setting(64, "symbols per row and update", at_least=1)
    eval_rows: int = xp.setting(100, "rows that validation is read in; the test in one", at_least=1)
    batch_size: int = xp.setting(32, "rows read side by side", at_least=1)
    learning_rate: float = xp.setting(3e-3, "learning rate of the first step", positive=True)
    schedule: str = xp.setting("cosine", "how the rate falls", choices=xp.SCHEDULES)
    clip_norm: float | None = xp.setting(5.0, "largest norm of the gradient", positive=True)
    epochs: int | None = xp.setting(15, "passes over the training text", at_least=1)
    keep_best: bool = xp.setting(False, "end with the parameters that validated best")
    activation_penalty: float = xp.setting(0.0, "AR: factor on the outputs' mean square", **FACTOR)
    slowness_penalty: float = xp.setting(0.0, "TAR: the same of their change by a step", **FACTOR)

    cache: int = xp.setting(
        0, "test also with a cache of so many symbols", at_least=0, at_most=100_000,
        changes_result=False,
    )  # fmt: skip
    dynamic: str | None = xp.setting(
        None, "test also with parameters that follow the text by gradient descent",
        choices=adapting.RATES, changes_result=False,
    )  # fmt: skip

    sample: bool = xp.setting(
        False, "write with the run in --workdir", is_command=True, needs_run=True,
        changes_result=False,
    )  # fmt: skip
    prompt: str | None = xp.setting(None, "what the text begins with", **WRITING)
    length: int = xp.setting(1000, "symbols to write", at_least=1, **WRITING)
    num_samples: int = xp.setting(1, "texts to write, side by side", at_least=1, **WRITING)
    temperature: float = xp.setting(1.0, "below 1 bolder, 0 the likeliest", at_least=0, **WRITING)
    top_k: int | None = xp.setting(None, "draw from so many symbols", at_least=1, **WRITING)
    top_p: float | None = xp.setting(
        None, "draw from the likeliest that have this share", above=0, at_most=1, **WRITING
    )
    beam_size: int | None = xp.setting(
        None, "search the likeliest text with so many at a time", at_least=1, **WRITING
    )
    acrostic: str | None = xp.setting(None, "first signs of a poem's lines", **WRITING)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tied and not self.embedding_size:
            raise xp.UsageError("--tied needs an --embedding_size, the features that are shared.")
        xp.whole_numbers("--cutoffs", self.cutoffs)
        if self.beam_size is not None and self.num_samples > self.beam_size:
            raise xp.UsageError("--num_samples can be at most --beam_size, the texts searched.")

    @classmethod
    def suited_to(cls, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return SUITED.get(given.get("dataset", ""), {})


def build_model(config: Config, num_symbols: int, starts: tuple[int, ...] = ()) -> LanguageModel:
    """Embedding or one-hot symbols, recurrent layers, and a dense layer to the next symbol."""

    def wrap(place: int, cell: rnnjax.Layer) -> rnnjax.Layer:
        between = config.dropout if config.variational and place else 0.0
        if between or config.weight_drop:
            cell = rnnjax.Dropout(cell, inputs=between, weights=config.weight_drop)
        return cell if place or config.embedding_size else rnnjax.OneHot(cell)

    layer = xp.build_layer(
        config, config.embedding_size or num_symbols, wrap=wrap,
        dropout=0.0 if config.variational else config.dropout,
        initialization=config.initialization,
    )  # fmt: skip
    same = ("embedding_size", "tied", "dropout", "variational", "initialization", "div_value")
    options = {name: getattr(config, name) for name in same}
    cutoffs = xp.whole_numbers("--cutoffs", config.cutoffs)
    return LanguageModel(num_symbols, layer, cutoffs=cutoffs, starts=starts, **options)


def initial(config: Config, model: LanguageModel) -> Any:
    """The function that draws the model's parameters."""
    init = xp.initializing(model, jax.ShapeDtypeStruct((1, 2), jnp.int32))
    return xp.drawn_within(init, config.uniform)


def check_tails(model: LanguageModel, unit: str) -> None:
    """Whether the symbols of this unit can be cut by --cutoffs."""
    if unit not in ("word", "sign"):
        raise xp.UsageError(
            f"--cutoffs needs words or signs, numbered by frequency; those of {unit}s are not."
        )
    try:
        check_cutoffs(model.cutoffs, model.num_symbols)
    except ValueError as error:
        raise xp.UsageError(f"--{error}") from None


def problem(config: Config, layout: xp.Layout, data: corpora.Corpus) -> xp.Problem:
    """What is to be learnt: at each symbol of the text the one after it."""
    model = build_model(config, len(data.symbols), data.symbols.starts)
    if model.cutoffs:
        check_tails(model, data.symbols.unit)
    apply, init = xp.applying(config, model), initial(config, model)
    try:
        rows = xp.as_rows(data.train, config.batch_size, config.window)
    except ValueError as error:
        raise xp.UsageError(f"--batch_size, --window: {error}") from None
    batches = xp.WindowBatches(config.batch_size, rows[0].shape[1], config.window)

    needs = xp.needs_of(
        config, layout, init, layer=model.layer, time_steps=config.window,
        data=4 * (2 * len(data.train) + 3 * len(data.validation) + 3 * len(data.test)),
        data_flags="--text", outputs=(*model.cutoffs, len(data.symbols))[0],
    )  # fmt: skip

    def losses(params: Any, carry: Any, xs: jax.Array, ys: jax.Array) -> Any:
        return apply(params, xs, ys, carry, method="losses")

    def loss(params: Any, carry: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, Any]:
        xs, ys = batch
        carry, each, outputs = apply(
            params, xs, ys, carry, method="losses_and_outputs", rngs={"dropout": key},
            training=config.dropout + config.weight_drop > 0,
        )  # fmt: skip
        penalties = config.activation_penalty, config.slowness_penalty
        return penalised(each.mean(axis=1), outputs.dropped, outputs.ys, *penalties), carry

    def first_carry(number: int) -> Any:
        return model.layer.initial_carry((number,))

    validate = xp.StreamReader(
        losses, data.validation, first_carry, rows=config.eval_rows, layout=layout
    )
    predict = xp.remembered(xp.StreamReader(losses, data.test, first_carry, layout=layout))
    return xp.Problem(
        title=xp.run_title(config, config.cell, data), dataset=data, model=model, init=init,
        keys=layout.keys(config.seed, 2), loss=loss, batches=batches, data=rows,
        evaluate=lambda params: scored(data, validate(params), "validation"),
        test=lambda params: scored(data, predict(params), "test"), predict=predict,
        watched="validation", best_by=xp.LOSS, keep_best=config.keep_best, needs=needs,
        carry=first_carry(config.batch_size), files={SYMBOLS: data.symbols.to_json() + "\n"},
    )  # fmt: skip


def scored(data: corpora.Corpus, losses: jax.Array, part: str) -> dict[str, Any]:
    """Loss, bits and perplexity of those symbols that count; the first has nothing before it."""
    counts = data.is_scored(getattr(data, part))[1:]
    return xp.stream_metrics(losses if counts.all() else losses[..., counts], part)


def report(run: xp.Outcome) -> dict[str, Any]:
    """What --cache and --dynamic reach; the form of poems, or the best loss where it is known."""
    found = adapting.report(run, scored)
    if run.data.symbols.starts:
        return found | poems.report(run)
    if run.data.best_loss is None:
        return found
    run.console.print(f"best possible test loss {run.data.best_loss:.4f}")
    return found | {"best_loss": run.data.best_loss}


def draw(folder: Path, run: xp.Outcome) -> None:
    """The curves; the loss by length of context; a page on surprise, units and writing."""
    best = run.data.best_loss
    limits = {} if best is None else {"best possible": best}
    plots.plot_losses(folder / "curves.png", run.problem.title, run.history, limits)
    params, losses = run.of_seed(0)
    model, title = run.problem.model, run.problem.title
    looking.write_page(folder / "text.html", title, model, params, run.data, losses)
    if run.data.symbols.starts:
        poems.draw(run.console, folder, title, model, params, run.data)
    else:
        looking.draw_context(folder / "context.png", title, model, params, run.data)


def trained(config: Config) -> tuple[LanguageModel, Any, Symbols]:
    """The model of a run, its parameters, and the symbols that it knows."""
    symbols = Symbols.from_json(xp.read_file(config, SYMBOLS))
    model = build_model(config, len(symbols), symbols.starts)
    return model, xp.load_model(config, initial(config, model)), symbols


def sample(console: xp.Console, config: Config) -> None:
    """Writes what --prompt, --length and their like ask for, by the run in --workdir."""
    model, params, symbols = trained(xp.saved_config(config))
    if config.acrostic and not symbols.starts:
        raise xp.UsageError("--acrostic is for poems; the run in --workdir has learnt none.")
    write = poems.write if symbols.starts else writing.write
    write(console, config, model, params, symbols)


def trained_model(config: Config) -> Model:
    """What a run has learnt: a function of a piece of text and the state before it."""
    model, params, symbols = trained(config)

    def apply(params: Any, numbers: jax.Array, carry: Any) -> Any:
        outputs: Any = model.apply({"params": params}, numbers, carry)
        return {"next_carry": outputs[0], "logits": outputs[1]}

    numbers = Array(("batch", "time"), "int32", "numbers of symbols", below=len(symbols))
    before = carry_arrays(model.layer, "the state before the piece; zeros at first")
    return Model(
        title=f"{config.cell} {config.hidden_size}, a language model", apply=apply, params=params,
        inputs={"symbols": numbers, "carry": before},
        outputs={"next_carry": "the state after it", "logits": "of the symbol after each"},
        notes=f"`{SYMBOLS}` has the symbols by number (`rnnjax.data.symbols.Symbols`).",
        files={SYMBOLS: symbols.to_json()},
    )  # fmt: skip


EXPERIMENT = xp.Experiment(
    name="language_model", config=Config, presets=PRESETS, load=corpora.load, load_by=("text",),
    problem=problem, describe=lambda config, data: [data.described()], report=report, draw=draw,
    metrics=(xp.Metric("bits", False), xp.Metric("perplexity", False)), trained_model=trained_model,
    commands={"sample": sample}, baselines=lambda run: ngram_metrics(run.data),
)  # fmt: skip

if __name__ == "__main__":
    xp.launch(EXPERIMENT)
