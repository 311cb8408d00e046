"""Pages of coloured text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np

from rnnjax.data.symbols import Symbols
from rnnjax.reports import coloured_text


class Text(HTMLParser):
    """What a reader sees in the text, and the colours behind it."""

    def __init__(self, page):
        super().__init__()
        self.seen, self.colours, self.inside = "", [], False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.inside |= named.get("class") == "text"
        if tag == "span" and self.inside:
            self.colours.append(named["style"])

    def handle_endtag(self, tag):
        self.inside &= tag != "div"

    def handle_data(self, data):
        self.seen += data if self.inside else ""

    @property
    def lightness(self):
        return [float(re.findall(r"(\d+)%\)", colour)[0]) for colour in self.colours]


def surprise(unit, text, losses):
    symbols = Symbols.of(unit, text)
    return coloured_text.surprise(symbols, symbols.encode(text), np.asarray(losses))


def test_every_symbol_is_there_and_the_surprising_ones_are_darker():
    bits = np.array([0.5, 8, 2, 30, 1])
    page = surprise("character", "?<b>&\n", bits * np.log(2))
    text = Text(page)
    assert text.seen == "<b>&↵\n"
    assert np.argsort(text.lightness).tolist() == [3, 1, 2, 4, 0]
    assert "p = 0.707, 0.50 bits" in page
    assert "these 5 symbols have 8.300 bits each" in page


def test_words_have_blanks_between_them():
    assert Text(surprise("word", "a rose is red\n", [1.0, 1.0, 1.0, 1.0])).seen == "rose is red ↵\n"


def test_only_the_beginning_is_shown():
    length = coloured_text.LONGEST + 500
    page = surprise("character", "ab" * (length // 2), np.ones(length - 1))
    assert len(Text(page).seen) == coloured_text.LONGEST


def test_a_unit_is_blue_or_red_by_its_sign():
    symbols = Symbols.of("character", "abc")
    values = np.array([-0.5, 0.0, 0.25])
    page = coloured_text.unit_values(symbols, symbols.encode("cab"), values, 7)
    text = Text(page)
    assert "<h2>Unit 7</h2>" in page
    assert text.seen == "cab"
    assert [colour[15:18] for colour in text.colours] == ["212", "212", "8 9"]
    assert np.argsort(text.lightness).tolist() == [0, 2, 1]
    assert 'title="-0.500"' in page


def test_units_that_last_are_chosen_and_those_that_never_move_are_not():
    rng = np.random.default_rng(0)
    slow, fast = np.repeat(rng.standard_normal(8), 16), rng.standard_normal(128)
    values = np.stack((fast, np.full(128, 0.3), slow, np.cumsum(fast)), axis=1)
    assert set(coloured_text.slowest_units(values, 2).tolist()) == {2, 3}


def test_a_page_needs_nothing_else(tmp_path):
    path = tmp_path / "page.html"
    coloured_text.write_page(path, "a <title>", [surprise("character", "abc", [1.0, 2.0])])
    page = path.read_text(encoding="utf-8")
    assert "a &lt;title&gt;" in page
    assert "<h2>Surprise</h2>" in page
    assert not re.search(r"(src|href)=|url\(|@import", page)
