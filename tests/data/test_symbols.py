"""Texts as numbers of bytes, characters or words, and back."""

from __future__ import annotations

import pytest

from rnnjax.data.symbols import Symbols

TEXTS = {
    "byte": "Sœur\r\n42",
    "character": "Sœur\n春眠 ",
    "word": "春眠 a b\n\na <unk>\nb a\n",
}


@pytest.mark.parametrize("unit", TEXTS)
def test_there_and_back(unit):
    text = TEXTS[unit]
    symbols = Symbols.of(unit, text)
    numbers = symbols.encode(text)
    assert symbols.decode(numbers) == text
    assert numbers.dtype == "int32"
    assert sorted(set(numbers.tolist())) == list(range(len(symbols)))
    assert Symbols.from_json(symbols.to_json()) == symbols


def test_words_are_ranked_and_lines_end():
    symbols = Symbols.of("word", "b a a\na b\n")
    assert symbols.symbols == ("a", "b", "<eos>")
    assert symbols.encode("a\n\nb").tolist() == [0, 2, 2, 1]


def test_bytes_that_are_cut_through_show_so():
    symbols = Symbols.of("byte", "é")
    assert symbols.decode([0]) == "\ufffd"


@pytest.mark.parametrize(
    ("unit", "text", "message"),
    [
        ("character", "abz", "'z' is not among the 2 characters that the training text has"),
        ("character", "qrstuvw", "'q', 'r', 's', 't', 'u' and 2 more are not among the 2"),
        ("byte", "a\x07", r"'\\x07' is not among the 2 bytes"),
        ("word", "a c", "'c' is not among the 1 words"),
    ],
)
def test_a_strange_symbol_is_told(unit, text, message):
    symbols = Symbols.of(unit, "a" if unit == "word" else "ab")
    with pytest.raises(ValueError, match=message):
        symbols.encode(text)


@pytest.mark.parametrize("text", ["{}", "[1]", "no JSON", '{"unit": "word", "symbols": [1]}'])
def test_other_texts_are_no_symbols(text):
    with pytest.raises(ValueError, match="is not a list of symbols in JSON"):
        Symbols.from_json(text)


@pytest.mark.parametrize(
    ("unit", "symbols"), [("word", ()), ("word", ("a", "a")), ("line", ("a",))]
)
def test_alphabets_that_are_none(unit, symbols):
    with pytest.raises(ValueError, match=r"no unit 'line'|at least one symbol, and"):
        Symbols(unit, symbols)
