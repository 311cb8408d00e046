"""A task of pairs: what is learnt of an encoder and a decoder, and how a run is read back."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from rnnjax.data.codes import END, PAD, Codes
from rnnjax.data.pairs import PairDataset
from rnnjax.devices.layout import Layout
from rnnjax.experiment import encoder_decoder as ed
from rnnjax.experiment.building import drawn_within, initializing, run_title
from rnnjax.experiment.saved import read_file
from rnnjax.export import Array, Model
from rnnjax.models import EncoderDecoder
from rnnjax.models.answers import How, search
from rnnjax.training.lengths import batches_by_length
from rnnjax.training.metrics import LOSS, Metric
from rnnjax.training.needs import needs_of
from rnnjax.training.parameters import load_model
from rnnjax.training.problem import Problem
from rnnjax.training.remembering import remembered
from rnnjax.training.train import run_length

SOURCE, TARGET = "source.json", "target.json"
"""What the numbers stand for, beside the parameters."""

METRICS = (Metric("perplexity", False), Metric("fed_back_perplexity", False))
"""What is told of every task of pairs."""

Measure = Callable[[list[str], Sequence[Sequence[str]]], dict[str, float]]
"""The figures of answers to the test sources, given the right ones to each."""


def initial(config: Any, model: EncoderDecoder) -> Any:
    """The function that draws the model's parameters."""
    return drawn_within(initializing(model, *ed.A_PAIR), config.uniform)


def problem(
    config: Any, layout: Layout, data: PairDataset, encoding: ed.Encoding, measure: Measure
) -> Problem:
    """What is to be learnt: each symbol of an answer, after those before it.

    Its ``predict`` gives of each seed the answers to the test sources, as texts.

    Args:
        config: the settings.
        layout: of seeds and rows over devices.
        data: the pairs.
        encoding: how they become numbers.
        measure: what is told of the answers, beside loss and perplexity, with the right symbols
            so far and with the model's own.
    """
    model = ed.build_model(config, len(encoding.source), len(encoding.target))
    arrays = encoding.arrays(data.train, config.max_length)
    batches, cut = batches_by_length(
        arrays.lengths, config.max_length, config.batch_size, config.length_groups, multiple=4
    )
    num_updates = run_length(config, batches)[0]
    loss, sums = ed.learning(config, layout, model, cut, num_updates)
    held_out = {"validation": data.validation, "test": data.test}
    coded = {part: encoding.arrays(own, config.max_length) for part, own in held_out.items()}
    scores = {part: ed.scoring(sums, own, layout, part) for part, own in coded.items()}
    fed_back = ed.scoring_fed_back(sums, model, coded["test"], layout, "test")
    answers = ed.answering(config, model, encoding)

    @remembered
    def answered(params: Any) -> list[list[str]]:
        seeds = [layout.part(params, seed) for seed in range(layout.num_seeds)]
        found = [answers(own, data.test.sources).tokens for own in seeds]
        return [[encoding.target.decode(best) for best, *_ in own] for own in found]

    def test(params: Any) -> dict[str, Any]:
        each = [measure(own, data.test.references) for own in answered(params)]
        of_all = {name: np.array([figures[name] for figures in each]) for name in each[0]}
        figures = of_all if layout.num_seeds > 1 else {k: v[0] for k, v in of_all.items()}
        return scores["test"](params) | fed_back(params) | figures

    init = initial(config, model)
    return Problem(
        title=run_title(config, config.cell, data, config.decoder), dataset=data, model=model,
        init=init, keys=layout.keys(config.seed, 2), loss=loss, batches=batches, data=arrays,
        evaluate=scores["validation"], test=test, watched="validation", best_by=LOSS,
        tells_step=True, cut=functools.partial(ed.cut_pairs, cut, layout),
        keep_best=config.keep_best, files=files_of(encoding), predict=answered,
        needs=needs_of(
            config, layout, init, layer=model.encoder, time_steps=cut.limits[-1],
            data=sum(array.nbytes for array in arrays), data_flags="--max_length",
            outputs=len(encoding.target),
        ),
    )  # fmt: skip


def files_of(encoding: ed.Encoding) -> dict[str, str]:
    """What the numbers stand for, to lie beside the parameters."""
    return {SOURCE: encoding.source.to_json() + "\n", TARGET: encoding.target.to_json() + "\n"}


def exported(config: Any, kind: Any, title: str, source: str, target: str) -> Model:
    """What a run has learnt, with its search: a function from sources to answers.

    Args:
        config: the settings of the run.
        kind: the class of its codes.
        title: what it is, in a few words.
        source: what a source is, such as "a sentence".
        target: what an answer is.
    """
    model, params, encoding = trained(config, kind)
    how = ed.how_to_answer(config)
    numbers = Array(
        ("batch", "time"), "int32", f"numbers of {source}, padded behind with {PAD}",
        below=len(encoding.source),
    )  # fmt: skip

    def apply(params: Any, numbers: jax.Array) -> dict[str, Any]:
        return best_answers(model, how, params, numbers, numbers != PAD)

    return Model(
        title=title, apply=apply, params=params, inputs={"sources": numbers},
        outputs=told_of_answers(target, how),
        notes=f"`{SOURCE}` and `{TARGET}` have what the numbers stand for."
        + " Sources are read from their end." * config.reverse_source,
        files=files_of(encoding),
    )  # fmt: skip


def best_answers(model: Any, how: How, params: Any, *inputs: jax.Array) -> dict[str, jax.Array]:
    """The best of what `rnnjax.models.answers.search` finds, as the outputs of an export."""
    found = search(model, how, params, *inputs)
    named = {"answers": found.tokens, "lengths": found.lengths, "scores": found.scores}
    return {name: array[:, 0] for name, array in named.items()}


def told_of_answers(target: str, how: How) -> dict[str, str]:
    """What each of these outputs means."""
    return {
        "answers": f"numbers of {target} [batch, {how.max_steps}]; behind its end {END} again",
        "lengths": "how many numbers each has, its end counted [batch]",
        "scores": "of the search; log-probabilities where there is no penalty [batch]",
    }


def trained(config: Any, kind: Any) -> tuple[EncoderDecoder, Any, ed.Encoding]:
    """The model of a run, its parameters, and what its numbers stand for.

    Args:
        config: the settings of the run.
        kind: the class of its codes.
    """
    both: list[Codes] = [kind.from_json(read_file(config, name)) for name in (SOURCE, TARGET)]
    encoding = ed.Encoding(both[0], both[1], config.reverse_source)
    model = ed.build_model(config, len(encoding.source), len(encoding.target))
    return model, load_model(config, initial(config, model)), encoding
