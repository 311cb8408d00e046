"""The ratios as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from benchmarks.peers import SIDES
from benchmarks.report import Entries

COLOURS = {
    "torch": "#d1603d",
    "keras_tensorflow": "#c9a227",
    "keras_jax": "#8a9a5b",
    "flax_linen": "#3d7ea6",
    "flax_nnx": "#6b4c9a",
}
PANELS = {"training steps": ("train",), "forward passes, streaming, whole runs": None}
BAR = 0.17
TICKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10)


def draw(entries: Entries, peers: Sequence[str], caption: str, path: Path) -> None:
    """Bars of our time over each peer's, on a logarithmic axis: left of the line we are faster."""
    groups = {title: _ratios(entries, kinds) for title, kinds in PANELS.items()}
    groups = {title: rows for title, rows in groups.items() if rows}
    if not groups:
        return
    most = max(len(rows) for rows in groups.values())
    height = 1.6 + most * (BAR * len(peers) + 0.28)
    figure, all_axes = plt.subplots(
        1, len(groups), figsize=(6.6 * len(groups), height), layout="constrained", squeeze=False
    )
    for axes, (title, rows) in zip(all_axes[0], groups.items(), strict=True):
        _draw_panel(axes, title, rows, peers)
    columns = len(peers) if len(groups) > 1 else 3
    handles = [Rectangle((0, 0), 1, 1, color=COLOURS[p]) for p in peers]
    figure.legend(
        handles, [SIDES[p].title for p in peers], loc="outside upper center", ncols=columns
    )
    figure.supxlabel(caption, fontsize=8, color="0.35")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def _ratios(entries: Entries, kinds: tuple[str, ...] | None) -> dict[str, Mapping[str, Any]]:
    """The ratios of the rows of these kinds (of all others than training, if None)."""
    rows = {}
    for name, entry in entries.items():
        mine = entry["kind"] in kinds if kinds is not None else entry["kind"] != "train"
        ratios = {s: r["ratio"] for s, r in entry["sides"].items() if "ratio" in r and s in SIDES}
        if mine and ratios:
            rows[name.removesuffix(".train")] = ratios
    return rows


def _draw_panel(
    axes: Any, title: str, rows: Mapping[str, Mapping[str, Any]], peers: Sequence[str]
) -> None:
    ends = [r[q] for ratios in rows.values() for r in ratios.values() for q in ("q1", "q3")]
    low, high = min(0.5, *ends) / 1.3, max(1.6, *ends) * 1.3
    for number, ratios in enumerate(rows.values()):
        for place, peer in enumerate(peers):
            if peer not in ratios:
                continue
            y = number + (place - (len(peers) - 1) / 2) * BAR
            r = ratios[peer]
            # From the line at 1, so that a bar's length is how much faster or slower.
            axes.barh(y, r["median"] - 1, left=1, height=BAR * 0.9, color=COLOURS[peer])
            axes.plot([r["q1"], r["q3"]], [y, y], color="0.2", linewidth=0.8)
            faster = r["median"] < 1
            edge = min(r["q1"], r["median"]) / 1.03 if faster else max(r["q3"], r["median"]) * 1.03
            axes.text(
                edge, y, f"{r['median']:.2f}", va="center", ha="right" if faster else "left",
                fontsize=7,
            )  # fmt: skip
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlim(low / 1.15, high)
    axes.xaxis.set_major_locator(FixedLocator([t for t in TICKS if low <= t <= high]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_ylim(len(rows) - 0.45, -0.55)
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("our time over theirs: left of 1, rnnjax is faster", fontsize=9)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
