"""Pages of text in which a colour behind each symbol says what a network makes of it.

A page loads nothing from elsewhere, and can be sent as it is.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

LONGEST = 4_000
"""Symbols of a passage: some screens full."""

BITS = (0, 1, 2, 4, 6, 8, 12)
"""Surprises that the key of their colours shows."""


class Alphabet(Protocol):
    """What a text is made of, as `rnnjax.data.symbols.Symbols` says it."""

    @property
    def unit(self) -> str:
        """What one is; between words stand blanks."""
        ...

    @property
    def symbols(self) -> tuple[str, ...]:
        """By number."""
        ...


_PAGE = """<!doctype html>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ margin: 2em auto; max-width: 52em; padding: 0 1em; color: #111; background: #fff;
  font: 16px/1.6 ui-serif, Georgia, serif; }}
h1 {{ font-size: 1.3em; }} h2 {{ font-size: 1.1em; margin-top: 2em; }}
.text {{ white-space: pre-wrap; overflow-wrap: anywhere;
  font: 15px/1.7 ui-monospace, Menlo, Consolas, monospace; }}
.key span {{ padding: 0 .4em; margin-right: .4em; }}
.said {{ color: #444; }}
</style>
<h1>{title}</h1>
{sections}
"""


def write_page(path: Path, title: str, sections: Iterable[str]) -> None:
    """Writes sections below a title, as one HTML file."""
    page = _PAGE.format(title=html.escape(title), sections="\n".join(sections))
    path.write_text(page, encoding="utf-8")


def section(heading: str, said: str, text: str, key: str = "") -> str:
    """A heading, a sentence about what follows, perhaps a key of colours, and a text.

    Args:
        heading: plain text.
        said: likewise.
        text: HTML, such as `coloured` makes.
        key: likewise.
    """
    return (
        f"<h2>{html.escape(heading)}</h2>\n<p class=said>{html.escape(said)}</p>\n"
        + (f"<p class=key>{key}</p>\n" if key else "")
        + f'<div class="text">{text}</div>'
    )


def plain(text: str) -> str:
    """A text as HTML."""
    return html.escape(text.replace("\r", ""))


def coloured(
    symbols: Alphabet, numbers: Sequence[int] | np.ndarray, colours: Sequence[str],
    notes: Sequence[str],
) -> str:  # fmt: skip
    """A text as HTML, a colour behind each symbol, and a note where one points at it.

    Args:
        symbols: that it is made of.
        numbers: of them.
        colours: one for each, as CSS has them.
        notes: likewise.
    """
    joint = " " if symbols.unit == "word" else ""
    return joint.join(
        f'<span style="background:{colour}" title="{html.escape(note)}">{_shown(symbol)}</span>'
        for symbol, colour, note in zip(
            (symbols.symbols[number] for number in numbers), colours, notes, strict=True
        )
    )


def surprise(symbols: Alphabet, stream: np.ndarray, losses: np.ndarray) -> str:
    """A section in which a symbol is the darker the less it was expected.

    Args:
        symbols: that the stream is made of.
        stream: ``[N]``.
        losses: of each of its symbols but the first, in nats ``[N - 1]``.
    """
    bits = np.asarray(losses[:LONGEST], np.float64) / math.log(2)
    notes = [f"p = {2.0**-loss:.3g}, {loss:.2f} bits" for loss in bits]
    text = coloured(symbols, stream[1 : len(bits) + 1], [_orange(loss) for loss in bits], notes)
    key = "".join(f'<span style="background:{_orange(b)}">{b} bits</span>' for b in BITS)
    said = (
        "The beginning of the test text. The darker a symbol, the less the network expected it: "
        "its surprise is the negative logarithm of the probability that it had. "
        f"On the average these {len(bits):,} symbols have {bits.mean():.3f} bits each."
    )
    return section("Surprise", said, text, key)


def unit_values(symbols: Alphabet, stream: np.ndarray, values: np.ndarray, unit: int) -> str:
    """A section in which the colours are what one unit of the network gave after each symbol.

    Args:
        symbols: that the stream is made of.
        stream: ``[N]``.
        values: of the unit ``[N]``.
        unit: its number, for the heading.
    """
    shown = np.asarray(values[:LONGEST], np.float64)
    largest = max(float(np.abs(shown).max()), 1e-12)
    colours = [_blue_or_red(value / largest) for value in shown]
    notes = [f"{value:+.3f}" for value in shown]
    key = "".join(
        f'<span style="background:{_blue_or_red(share)}">{share * largest:+.2f}</span>'
        for share in (-1, -0.5, 0, 0.5, 1)
    )
    text = coloured(symbols, stream[: len(shown)], colours, notes)
    return section(f"Unit {unit}", "What it gives after each symbol.", text, key)


def slowest_units(values: np.ndarray, number: int) -> np.ndarray:
    r"""The units whose values change least from step to step, for how much they change in all.

    .. math:: \frac{\sum_t (y_t - y_{t-1})^2}{\sum_t (y_t - \bar y)^2}

    What lasts longer than a letter (a quotation, a line, a speaker) shows in these.

    Args:
        values: ``[N, H]``.
        number: of units to choose.

    >>> fast, slow = np.tile([1.0, -1], 8), np.repeat([1.0, -1], 8)
    >>> slowest_units(np.stack((fast, slow), axis=1), 1).tolist()
    [1]
    """
    spread = np.square(values - values.mean(axis=0)).sum(axis=0)
    change = np.square(np.diff(values, axis=0)).sum(axis=0)
    # A unit that never moves tells nothing.
    moves = spread > 1e-3 * spread.max()
    return np.argsort(np.where(moves, change / np.maximum(spread, 1e-30), np.inf))[:number]


def _shown(symbol: str) -> str:
    ends = {"\n": "↵\n", "\r": "", "<eos>": "↵\n"}
    return html.escape(ends.get(symbol, symbol))


def _orange(bits: float) -> str:
    """White to orange: dark enough to be told apart, light enough to read black letters on."""
    share = min(bits / BITS[-1], 1.0)
    return f"hsl(24 100% {100 - 45 * share:.0f}%)"


def _blue_or_red(share: float) -> str:
    """Blue for -1, white for 0, red for 1."""
    return f"hsl({8 if share > 0 else 212} 90% {100 - 38 * abs(share):.0f}%)"
