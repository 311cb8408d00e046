"""Is the recurrent network better than a plain one? With as many parameters, on the same pixels."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from flax import linen as nn

from experiments import mnist_rnn
from experiments.comparison.answer import Answer, Figure, Table
from experiments.comparison.group import Group, Plan
from experiments.comparison.scope import require, single_problem, updates
from experiments.comparison.study import Study
from experiments.comparison.wording import caveats, seed_by_seed
from rnnjax.analysis.bootstrap import mean_over_seeds, paired_difference
from rnnjax.analysis.equal_size import width_for_count
from rnnjax.analysis.input_order import in_order
from rnnjax.analysis.pictures import draw_comparison
from rnnjax.devices.layout import Layout
from rnnjax.models.plain import PlainClassifier
from rnnjax.reports.tables import count_params
from rnnjax.training.problem import Problem

PIXEL_SHARE = 4
"""Pixel by pixel an image takes many times as many steps as row by row, so that these runs get only
every fourth of the updates."""

TITLES = {
    "all": "all at once",
    "rows": "row by row",
    "rows_permuted": "rows in a random order",
    "pixels": "pixel by pixel",
    "pixels_permuted": "pixels in a random order",
}
"""What is read: all pixels, or by their order's name in `rnnjax.analysis.input_order`."""


@dataclasses.dataclass(frozen=True)
class Network:
    """One of those that are compared.

    Args:
        plan: how it is trained.
        label: what it is.
        order: what it reads, one of `TITLES`.
    """

    plan: Plan
    label: str
    order: str = "rows"


def answer(study: Study) -> Answer:
    """Trains the recurrent network on four orders of the pixels, and plain ones on the image."""
    require(study, ("mnist_rnn",), "there are no pixels that a plain network could read")
    networks = _networks(study)

    def so_far(groups: Sequence[Group]) -> Answer:
        return _answer(networks, groups)

    return so_far(study.run([network.plan for network in networks], so_far))


