"""Which learning rate? Many of them, trained at once."""

from __future__ import annotations

from collections.abc import Sequence

from experiments.comparison.answer import Answer, Table
from experiments.comparison.group import Group, Plan
from experiments.comparison.study import Study

RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1)


def answer(study: Study) -> Answer:
    plan = Plan("learning_rates", settings=[{"learning_rate": rate} for rate in RATES])
    return _answer(study.run([plan]))


def _answer(groups: Sequence[Group]) -> Answer:
    (group,) = groups
    accuracy = group.final("test_accuracy")
    rows = [(s["learning_rate"], *accuracy[i].tolist()) for i, s in enumerate(group.settings)]
    columns = ("learning rate", *(f"seed {seed}" for seed in group.seeds))
    return Answer(
        "Which learning rate?",
        "Which learning rate gives the lowest test loss?",
        ("…",),
        (Table("learning_rates", "Test accuracy", columns, rows, {"learning rate": ".3g"}),),
    )
