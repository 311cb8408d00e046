"""Every cell at equal size: what is trained, and what is said of outcomes written down here."""

from __future__ import annotations

import dataclasses

import pytest

from experiments.comparison.group import Plan
from experiments.comparison.questions import catalogue
from rnnjax.cells import CELLS
from tests.experiments.comparison.asking import study_of
from tests.experiments.comparison.test_answers import group_of


def outcome(cell, accuracies):
    plan = Plan(f"{cell}-8", {"cell": cell, "hidden_size": 8})
    return group_of(plan, [accuracies])


def test_the_best_come_first_and_who_is_left_out_is_told():
    groups = [outcome("gru", (0.5, 0.6)), outcome("mgu", (0.8, 0.7)), outcome("lstm", (0.6, 0.6))]
    answer = catalogue.answer_of(groups, {"ours": "it wants more."})
    (table,) = answer.tables
    assert [row[:2] for row in table.rows] == [
        ("mgu", "gated"), ("lstm", "basic"), ("gru", "basic"),
    ]  # fmt: skip
    assert "is that of mgu" in answer.sentences[0]
    assert "mgu 0.7500, lstm 0.6000, gru 0.5500" in answer.sentences[0]
    assert "Not trained: ours, because it wants more." in answer.sentences
    (figure,) = answer.figures
    names = [label.get_text() for label in figure.drawing.axes[0].get_yticklabels()]
    assert names == ["mgu 8", "lstm 8", "gru 8"]


@pytest.mark.parametrize("cell", ["gru", "delta_net"])
def test_each_is_as_wide_as_its_parameters_allow(tmp_path, monkeypatch, cell):
    monkeypatch.setattr(catalogue, "CELLS", {cell: CELLS[cell]})
    study = study_of("catalogue", tmp_path)
    (plan,), left_out = catalogue.plans_of(study)
    assert not left_out
    assert plan.changes["cell"] == cell
    config, count = study.config, study.task.count_params

    def count_at(width):
        changes = {"cell": cell, "hidden_size": width}
        return count(dataclasses.replace(config, **changes), study.data)

    wanted, width = count(config, study.data), plan.changes["hidden_size"]
    near = abs(count_at(width) - wanted)
    assert near <= abs(count_at(width + 4) - wanted)
    assert width <= 4 or near <= abs(count_at(width - 4) - wanted)


def test_a_cell_that_does_not_fit_is_left_out(tmp_path, monkeypatch):
    class Unfit(CELLS["mgu"]):
        def __post_init__(self):
            raise ValueError("Unfit: it fits nothing.")

    monkeypatch.setattr("rnnjax.experiment.building.CELLS", {**CELLS, "mgu": Unfit})
    monkeypatch.setattr(catalogue, "CELLS", {"mgu": Unfit})
    plans, left_out = catalogue.plans_of(study_of("catalogue", tmp_path))
    assert plans == []
    assert left_out == {"mgu": "Unfit: it fits nothing."}