def _networks(study: Study) -> list[Network]:
    config, images = study.config, study.data.train_images[:1]
    classes = len(study.data.class_names)
    rows, pixels = (_read(images, order) for order in ("rows", "pixels"))
    recurrent = _size(mnist_rnn.build_model(config, rows.shape[-1], classes), rows)
    mlp = functools.partial(PlainClassifier, classes, initialization=config.initialization)
    width = width_for_count(recurrent, lambda hidden: _size(mlp(hidden), rows))
    networks = [
        Network(_plan("rows", "rows"), config.cell),
        Network(_plan(f"mlp_{width}", "rows", mlp(width)), f"MLP of {width} units", "all"),
        Network(_plan("logistic_regression", "rows", mlp(0)), "logistic regression", "all"),
        Network(_plan("rows_permuted", "rows_permuted"), config.cell, "rows_permuted"),
    ]
    steps = max(1, updates(study, single_problem(study)) // PIXEL_SHARE)
    # The one that was asked for and, to see what gates do for a memory, one that has them.
    for cell in dict.fromkeys((config.cell, "gru")):

        def size(hidden: int, cell: str = cell) -> int:
            asked = dataclasses.replace(config, cell=cell, hidden_size=hidden)
            return _size(mnist_rnn.build_model(asked, 1, classes), pixels)

        width = width_for_count(recurrent, size)
        changes = {"cell": cell, "hidden_size": width, "steps": steps}
        for order in ("pixels", "pixels_permuted"):
            networks.append(Network(_plan(f"{order}_{cell}", order, **changes), cell, order))
    return networks


def _plan(name: str, order: str, model: nn.Module | None = None, **changes: Any) -> Plan:
    """Of a recurrent network as the settings say, or of a plain one."""

    def build(config: Any, layout: Layout, data: Any) -> Problem:
        read = functools.partial(_read, order=order)
        if model is None:
            return mnist_rnn.problem(config, layout, data, read=read)
        problem = mnist_rnn.problem(config, layout, data, lambda *_, plain=model: plain, read)
        return dataclasses.replace(problem, title=f"{name} on {data.name}")

    return Plan(name, changes, build=build)


def _read(images: Any, order: str) -> jax.Array:
    return in_order(mnist_rnn.scale(images), order)


def _size(model: nn.Module, example: jax.Array) -> int:
    return count_params(jax.eval_shape(model.init, jax.random.key(0), example))


def _accuracy(group: Group) -> np.ndarray:
    return group.final("test_accuracy")[0]


def _answer(networks: Sequence[Network], groups: Sequence[Group]) -> Answer:
    trained = list(zip(networks, groups, strict=False))  # some are still to come
    first = _accuracy(groups[0])
    estimates = {g.name: mean_over_seeds(_accuracy(g), bounds=(0, 1)) for g in groups}
    rows, drawn = [], {}
    for network, group in trained:
        difference = None if group is groups[0] else paired_difference(_accuracy(group), first)
        rows.append(
            (
                network.label, TITLES[network.order], group.num_params, int(group.result["steps"]),
                group.milliseconds, estimates[group.name], difference,
            )
        )  # fmt: skip
        drawn.setdefault(TITLES[network.order], {})[network.label] = estimates[group.name]
    columns = (
        "network", "reads", "parameters", "updates", "ms per update", "test accuracy",
        "against the first",
    )  # fmt: skip
    name = groups[0].problem.dataset.name
    return Answer(
        "Is the recurrent network better than a plain one?",
        "With as many parameters and the same pixels: does reading in steps help, and what does "
        "the order of the steps decide?",
        [*_sentences(trained), *caveats(estimates.values())],
        [
            Table(
                "plain_networks", "Networks of about the same number of parameters", columns, rows,
                {"ms per update": ".2f", "against the first": "+.4f"},
            )
        ],
        [
            Figure(
                "plain_networks",
                draw_comparison(
                    f"networks of one size on {name}", "test accuracy", drawn,
                    {"guessing": 1 / len(groups[0].problem.class_names)},
                ),
                "Test accuracy of each network as a point with an error bar, by what it reads.",
                "Mean and 95% interval; strokes are seeds. A plain network reads all at once.",
            )
        ],
    )  # fmt: skip


def _sentences(trained: Sequence[tuple[Network, Group]]) -> list[str]:
    (network, first), *others = trained
    pixels: dict[str, tuple[Network, Group]] = {}
    found = [
        f"{network.label}, {first.num_params:,} parameters, reads the image row by row with a test "
        f"accuracy of {mean_over_seeds(_accuracy(first), bounds=(0, 1)).text()}."
    ]
    for network, group in others:
        if network.order == "all":
            found.append(
                f"{network.label} ({group.num_params:,} parameters) reads it all at once, in any "
                f"order alike: {_against(group, first)}."
            )
        elif network.order == "rows_permuted":
            found.append(f"With its rows in a random order: {_against(group, first)}.")
        elif network.order == "pixels":
            pixels[network.label] = network, group
            found.append(
                f"Pixel by pixel {network.label} reaches "
                f"{mean_over_seeds(_accuracy(group), bounds=(0, 1)).text()} "
                f"after {int(group.result['steps']):,} updates, where guessing gives "
                f"{1 / len(group.problem.class_names):.2f}."
            )
        else:
            before = pixels[network.label][1]
            found.append(
                f"With the pixels in a random order {network.label}: {_against(group, before)}."
            )
    if len(pixels) > 1:
        (plain, one), (gated, other) = pixels.values()
        found.append(f"Of the two, {gated.label} against {plain.label}: {_against(other, one)}.")
    return found


def _against(group: Group, reference: Group) -> str:
    """The difference in accuracy."""
    return f"accuracy {seed_by_seed(paired_difference(_accuracy(group), _accuracy(reference)))}"
