"""Tables for the terminal: what a model is made of, and how well it does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from rich.table import Table
from rich.text import Text

from rnnjax.reports.confusion_matrix import SCORES, confusion_matrix, scores_by_class


def count_params(params: Any) -> int:
    """How many numbers a pytree of parameters holds."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params))


def params_table(params: Any, title: str) -> Table:
    """Every parameter with its shape and size, and their total."""
    table = Table(title=Text(title, "table.title"), show_footer=True)
    table.add_column("parameter", "total")
    table.add_column("shape")
    table.add_column("number", f"{count_params(params):,}", justify="right")
    for path, leaf in jax.tree.leaves_with_path(params):
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        shape = " × ".join(map(str, leaf.shape))
        table.add_row(Text(name), shape, f"{math.prod(leaf.shape):,}")
    return table


ClassScores = dict[str, dict[str, float]]
"""Precision, recall, F1 and number of examples ("support") by class, and of their "mean"."""


def class_scores(
    labels: np.ndarray, predicted: np.ndarray, class_names: Sequence[str]
) -> ClassScores:
    """Computes precision, recall and F1 of every class, and their unweighted mean.

    Args:
        labels: true ones ``[N]``.
        predicted: ``[N]``, or ``[S, N]`` for several seeds, whose predictions count together.
        class_names: of all classes.
    """
    labels = np.broadcast_to(labels, predicted.shape).ravel()
    counts = confusion_matrix(labels, predicted.ravel(), len(class_names))
    columns = scores_by_class(counts)
    names = (*SCORES, "support")
    rows = np.transpose([*columns.values(), counts.sum(axis=1).astype(np.float64)])
    mean = rows.mean(axis=0)
    mean[-1] = rows[:, -1].sum()
    scores: ClassScores = {}
    for name, row in zip([*class_names, "mean"], [*rows, mean], strict=True):
        scores[name] = dict(zip(names, map(float, row), strict=True))
    return scores


def class_table(scores: ClassScores, title: str) -> Table:
    """The table of `class_scores`."""
    table = Table(title=Text(title, "table.title"))
    for column in ("class", "precision", "recall", "F1", "examples"):
        table.add_column(column, justify="left" if column == "class" else "right")
    *classes, mean = scores.items()
    for name, row in classes:
        table.add_row(Text(name), *_score_cells(row))
    table.add_section()
    table.add_row(mean[0], *_score_cells(mean[1]), style="bold")
    return table


def _score_cells(row: dict[str, float]) -> list[str]:
    shares = [f"{row[name]:.4f}" for name in SCORES]
    return [*shares, f"{row['support']:,.0f}"]
