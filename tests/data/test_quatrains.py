"""Poems of four lines, and which of their symbols are to be guessed."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from rnnjax.data import corpora, quatrains
from rnnjax.data.ngram_baselines import ngram_metrics
from rnnjax.errors import DataError
from tests.data.original_files import publish

FIVE = ["床前明月光", "疑是地上霜", "舉頭望明月", "低頭思故鄉"]
SEVEN = ["碧溪浮月練光寒", "一曲風傳到枕前", "應在南樓儘深處", "玉梅飛墜學榆錢"]


def compressed(*rows):
    return gzip.compress("".join("\t".join(row) + "\n" for row in rows).encode())


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Real poems, a few times over; the validation part has characters that training lacks."""
    five, seven = ["tang", *FIVE], ["song", *SEVEN]
    contents = {
        "train.tsv.gz": compressed(five, five, seven, five),
        "validation.tsv.gz": compressed(seven),
        "test.tsv.gz": compressed(five, five),
    }
    source = publish(quatrains.QUATRAINS, contents, tmp_path)
    monkeypatch.setattr(corpora, "QUATRAINS", source)
    return corpora.load("quatrains", tmp_path)


def test_a_poem_is_its_kind_and_four_lines(corpus):
    symbols = corpus.symbols
    assert symbols.decode(corpus.test) == 2 * ("<5>" + "".join(f"{line}\n" for line in FIVE))
    assert [symbols.symbols[number] for number in symbols.starts] == ["<5>", "<7>"]
    # Of the seven only what occurs twice is known.
    assert symbols.decode(corpus.validation).startswith("<7><unk><unk><unk>月<unk>光<unk>\n")


def test_what_is_scored_are_the_characters_of_the_other_lines(corpus):
    scored = corpus.test[corpus.is_scored(corpus.test)]
    assert corpus.symbols.decode(scored) == 2 * "".join(FIVE[1:])


def test_ngrams_do_not_reach_from_a_poem_to_the_next(corpus):
    found = ngram_metrics(corpus)
    # After the first characters of a line the rest is sure, all but for the smoothing.
    assert all(figures["test_perplexity"] < 2.5 for figures in found.values())


def test_lines_and_ends_of_poems_one_after_the_other(corpus):
    lines, is_end = quatrains.places(np.tile(corpus.test, 2), corpus.symbols)
    one = [-1] + [line for line in range(4) for _ in range(6)]
    assert lines.tolist() == 4 * one
    assert np.flatnonzero(is_end)[:5].tolist() == [6, 12, 18, 24, 31]


NO_QUATRAINS = {
    "not compressed": b"no gzip",
    "no UTF-8": gzip.compress(b"\xff"),
    "three lines": compressed(["tang", *FIVE[:3]]),
    "unequal lines": compressed(["tang", *FIVE[:3], SEVEN[3]]),
    "lines of two": compressed(["tang", *["山山"] * 4]),
    "no lines": gzip.compress(b"tang\n"),
}


@pytest.mark.parametrize("name", NO_QUATRAINS)
def test_what_holds_no_quatrains_is_refused(name):
    with pytest.raises(DataError, match=r"of quatrains (can't be read|holds none)"):
        quatrains.poems(NO_QUATRAINS[name])
