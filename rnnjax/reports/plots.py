"""Pictures of a run, each written as one PNG."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnjax.reports.confusion_matrix import confusion_matrix
from rnnjax.reports.drawing import titled_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

Path = str | os.PathLike[str]


def plot_curves(
    path: Path,
    title: str,
    history: Sequence[Mapping[str, Any]],
    prefix: str = "test",
    loss_limits: Mapping[str, float] | None = None,
    metric: str = "accuracy",
) -> None:
    """Loss (left, blue circles) and a metric (right, green squares) over the iterations.

    Args:
        path: the PNG.
        title: above the picture.
        history: one object per evaluation, with ``step``, ``<prefix>_loss``, ``<prefix>_<metric>``;
            where they have deviations over several seeds, these are drawn as bands.
        prefix: of which data: "test" or "validation".
        loss_limits: losses that mean something, by name; each is drawn as a line.
        metric: what is drawn beside the loss.
    """
    steps = [metrics["step"] for metrics in history]
    losses = [metrics[f"{prefix}_loss"] for metrics in history]
    values = [metrics[f"{prefix}_{metric}"] for metrics in history]
    figure, left = titled_axes(title, 7.0, 4.5)
    right = left.twinx()
    left.plot(steps, losses, "bo-", linewidth=1, label="loss")
    right.plot(steps, values, "gs-", linewidth=1, label=metric.replace("_", " "))
    _band(left, steps, history, f"{prefix}_loss", "b")
    _band(right, steps, history, f"{prefix}_{metric}", "g")
    left.set_xlabel("iterations")
    left.set_ylabel(f"{prefix} loss", color="b")
    right.set_ylabel(f"{prefix} {metric.replace('_', ' ')}", color="g")
    left.tick_params(axis="y", labelcolor="b")
    right.tick_params(axis="y", labelcolor="g")
    if metric == "accuracy":  # a difference in its fourth digit must not look like a fall
        middle = (max(values) + min(values)) / 2
        low, high = right.get_ylim()
        right.set_ylim(min(low, middle - 0.05), max(high, middle + 0.05))
    left.grid(alpha=0.3)
    for style, (name, limit) in zip(("--", ":", "-."), (loss_limits or {}).items(), strict=False):
        left.axhline(limit, color="k", linestyle=style, linewidth=1, label=f"{name} {limit:.4f}")
    lines = [*left.lines, *right.lines]
    _legend_below(left, lines)
    figure.savefig(path, dpi=150)


def plot_learning(path: Path, title: str, history: Sequence[Mapping[str, Any]]) -> None:
    """Training and validation loss (left), and validation accuracy (right), by epoch.

    Args:
        path: the PNG.
        title: above the picture.
        history: one object per epoch, with ``train_loss``, ``validation_loss`` and
            ``validation_accuracy``.
    """
    figure, left = titled_axes(title, 7.0, 4.5)
    right = left.twinx()
    epochs = np.arange(1, len(history) + 1)
    for name, style in (("train_loss", "b.--"), ("validation_loss", "bo-")):
        values = [metrics[name] for metrics in history]
        left.plot(epochs, values, style, linewidth=1, label=name.replace("_", " "))
        _band(left, epochs, history, name, "b")
    accuracies = [metrics["validation_accuracy"] for metrics in history]
    right.plot(epochs, accuracies, "gs-", linewidth=1, label="validation accuracy")
    _band(right, epochs, history, "validation_accuracy", "g")
    left.set_xlabel("epoch")
    left.set_xticks(epochs)
    left.set_ylabel("loss", color="b")
    right.set_ylabel("accuracy", color="g")
    left.set_ylim(bottom=0)
    left.grid(alpha=0.3)
    lines = [*left.lines, *right.lines]
    _legend_below(left, lines)
    figure.savefig(path, dpi=150)


def plot_losses(
    path: Path,
    title: str,
    history: Sequence[Mapping[str, Any]],
    limits: Mapping[str, float] | None = None,
) -> None:
    """Training and validation loss over the updates.

    Args:
        path: the PNG.
        title: above the picture.
        history: one object per evaluation, with ``step``, ``train_loss`` and ``validation_loss``.
        limits: losses that mean something, by name; each is drawn as a line.
    """
    figure, axes = titled_axes(title, 7.0, 4.5)
    steps = [metrics["step"] + 1 for metrics in history]
    for name, style in (("train_loss", "b.--"), ("validation_loss", "bo-")):
        values = [metrics[name] for metrics in history]
        axes.plot(steps, values, style, linewidth=1, label=name.replace("_", " "))
        _band(axes, steps, history, name, "b")
    for style, (name, limit) in zip(("--", ":", "-."), (limits or {}).items(), strict=False):
        axes.axhline(limit, color="k", linestyle=style, linewidth=1, label=f"{name} {limit:.4f}")
    axes.set_xlabel("updates")
    axes.set_ylabel("loss in nats")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=150)


def plot_confusion(
    path: Path, title: str, labels: np.ndarray, predicted: np.ndarray, class_names: Sequence[str]
) -> None:
    """How many examples of each class (rows) were taken for each class (columns).

    Args:
        path: the PNG.
        title: above the picture.
        labels: true classes ``[N]``.
        predicted: ``[N]``, or ``[S, N]`` for several seeds, whose predictions count together.
        class_names: of all classes.
    """
    labels = np.broadcast_to(labels, predicted.shape).ravel()
    counts = confusion_matrix(labels, predicted.ravel(), len(class_names))
    draw_confusion(title, counts, class_names).savefig(path, dpi=150)


def draw_confusion(title: str, counts: np.ndarray, class_names: Sequence[str]) -> Figure:
    """How many examples of each class (rows) were taken for each class (columns).

    Args:
        title: above the picture.
        counts: ``[C, C]``, whole numbers or means over several seeds.
        class_names: C names.
    """
    figure, axes = titled_axes(title, 7.0, 6.5)
    # The colour shows the share of the row, on a scale that lets rare mistakes be seen.
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(np.sqrt(shares), cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        if count > 0:
            text = f"{count:.0f}" if count >= 99.95 or float(count).is_integer() else f"{count:.1f}"
            colour = "white" if shares[row, column] > 0.3 else "black"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=9)
    ticks = range(len(class_names))
    rotation = 45 if max(map(len, class_names)) > 2 else 0
    axes.set_xticks(ticks, class_names, rotation=rotation, ha="right" if rotation else "center")
    axes.set_yticks(ticks, class_names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    return figure


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
        probabilities: of every class ``[N, C]``; or ``[S, N, C]`` for several seeds, of which the
            mean tells what they say together.
        class_names: C names.
        rows: of the grid.
        columns: of the grid.
    """
    probabilities = probabilities.reshape(-1, *probabilities.shape[-2:]).mean(axis=0)
    predicted = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(predicted != labels)
    surest = wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]
    figure, axes = titled_axes(
        f"{title}\n{wrong.size:,} of {labels.size:,} wrong; the surest mistakes",
        1.7 * columns, 1.95 * rows + 0.8,
    )  # fmt: skip
    axes.axis("off")
    # All on one sheet: axes for every image take Matplotlib seconds to lay out.
    height, width = images.shape[1:]
    below, right = 1.35 * height, 1.15 * width
    for place, i in zip(np.ndindex(rows, columns), surest, strict=False):
        true, guess = int(labels[i]), int(predicted[i])
        top, left = place[0] * below, place[1] * right
        axes.imshow(images[i], cmap="gray_r", extent=(left, left + width, top + height, top))
        axes.text(
            left + width / 2,
            top - 0.03 * height,
            f"{class_names[guess]} ({probabilities[i, guess]:.0%})\n"
            f"is {class_names[true]} ({probabilities[i, true]:.1%})",
            ha="center",
            fontsize=9,
        )
    axes.set_xlim(0, right * columns)
    axes.set_ylim(below * rows, -0.35 * height)
    figure.savefig(path, dpi=130)


