"""Which cell remembers how far: what is trained, and what is said of outcomes written down here."""

from __future__ import annotations

from typing import Any

import pytest

from experiments.comparison.group import Plan
from experiments.comparison.questions import memory
from experiments.comparison.settings import settings_of_run
from rnnjax.errors import UsageError
from tests.experiments.comparison.asking import study_of
from tests.experiments.comparison.test_answers import group_of

TINY = {"length": 12, "num_seeds": 2, "num_devices": 1, "hidden_size": 2, "num_train": 8,
        "batch_size": 4, "steps": 2}  # fmt: skip


def outcome(cell, length, losses):
    group = group_of(Plan(f"{cell}-{length}", {"cell": cell, "length": length}), [[0.5, 0.5, 0.5]])
    group.result["runs"]["test_loss"] = list(losses)
    return group


@pytest.fixture(scope="module")
def answered():
    groups = [
        outcome("lstm", 50, (0.01, 0.01, 0.01)), outcome("gru", 50, (0.001, 0.002, 0.001)),
        outcome("lstm", 100, (0.16, 0.17, 0.16)), outcome("gru", 100, (0.01, 0.05, 0.03)),
        outcome("lstm", 200, (0.01, 0.01, 0.01)), outcome("gru", 200, (0.2, 0.2, 0.2)),
    ]  # fmt: skip
    return memory._answer(groups)


def test_a_cell_remembers_as_far_as_it_always_answers(answered):
    said = {sentence.partition(":")[0]: sentence for sentence in answered.sentences}
    assert "lstm: answers at up to 50 steps" in said["lstm"]  # 200 came after it had failed at 100
    assert "at 200 steps its mean squared error is 0.0100" in said["lstm"]
    assert "gru: answers at up to 100 steps" in said["gru"]
    assert "an error of 0.1667" in " ".join(answered.sentences)


def test_a_cell_that_never_answers_is_told():
    answer = memory._answer([outcome("simple_rnn", 50, (0.17, 0.17, 0.17))])
    assert answer.sentences[0].startswith("simple_rnn: answers no better than half-way")


def test_the_picture_has_a_line_for_each_cell_and_the_limit(answered):
    (figure,) = answered.figures
    axes = figure.drawing.axes[0]
    labels = [line.get_label() for line in axes.lines]
    assert {"lstm", "gru"} <= set(labels)
    assert any(set(line.get_ydata()) == {1 / 6} for line in axes.lines)
    assert "lstm has the lowest error" in figure.alt
    (table,) = answered.tables
    assert [row[:2] for row in table.rows[:3]] == [("lstm", 50), ("gru", 50), ("lstm", 100)]


def test_every_cell_is_trained_at_every_length(tmp_path, monkeypatch):
    study = study_of("memory", tmp_path, "long_memory", **TINY)
    plans: list[Plan] = []
    monkeypatch.setattr(study, "run", lambda given, _: plans.extend(given) or [])
    monkeypatch.setattr(memory, "_answer", lambda groups: groups)
    memory.answer(study)
    assert {plan.changes["length"] for plan in plans} == {12}
    assert {plan.changes["cell"] for plan in plans} == memory.CELLS.keys()
    for plan in plans:
        own: Any = settings_of_run(study.config, study.task.config, plan.changes)
        assert (own.task, own.hidden_size) == ("adding", 2)


def test_what_has_no_length_can_not_be_asked(tmp_path):
    with pytest.raises(UsageError, match=r"no length that can grow.*--task=long_memory"):
        memory.answer(study_of("memory", tmp_path))


@pytest.mark.slow
def test_it_is_answered(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "CELLS", {"gru": memory.CELLS["gru"]})
    monkeypatch.setattr(memory, "NUM_LENGTHS", 1)
    answer = memory.answer(study_of("memory", tmp_path, "long_memory", **TINY))
    assert len(answer.tables[0].rows) == 1
    assert (tmp_path / "index.html").is_file()
