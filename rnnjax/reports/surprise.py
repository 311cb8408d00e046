"""A page on which each symbol of a text is coloured by how little it was expected."""

from __future__ import annotations

import html
import math
from pathlib import Path
from typing import Any

import numpy as np

LONGEST = 4_000
"""Symbols on a page: some screens full."""

PAGE = """<!doctype html>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ margin: 2em auto; max-width: 52em; padding: 0 1em; color: #111; background: #fff;
  font: 16px/1.6 ui-serif, Georgia, serif; }}
h1 {{ font-size: 1.2em; }}
.text {{ white-space: pre-wrap; overflow-wrap: anywhere;
  font: 15px/1.7 ui-monospace, Menlo, Consolas, monospace; }}
.key span {{ padding: 0 .4em; margin-right: .4em; }}
.key, footer {{ color: #444; font-size: .9em; }}
</style>
<h1>{title}</h1>
<p>The beginning of the test text. The darker a symbol, the more it surprised the network: its loss,
the negative logarithm of the probability that it had, in bits. Point at one to read it.</p>
<p class="key">{key}</p>
<div class="text">{text}</div>
<footer><p>Mean of these {count:,} symbols: {mean:.3f} bits each.</p></footer>
"""
STEPS = (0, 1, 2, 4, 6, 8, 12)


def write(path: Path, title: str, corpus: Any, losses: Any) -> None:
    """Writes the page, which loads nothing from elsewhere.

    Args:
        path: of the HTML file.
        title: above the text.
        corpus: with `test` and `symbols`.
        losses: of each symbol of `test` but the first, in nats ``[N - 1]``.
    """
    bits = np.asarray(losses[:LONGEST], np.float64) / math.log(2)
    symbols = corpus.symbols
    joint = " " if symbols.unit == "word" else ""
    shown = [_shown(symbols.symbols[number]) for number in corpus.test[: len(bits) + 1]]
    spans = [html.escape(shown[0])]
    for what, loss in zip(shown[1:], bits, strict=True):
        probability = f"p = {2.0**-loss:.3g}, {loss:.2f} bits"
        spans.append(
            f'<span style="background:{_colour(loss)}" title="{probability}">'
            f"{html.escape(what)}</span>"
        )
    key = "".join(f'<span style="background:{_colour(b)}">{b} bits</span>' for b in STEPS)
    path.write_text(
        PAGE.format(
            title=html.escape(title), key=key, text=joint.join(spans), count=len(bits),
            mean=bits.mean(),
        ),
        encoding="utf-8",
    )  # fmt: skip


def _shown(symbol: str) -> str:
    return {"\n": "↵\n", "\r": "", "<eos>": "↵\n"}.get(symbol, symbol)


def _colour(bits: float) -> str:
    """White to orange: dark enough to be told apart, light enough to read black letters on."""
    share = min(bits / STEPS[-1], 1.0)
    return f"hsl(24 100% {100 - 45 * share:.0f}%)"
