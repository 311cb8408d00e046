"""A page on what a language model expects, what its units do, and what it writes."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import jax
import numpy as np

from rnnjax import decoding
from rnnjax.analysis.context import loss_by_context
from rnnjax.data.corpora import Corpus
from rnnjax.data.ngram_baselines import fitted
from rnnjax.experiment.writing import encoded, known_words, step_function
from rnnjax.models import LanguageModel
from rnnjax.reports import coloured_text as page
from rnnjax.reports import plots

TEMPERATURES = (0.5, 0.8, 1.0)
LENGTH = 600
"""Symbols of each sample."""
NUM_UNITS = 4
LONGEST_CONTEXT = 100


def write_page(
    path: Path, title: str, model: LanguageModel, params: Any, corpus: Corpus, losses: Any
) -> None:
    """Writes the page.

    Args:
        path: of the HTML file.
        title: above it.
        model: what was trained.
        params: its parameters.
        corpus: what on.
        losses: of each symbol of its test part but the first, in nats ``[N - 1]``.
    """
    symbols, stream = corpus.symbols, corpus.test[: page.LONGEST]
    values = unit_values(model, params, stream)
    sections = [page.surprise(symbols, corpus.test, losses)]
    for unit in page.slowest_units(values, NUM_UNITS):
        sections.append(page.unit_values(symbols, stream, values[:, unit], int(unit)))
    for temperature in TEMPERATURES:
        text = sampled(model, params, corpus, temperature)
        said = "Drawn symbol by symbol, each from what the network gave for it."
        sections.append(page.section(f"Written at temperature {temperature}", said, text))
    page.write_page(path, title, sections)


def draw_context(path: Path, title: str, model: LanguageModel, params: Any, corpus: Corpus) -> None:
    """Draws the loss by how many symbols of the test text are shown, beside that of n-grams.

    Args:
        path: of the PNG.
        title: above the picture.
        model: what was trained.
        params: its parameters.
        corpus: what on.
    """

    def losses(params: Any, inputs: jax.Array, targets: jax.Array) -> jax.Array:
        outputs: Any = model.apply({"params": params}, inputs, targets, method="losses")
        return outputs[1]

    rows = 40 if corpus.symbols.unit == "word" else 200
    longest = min(LONGEST_CONTEXT, len(corpus.test) - rows)
    found = loss_by_context(losses, params, corpus.test, longest=longest, rows_each=rows)
    counts = fitted(corpus, "Kneser-Ney")
    log_probs = counts.log_probs(corpus.test)
    shown = range(1, min(counts.counts.order, longest) + 1)
    counted = [-log_probs[n, found.places[:, n - 1]].mean() for n in shown]
    lines = {"network": found.losses, "Kneser-Ney": counted}
    plots.plot_by_context(path, title, lines, f"{corpus.symbols.unit}s shown")


def unit_values(model: LanguageModel, params: Any, stream: np.ndarray) -> np.ndarray:
    """What the top layer gives after each symbol, ``[N, O]``."""

    def is_layer(module: Any, method: str) -> bool:
        return module.name == "rnn" and method == "__call__"

    @jax.jit
    def run(params: Any) -> jax.Array:
        outputs: Any = model.apply({"params": params}, stream[None], capture_intermediates=is_layer)
        ((_, ys),) = outputs[1]["intermediates"]["rnn"]["__call__"]
        return ys[0]

    return np.asarray(run(params))


def sampled(model: LanguageModel, params: Any, corpus: Corpus, temperature: float) -> str:
    """A text that the model writes, as HTML without colours."""
    symbols = corpus.symbols
    samples = decoding.sample(
        functools.partial(step_function(model), params),
        model.layer.initial_carry((1,)),
        encoded(None, symbols)[-1:],
        jax.random.key(0),
        num_steps=LENGTH,
        sampling=decoding.Sampling(temperature),
        constrain=known_words(symbols),
    )
    return page.plain(symbols.decode(np.asarray(samples.tokens)[:, 0]))
