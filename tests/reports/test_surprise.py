"""A page of coloured text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np

from rnnjax.data.corpora import Corpus
from rnnjax.data.symbols import Symbols
from rnnjax.reports import surprise


def page(tmp_path, unit, text, losses):
    symbols = Symbols.of(unit, text)
    numbers = symbols.encode(text)
    corpus = Corpus("own", numbers, numbers, numbers, symbols, "here", "none")
    surprise.write(tmp_path / "page.html", "a <title>", corpus, np.asarray(losses))
    return (tmp_path / "page.html").read_text(encoding="utf-8")


class Text(HTMLParser):
    """What a reader sees in the text, and the colours behind it."""

    def __init__(self):
        super().__init__()
        self.seen, self.colours, self.inside = "", [], False

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.inside |= named.get("class") == "text"
        if tag == "span" and self.inside:
            self.colours.append(named["style"])

    def handle_endtag(self, tag):
        self.inside &= tag != "div"

    def handle_data(self, data):
        self.seen += data if self.inside else ""


def test_every_symbol_is_there_and_the_surprising_ones_are_darker(tmp_path):
    bits = np.array([0.5, 8, 2, 30, 1])
    found = page(tmp_path, "character", "a<b>&\n", bits * np.log(2))
    text = Text()
    text.feed(found)
    assert text.seen == "a<b>&↵\n"
    lightness = [float(re.findall(r"(\d+)%\)", colour)[0]) for colour in text.colours]
    assert np.argsort(lightness).tolist() == [3, 1, 2, 4, 0]
    assert "p = 0.707, 0.50 bits" in found
    assert "Mean of these 5 symbols: 8.300 bits each" in found
    assert "a &lt;title&gt;" in found
    assert not re.search(r"(src|href)=|url\(|@import", found)


def test_words_have_blanks_between_them(tmp_path):
    text = Text()
    text.feed(page(tmp_path, "word", "a rose is\n", [1.0, 1.0, 1.0]))
    assert text.seen == "a rose is ↵\n"


def test_only_the_beginning_is_shown(tmp_path):
    length = surprise.LONGEST + 500
    found = page(tmp_path, "character", "ab" * (length // 2), np.ones(length - 1))
    assert f"{surprise.LONGEST:,} symbols" in found