def plot_probabilities(
    path: Path, title: str, groups: Sequence[str], predicted: np.ndarray, true: np.ndarray
) -> None:
    """Predicted probabilities (their mean and spread) beside the true ones, group by group.

    Args:
        path: the PNG.
        title: above the picture.
        groups: G names.
        predicted: ``[G, 3]``: 10th percentile, mean and 90th percentile.
        true: ``[G]``.
    """
    figure, axes = titled_axes(title, 6.5, 4.2)
    places = np.arange(len(groups))
    spread = np.abs(predicted[:, [0, 2]] - predicted[:, [1]]).T
    axes.bar(places - 0.2, true, 0.38, color="0.75", label="true")
    axes.bar(places + 0.2, predicted[:, 1], 0.38, color="tab:blue", label="predicted")
    axes.errorbar(places + 0.2, predicted[:, 1], spread, fmt="none", ecolor="k", capsize=4)
    axes.set_xticks(places, groups)
    axes.set_ylim(0, 1.05)
    axes.set_ylabel("probability of a 1")
    axes.legend()
    figure.savefig(path, dpi=150)


def plot_scores(path: Path, title: str, scores: Mapping[str, float], unit: str) -> None:
    """A bar for each score, with its number.

    Args:
        path: the PNG.
        title: above the picture.
        scores: by what they are of.
        unit: what a score is.
    """
    figure, axes = titled_axes(title, 6.5, 4.2)
    bars = axes.bar(list(scores), list(scores.values()), 0.6)
    axes.bar_label(bars, fmt="%.2f", padding=2)
    axes.margins(y=0.1)  # for the number above the highest
    axes.set_ylabel(unit)
    figure.savefig(path, dpi=150)


def plot_by_context(
    path: Path, title: str, losses: Mapping[str, Sequence[float] | np.ndarray], unit: str
) -> None:
    """Losses by how many symbols were shown, from one on, whose axis goes in equal ratios.

    Args:
        path: the PNG.
        title: above the picture.
        losses: in nats, by the name of the method.
        unit: of what is shown.
    """
    figure, axes = titled_axes(title, 6.5, 4.2)
    for (name, values), style in zip(losses.items(), ("-", "s--", "o:"), strict=False):
        axes.plot(np.arange(1, len(values) + 1), values, style, label=name)
    axes.set_xscale("log")
    axes.set_xlabel(unit)
    axes.set_ylabel("loss of the next one, in nats")
    axes.grid(alpha=0.3, which="both")
    axes.legend()
    figure.savefig(path, dpi=150)


def _band(axes: Axes, x: Any, history: Sequence[Mapping[str, Any]], name: str, colour: str) -> None:
    """The standard deviation over the seeds, if there are several, around their mean."""
    if "sd" not in history[0]:
        return
    mean = np.array([metrics[name] for metrics in history])
    deviation = np.array([metrics["sd"][name] for metrics in history])
    axes.fill_between(x, mean - deviation, mean + deviation, color=colour, alpha=0.2, linewidth=0)


def _legend_below(axes: Axes, lines: Sequence[Line2D]) -> None:
    """A legend that covers no curve, for lines of two axes."""
    names = [str(line.get_label()) for line in lines]
    axes.legend(lines, names, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncol=2)
