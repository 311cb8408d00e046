"""What is chosen on the validation part, and what comes of it on the test part."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest
from rich.console import Console

from rnnjax import GRU, OneHot
from rnnjax.data.corpora import Corpus
from rnnjax.data.symbols import Symbols
from rnnjax.experiment import adapting
from rnnjax.experiment.experiment import Outcome
from rnnjax.models import LanguageModel
from rnnjax.training.streams import StreamReader, stream_metrics
from tests.cells_under_test import random_like

RNG = np.random.default_rng(0)
TRAIN, VALIDATION, TEST = (RNG.integers(3, size=n).astype(np.int32) for n in (90, 60, 50))
CORPUS = Corpus("three", TRAIN, VALIDATION, TEST, Symbols("word", ("a", "b", "c")), "here", "none")
MODEL = LanguageModel(3, OneHot(GRU(3, 2)))


def scored(corpus: Corpus, losses: Any, part: str) -> Any:
    return stream_metrics(losses, part)


def outcome(seeds: int = 1, **flags: Any) -> Outcome:
    variables: Any = jax.eval_shape(MODEL.init, jax.random.key(0), TRAIN[None, :2])
    rng = np.random.default_rng(1)
    settings = {"cache": 0, "dynamic": None, "num_seeds": seeds, "precision": "f32"} | flags
    params = [random_like(rng, variables, 0.6)["params"] for _ in range(seeds)]
    stacked = params[0] if seeds == 1 else jax.tree.map(lambda *p: np.stack(p), *params)
    problem: Any = SimpleNamespace(model=MODEL, dataset=CORPUS)
    console = Console(file=io.StringIO(), width=200)
    return Outcome(console, SimpleNamespace(**settings), problem, stacked)


def plain(params: Any, stream: np.ndarray) -> float:
    def losses(params: Any, carry: Any, xs: Any, ys: Any) -> Any:
        return MODEL.apply({"params": params}, xs, ys, carry, method="losses")

    read = StreamReader(losses, stream, lambda rows: MODEL.layer.initial_carry((rows,)))
    return float(np.mean(read(params)))


def said(run: Outcome) -> str:
    file: Any = run.console.file
    return file.getvalue()


def test_nothing_is_done_unasked():
    assert adapting.report(outcome(), scored) == {}


def test_a_cache_of_no_weight_changes_nothing_and_each_seed_chooses(monkeypatch):
    run = outcome(seeds=2, cache=4)
    monkeypatch.setattr(adapting, "WEIGHTS", (0.0, 1.0))  # 1: of the cache alone, infinite
    found = adapting.report(run, scored)["cache"]
    expected = [plain(jax.tree.map(lambda a, i=i: a[i], run.params), TEST) for i in (0, 1)]
    assert found["size"] == 4
    assert found["seeds"]["weight"] == [0.0, 0.0]
    np.testing.assert_allclose(found["seeds"]["test_loss"], expected, rtol=1e-5)
    assert said(run).startswith(f"with a cache of 4: test loss {np.mean(expected):.4f} ± ")


@pytest.mark.parametrize("rule", adapting.RATES)
def test_the_rate_is_the_best_of_those_that_stay_finite(monkeypatch, rule):
    run = outcome(dynamic=rule)
    monkeypatch.setattr(adapting, "RATES", {rule: (np.inf, 0.0)})
    found = adapting.report(run, scored)["dynamic"]
    assert (found["rule"], found["rate"]) == (rule, 0.0)
    np.testing.assert_allclose(found["test_loss"], plain(run.params, TEST), rtol=1e-5)
    assert f"by dynamic evaluation ({rule}): test loss {found['test_loss']:.4f}" in said(run)
