from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from experiments.comparison.group import Plan
from experiments.comparison.questions import classes
from rnnjax.analysis.bootstrap import mean_over_seeds
from rnnjax.errors import UsageError
from tests.experiments.comparison.asking import SMALL, study_of


def test_every_class_has_its_scores(tmp_path):
    study = study_of("classes", tmp_path, **SMALL)
    answer = classes.answer(study)
    (group,) = study.run([Plan("classes")])
    labels, predicted = np.asarray(group.problem.test_labels), group.logits[0].argmax(-1)
    options: Any = {"average": None, "zero_division": 0.0}  # documented, not in the stub
    f1 = np.stack([f1_score(labels, row, **options) for row in predicted])
    scores, confusion = answer.tables
    assert [row[0] for row in scores.rows] == list("0123456789")
    for i, row in enumerate(scores.rows):
        expected = mean_over_seeds(f1[:, i], bounds=(0, 1))
        assert row[3].value == pytest.approx(expected.value)
        assert (row[3].low, row[3].high) == pytest.approx((expected.low, expected.high))
        assert row[4] == (labels == i).sum()
    assert sum(sum(row[1:]) for row in confusion.rows) == len(labels)
    worst = int(f1.mean(axis=0).argmin())
    assert f"{worst} worst, F1 {f1.mean(axis=0)[worst]:.3f} [" in answer.sentences[1]
    assert "only 2 seeds" in answer.sentences[-1]
    assert [figure.name for figure in answer.figures] == ["class_scores", "confusion"]


def test_coins_have_no_classes(tmp_path):
    study = study_of("classes", tmp_path, "binary_sequence")
    with pytest.raises(UsageError, match=r"a coin decides.*--task=mnist_rnn or imdb_sentiment"):
        classes.answer(study)
