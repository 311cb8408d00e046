"""A score: notes on a treble and a bass staff, drawn line by line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from rnnjax.reports.drawing import empty_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUARTERS, BARS, MOST_SYSTEMS = 4, 4, 4
"""Of a bar; bars of a system; systems of a picture."""
VALUES = (4.0, 3.0, 2.0, 1.5, 1.0, 0.75, 0.5, 0.375, 0.25, 0.125)
"""In quarters, what can be written as one note, with a dot or without."""
STEPS = (0, 0, 1, 1, 2, 3, 3, 4, 4, 5, 5, 6)
SHARP = (1, 3, 6, 8, 10)
TREBLE, BASS = 30, 18
"""The lowest lines, as steps of the white keys from C0: E4 and G2."""
APART = 15
"""Steps from the lowest line of the treble to that of the bass, as they are drawn."""


class Written(NamedTuple):
    """A note as it is written: one head."""

    start: float
    """In quarters."""
    quarters: float
    tied: bool
    """Whether the next head continues it."""


def written(start: int, end: int, per_quarter: int) -> Iterator[Written]:
    """The heads of a note: none crosses a bar line, each has a value that can be written.

    Args:
        start: in frames.
        end: in frames.
        per_quarter: frames of a quarter note.

    >>> [(head.start, head.quarters, head.tied) for head in written(2, 9, 2)]
    [(1.0, 3.0, True), (4.0, 0.5, False)]
    """
    now, last = start / per_quarter, end / per_quarter
    while now < last - 1e-6:
        left = min(last, (now // QUARTERS + 1) * QUARTERS) - now
        value = next((own for own in VALUES if own <= left + 1e-6), left)
        yield Written(now, value, now + value < last - 1e-6)
        now += value


def staff_step(pitch: int) -> tuple[int, bool]:
    """How many white keys a MIDI number is above C0, and whether it is the sharp of that one.

    >>> staff_step(64), staff_step(61)
    ((30, False), (28, True))
    """
    return 7 * (pitch // 12 - 1) + STEPS[pitch % 12], pitch % 12 in SHARP


def plot_score(
    path: str | os.PathLike[str],
    title: str,
    notes: Iterable[tuple[int, int, int, int]],
    per_quarter: int,
) -> None:
    """Draws the beginning of a piece, in bars of four quarters, all accidentals as sharps.

    Of four voices the upper two share the treble staff, stems up and down, and the lower two the
    bass staff. Of one voice the notes from middle C on stand in the treble. Rests are not drawn.

    Args:
        path: of the PNG.
        title: above the picture.
        notes: start and end in frames, MIDI number, and voice from 0.
        per_quarter: frames of a quarter note.
    """
    notes = list(notes)
    last = max((end for _, end, _, _ in notes), default=1) / per_quarter
    length = BARS * QUARTERS
    systems = min(max(-(-round(last) // length), 1), MOST_SYSTEMS)
    figure = empty_figure(10, 2.4 * systems + 0.5)
    figure.suptitle(title, fontsize=10)
    rows = figure.subplots(systems, 1, squeeze=False)[:, 0]
    several, heights = any(voice for *_, voice in notes), [float(-APART), 8.0]
    for start, end, pitch, voice in notes:
        for head in written(start, end, per_quarter):
            row = int(head.start // length)
            if row < systems:
                treble = voice < 2 if several else pitch >= 60
                up = (voice % 2 == 0) if several else None
                here = head._replace(start=head.start % length)
                heights.append(_head(rows[row], here, pitch, treble, up))
    for axes in rows:
        _staves(axes, length)
        axes.set_ylim(min(heights) - 7, max(heights) + 7)
    figure.savefig(path, dpi=150)


def _staves(axes: Axes, length: int) -> None:
    for bottom, name in ((0, "treble"), (-APART, "bass")):
        for line in range(0, 10, 2):
            axes.plot((-1.1, length), (bottom + line,) * 2, color="0.4", linewidth=0.6, zorder=1)
        _clef(axes, bottom, name == "treble")
    for bar in range(BARS + 1):
        axes.plot((bar * QUARTERS,) * 2, (-APART, 8), color="0.2", linewidth=0.8, zorder=1)
    axes.set_xlim(-1.2, length + 0.1)
    axes.axis("off")


def _clef(axes: Axes, bottom: float, treble: bool) -> None:
    """A spiral about the line of G, or an arc from the line of F with two dots."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    if treble:
        points = [
            (-0.62, 2), (-0.7, 3.6), (-0.45, 4), (-0.38, 2.4), (-0.32, 0.6), (-0.75, 0.2),
            (-0.88, 2), (-1.0, 4.6), (-0.42, 6), (-0.46, 8.4), (-0.5, 11), (-0.75, 9.6),
            (-0.7, 7), (-0.65, 4), (-0.58, 0), (-0.56, -1.6), (-0.54, -3.2), (-0.8, -3),
            (-0.8, -1.8),
        ]  # fmt: skip
    else:
        points = [
            (-0.9, 6),
            (-0.95, 8),
            (-0.5, 8.6),
            (-0.45, 6.2),
            (-0.42, 3.6),
            (-0.6, 2),
            (-0.95, 0.8),
        ]
        axes.scatter((-0.3, -0.3, -0.9), (bottom + 5, bottom + 7, bottom + 6), s=(4, 4, 12),
                     color="k", zorder=3)  # fmt: skip
    curve = Path([(x, bottom + y) for x, y in points], [1] + [4] * (len(points) - 1))
    axes.add_patch(PathPatch(curve, fill=False, linewidth=1.6, zorder=3))


