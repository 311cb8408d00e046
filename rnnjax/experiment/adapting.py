"""A trained language model that adapts to the text it is tested on: by a cache, or by learning."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax.data.corpora import Corpus
from rnnjax.devices import hosts
from rnnjax.devices.layout import Layout
from rnnjax.experiment.building import applying
from rnnjax.experiment.experiment import Outcome
from rnnjax.reports.statistics import shown, summarise
from rnnjax.training.cache_pointer import CachePointer, mixed
from rnnjax.training.dynamic_evaluation import Adapted, Rule, first_carry, following, gradient_rms
from rnnjax.training.streams import StreamReader, as_rows

Scored = Callable[[Corpus, Any, str], Mapping[str, Any]]
"""``scored(corpus, losses, part)``: the figures of the losses of a part, ``<part>_loss`` first."""

THETAS = (0.0, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0)
WEIGHTS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5)

RATES = {"sgd": (0.001, 0.003, 0.01, 0.03, 0.1), "rms": (3e-6, 1e-5, 3e-5, 1e-4, 3e-4)}
DECAYS = {"sgd": (0.0,), "rms": (0.001, 0.0, 0.003)}
"""The first of them is the one that rates are compared with. Those of "rms" are for five symbols at
a time; both numbers are larger by as much as segments are longer."""
WORDS, CHARACTERS = 5, 20
"""Symbols between two updates."""
STATISTICS_ROWS = 100
TUNED_ON = 30_000
"""Symbols of the validation part that choose how dynamic evaluation goes."""


def report(run: Outcome, scored: Scored) -> dict[str, Any]:
    """Tests with a cache and by dynamic evaluation, as --cache and --dynamic say; shows both.

    Everything is chosen on the validation part, for each seed by itself.

    Args:
        run: with these settings, a `rnnjax.models.LanguageModel`, and a `Corpus` for data.
        scored: the figures of a part.

    Returns:
        What was chosen and the test figures, under ``cache`` and ``dynamic``.
    """
    config, found = run.config, {}
    if config.cache:
        figures = _of_seeds(run, "testing with a cache", _with_cache(run, scored))
        _show(run, f"with a cache of {config.cache:,}", figures)
        found["cache"] = {"size": config.cache, **figures}
    if config.dynamic:
        figures = _of_seeds(run, "testing by dynamic evaluation", _dynamically(run, scored))
        _show(run, f"by dynamic evaluation ({config.dynamic})", figures)
        found["dynamic"] = {"rule": config.dynamic, **figures}
    return found


def _of_seeds(run: Outcome, what: str, figures: Callable[[Any], Mapping[str, Any]]) -> Any:
    number = run.config.num_seeds
    with run.console.status(what):
        found = [figures(params) for params in _each_seed(run)]
    names = found[0].keys()
    return summarise(
        {n: np.array([f[n] for f in found]) if number > 1 else found[0][n] for n in names}
    )


def _show(run: Outcome, what: str, figures: Mapping[str, Any]) -> None:
    names = [n for n in figures if n.startswith("test_")]
    chosen = [n for n in figures if n not in (*names, "sd", "seeds")]
    told = ", ".join(f"{n.replace('_', ' ')} {shown(figures, n)}" for n in names)
    by = ", ".join(f"{n} {figures[n]:.3g}" for n in chosen)
    run.console.print(f"{what}: {told} ({by})", soft_wrap=True)


def _each_seed(run: Outcome) -> list[Any]:
    """The parameters of each seed, on one device."""
    seeds = run.config.num_seeds
    layout = Layout.over(jax.local_devices()[:1], num_seeds=seeds)
    params = hosts.fetch(run.params)
    return [layout.put(layout.part(params, i), layout.sharding()) for i in range(seeds)]


def _one_device() -> Layout:
    return Layout.over(jax.local_devices()[:1])


def _with_cache(run: Outcome, scored: Scored) -> Callable[[Any], dict[str, Any]]:
    model = run.problem.model
    apply = applying(run.config, model)

    def losses(params: Any, carry: Any, xs: jax.Array, ys: jax.Array) -> Any:
        carry, each, outputs = apply(params, xs, ys, carry, method="losses_and_outputs")
        return carry, each, outputs.ys

    pointer = CachePointer(losses, run.config.cache)

    def start(rows: int) -> Any:
        return pointer.first_carry(model.layer.initial_carry((rows,)), model.layer.output_size)

    def reader(part: np.ndarray) -> StreamReader:
        return StreamReader(pointer.losses, part, start, layout=_one_device())

    validate, test = reader(run.data.validation), reader(run.data.test)

    def figures(params: Any) -> dict[str, Any]:
        found = np.asarray(validate((params, jnp.array(THETAS))))

        def loss(choice: tuple[int, float]) -> float:
            number, weight = choice
            both = found[:, [0, 1 + number]]
            return float(scored(run.data, mixed(both, weight), "validation")["validation_loss"])

        number, weight = min(itertools.product(range(len(THETAS)), WEIGHTS), key=loss)
        tested = test((params, jnp.array(THETAS[number : number + 1])))
        return {
            "weight": weight,
            "theta": THETAS[number],
            **scored(run.data, mixed(tested, weight), "test"),
        }

    return figures


def _dynamically(run: Outcome, scored: Scored) -> Callable[[Any], dict[str, Any]]:
    config, data, layer = run.config, run.data, run.problem.model.layer
    apply = applying(config, run.problem.model)
    segment = WORDS if data.symbols.unit == "word" else CHARACTERS
    some = dataclasses.replace(data, validation=data.validation[:TUNED_ON])
    seeds_axis = int(config.num_seeds > 1)
    shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape[seeds_axis:], a.dtype), run.params)

    def losses(params: Any, carry: Any, xs: jax.Array, ys: jax.Array) -> Any:
        return apply(params, xs, ys, carry, method="losses")

    def start(rows: int) -> Any:
        return first_carry(layer.initial_carry((rows,)), shapes)

    def reader(part: np.ndarray) -> StreamReader:
        follow = following(losses)
        return StreamReader(follow, part, start, layout=_one_device(), window=segment)

    validate, test = reader(some.validation), reader(data.test)
    rows = max(1, min(STATISTICS_ROWS, (len(data.train) - 1) // segment))
    train = as_rows(data.train, rows, segment)

    @jax.jit
    def statistics(params: Any, inputs: Any, targets: Any) -> Any:
        return gradient_rms(losses, params, layer.initial_carry((rows,)), inputs, targets, segment)

    def figures(params: Any) -> dict[str, Any]:
        rms = statistics(params, *train) if config.dynamic == "rms" else None
        longer = segment / WORDS if config.dynamic == "rms" else 1.0

        def adapted(rate: float, decay: float) -> Adapted:
            return Adapted(params, Rule(rate, decay, rms))

        def loss(choice: tuple[float, float]) -> float:
            found = scored(some, validate(adapted(*choice)), "validation")["validation_loss"]
            return float(np.nan_to_num(found, nan=np.inf))

        first, *others = (longer * decay for decay in DECAYS[config.dynamic])
        best = min(((longer * rate, first) for rate in RATES[config.dynamic]), key=loss)
        best = min((best, *((best[0], decay) for decay in others)), key=loss)
        tested = test(adapted(*best))
        return {"rate": best[0], "decay": best[1], **scored(data, tested, "test")}

    return figures
