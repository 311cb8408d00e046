"""Pictures of a run, each written as one PNG."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix

Path = str | os.PathLike[str]


def plot_curves(
    path: Path, title: str, history: Sequence[Mapping[str, float]], prefix: str = "test"
) -> None:
    """Loss (left, blue circles) and accuracy (right, green squares) over the iterations.

    Args:
        path: the PNG.
        title: above the picture.
        history: one object per evaluation, with ``step``, ``<prefix>_loss``, ``<prefix>_accuracy``.
        prefix: of which data: "test" or "validation".
    """
    steps = [metrics["step"] for metrics in history]
    losses = [metrics[f"{prefix}_loss"] for metrics in history]
    accuracies = [metrics[f"{prefix}_accuracy"] for metrics in history]
    figure, left = _figure(title, 7.0, 4.5)
    right = left.twinx()
    left.plot(steps, losses, "bo-", linewidth=1, label="loss")
    right.plot(steps, accuracies, "gs-", linewidth=1, label="accuracy")
    left.set_xlabel("iterations")
    left.set_ylabel(f"{prefix} loss", color="b")
    right.set_ylabel(f"{prefix} accuracy", color="g")
    left.tick_params(axis="y", labelcolor="b")
    right.tick_params(axis="y", labelcolor="g")
    left.grid(alpha=0.3)
    lines = [*left.lines, *right.lines]
    left.legend(lines, [str(line.get_label()) for line in lines], loc="center right")
    figure.savefig(path, dpi=150)


def plot_confusion(
    path: Path, title: str, labels: np.ndarray, predicted: np.ndarray, class_names: Sequence[str]
) -> None:
    """How many examples of each class (rows) were taken for each class (columns)."""
    counts = confusion_matrix(labels, predicted, labels=np.arange(len(class_names)))
    figure, axes = _figure(title, 7.0, 6.5)
    # The colour shows the share of the row, on a scale that lets rare mistakes be seen.
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.3 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=9)
    ticks = range(len(class_names))
    rotation = 45 if max(map(len, class_names)) > 2 else 0
    axes.set_xticks(ticks, class_names, rotation=rotation, ha="right" if rotation else "center")
    axes.set_yticks(ticks, class_names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    figure.savefig(path, dpi=150)


def plot_mistakes(
    path: Path,
    title: str,
    images: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    *,
    rows: int = 4,
    columns: int = 6,
) -> None:
    """The wrongly read images, the surest mistakes first.

    Args:
        path: the PNG.
        title: above the picture.
        images: ``[N, height, width]``.
        labels: true classes ``[N]``.
        probabilities: of every class ``[N, C]``.
        class_names: C names.
        rows: of the grid.
        columns: of the grid.
    """
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    surest = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]
    figure = Figure(figsize=(1.7 * columns, 1.95 * rows + 0.8), layout="constrained")
    figure.suptitle(f"{title}\n{wrong.size:,} of {labels.size:,} wrong; the surest mistakes")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, i in zip(grid, surest, strict=False):
        true, guess = labels[i], predicted[i]
        axes.imshow(images[i], cmap="gray_r")
        axes.set_title(
            f"{class_names[guess]} ({probabilities[i, guess]:.0%})\n"
            f"is {class_names[true]} ({probabilities[i, true]:.1%})",
            fontsize=9,
        )
    figure.savefig(path, dpi=130)


def _figure(title: str, width: float, height: float) -> tuple[Figure, Axes]:
    # A Figure of its own, without pyplot: no global state, no display, nothing to close.
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=10)
    return figure, axes