def _head(axes: Axes, head: Written, pitch: int, treble: bool, up: bool | None) -> float:
    """Draws a head with all that belongs to it; how high above the lowest line of the treble."""
    from matplotlib.patches import Ellipse

    step, sharp = staff_step(pitch)
    place = step - TREBLE if treble else step - BASS  # above the lowest line
    height = place + (0 if treble else -APART)
    x = head.start + 0.35
    up = place < 4 if up is None else up
    for line in (*range(-2, place - 1, -2), *range(10, place + 1, 2)):
        axes.plot((x - 0.24, x + 0.24), (height - place + line,) * 2, color="0.4", linewidth=0.6)
    hollow = head.quarters >= 2
    axes.add_patch(
        Ellipse((x, height), 0.3, 1.7, facecolor="w" if hollow else "k", edgecolor="k",
                linewidth=1, zorder=3)
    )  # fmt: skip
    if sharp:
        axes.text(x - 0.2, height, "♯", ha="right", va="center", fontsize=8, clip_on=True)
    if any(abs(head.quarters - own) < 1e-6 for own in VALUES if own / 1.5 in VALUES):
        axes.scatter((x + 0.27,), (height + 0.5,), s=3, color="k", zorder=3)
    if head.quarters < 4:
        side, tip = (x + 0.14, height + 6) if up else (x - 0.14, height - 6)
        axes.plot((side, side), (height, tip), color="k", linewidth=0.9, zorder=2)
        for flag in range(sum(head.quarters < least for least in (1.0, 0.5, 0.25))):
            down = (-1 if up else 1) * 1.3
            axes.plot((side, side + 0.22), (tip + flag * down, tip + (flag + 1.6) * down),
                      color="k", linewidth=1.2)  # fmt: skip
    if head.tied:
        from matplotlib.patches import Arc

        middle, span = x + head.quarters / 2, max(head.quarters - 0.3, 0.2)
        ends = (0, 180) if up is False else (180, 360)
        axes.add_patch(
            Arc((middle, height + (1.3 if up is False else -1.3)), span, 1.8, theta1=ends[0],
                theta2=ends[1], linewidth=0.8)
        )  # fmt: skip
    return height
