"""Texts that a run has judged wrongly, and how well its probabilities order them all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text

from rnnjax.experiment.experiment import Outcome
from rnnjax.runs.files import write_text
from rnnjax.storage import typed_json


def roc_auc(run: Outcome) -> float:
    """The area under the ROC curve, of several seeds its mean."""
    from sklearn.metrics import roc_auc_score  # now that it is needed: it takes a second

    labels = run.problem.test_labels
    return float(np.mean([roc_auc_score(labels, p) for p in np.atleast_2d(run.probabilities)]))


def surest(run: Outcome) -> list[dict[str, Any]]:
    """The `surest_mistakes` of a run; of several seeds what they say together, in the mean."""
    together = np.atleast_2d(run.probabilities).mean(axis=0)
    return surest_mistakes(run.problem.test_labels, together, run.data.test_texts)


def surest_mistakes(
    labels: np.ndarray, probabilities: np.ndarray, texts: Sequence[str], count: int = 20
) -> list[dict[str, Any]]:
    """The texts that were judged wrongly with the most confidence, the surest first.

    Args:
        labels: true ones ``[N]``, 0 or 1.
        probabilities: of label 1 ``[N]``.
        texts: N.
        count: how many.
    """
    wrong = np.flatnonzero((probabilities > 0.5) != (labels > 0))
    sureness = np.abs(probabilities[wrong] - 0.5)
    return [
        {"label": int(labels[i]), "probability": float(probabilities[i]), "text": texts[int(i)]}
        for i in wrong[np.argsort(-sureness, kind="stable")][:count]
    ]


def mistakes_table(mistakes: Sequence[dict[str, Any]], class_names: Sequence[str]) -> Table:
    """The table of `surest_mistakes`, long texts cut."""
    table = Table(title="the surest mistakes", show_lines=True)
    table.add_column("is")
    table.add_column("judged")
    table.add_column("text", max_width=90)
    for mistake in mistakes:
        text, p = mistake["text"], mistake["probability"]
        judged = f"{class_names[int(p > 0.5)]} ({max(p, 1 - p):.1%})"
        shown = text if len(text) <= 400 else f"{text[:200]} … {text[-200:]}"
        table.add_row(Text(class_names[int(mistake["label"])]), Text(judged), Text(shown))
    return table


def write(path: Path, mistakes: Sequence[dict[str, Any]]) -> None:
    """Writes them as JSON."""
    write_text(path, typed_json.to_text(mistakes, 2) + "\n")
