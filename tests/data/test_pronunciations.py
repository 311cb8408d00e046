"""A pronouncing dictionary: its words in order, all that each sounds like, and its parts."""

from __future__ import annotations

import pytest

from rnnjax.data import pronunciations, spelling
from rnnjax.errors import DataError, DataUnavailableError
from tests.data.original_files import publish

WORDS = [f"W{chr(65 + n // 26)}{chr(65 + n % 26)}" for n in range(45)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    lines = [f"{word}\tW AH {word[1]} {word[2]}\n" for word in reversed(WORDS)]
    # The second pronunciation of a word stands elsewhere.
    lines.append(f"{WORDS[7]}\tW UW\n")
    contents = {
        "g014b2b.train": "".join(lines).encode(),
        "g014b2b.test": b"A'S\tEY Z\nREAD\tR IY D\nREAD\tR EH D\n",
    }
    source = publish(pronunciations.CMUDICT, contents, tmp_path)
    monkeypatch.setattr(pronunciations, "CMUDICT", source)
    return tmp_path / "cmudict_g2p"


@pytest.mark.parametrize("dataset", ["auto", "cmudict_g2p"])
def test_letters_and_all_their_pronunciations(folder, dataset):
    found = pronunciations.load(dataset, folder.parent)
    assert found.test.sources == ("A ' S", "R E A D")
    assert found.test.references == (("EY Z",), ("R IY D", "R EH D"))
    assert found.train.references[7] == ("W AH A H", "W UW")
    assert found.described() == (
        "pairs    43 (with 44 answers) to train, 2 to validate, 2 (with 3 answers) to test; "
        "letters to phonemes\n"
        "licence  BSD, two clauses (copyright 1993-2015 Carnegie Mellon University)"
    )
    assert found.origin == f"the original files in {folder}"


def test_every_twentieth_word_of_the_alphabet_validates(folder):
    found = pronunciations.load("cmudict_g2p", folder)
    assert found.validation.sources == tuple(" ".join(WORDS[n]) for n in (19, 39))
    rest = [word for n, word in enumerate(WORDS) if n not in (19, 39)]
    assert found.train.sources == tuple(map(" ".join, rest))


def test_the_same_pronunciation_twice_is_one():
    assert pronunciations.words(b"A\tAH\nA\tEY\nA\tAH\n") == {"A": ("AH", "EY")}


NO_DICTIONARY = {
    "no UTF-8": (b"\xff\tAH\n", "can't be read"),
    "no tab": (b"A\tAH\nB B IY\n", "Line 2 of a dictionary is 'B B IY'"),
    "no phonemes": (b"A\t\n", "Line 1 of a dictionary"),
    "no word": (b"\tAH\n", "Line 1 of a dictionary"),
    "two blanks": (b"A\tAH  B\n", "Line 1 of a dictionary"),
    "an empty line": (b"A\tAH\n\nB\tB\n", "Line 2 of a dictionary is ''"),
    "nothing": (b"", "Line 1 of a dictionary is ''"),
    "Windows": (b"A\tAH\r\nB\tB IY\r\n", "Line 1 of a dictionary"),
}


@pytest.mark.parametrize("name", NO_DICTIONARY)
def test_what_is_no_dictionary_is_refused(name):
    contents, message = NO_DICTIONARY[name]
    with pytest.raises(DataError, match=message) as error:
        pronunciations.words(contents)
    assert "\n" not in str(error.value)


def test_another_file_is_refused(folder):
    (folder / "g014b2b.test").write_bytes(b"A\tAH\n")
    with pytest.raises(DataError, match=r"g014b2b\.test is not the published file: .* --data_dir"):
        pronunciations.load("auto", folder)


def test_an_invented_language_stands_in_loudly(monkeypatch):
    monkeypatch.setattr(spelling, "SIZES", {"train": 30, "validation": 4, "test": 5})
    found = pronunciations.load("auto")
    assert found.name == "spelling"
    assert found.best_exact == 1
    assert found.warning is not None
    assert found.warning.startswith("NO DICTIONARY IS USED: 39 words of an invented language stand")
    assert found.warning.endswith("say --dataset=cmudict_g2p.")
    assert pronunciations.load("spelling") == found._replace(warning=None)
    with pytest.raises(
        DataUnavailableError, match=r"Put g014b2b\.train, g014b2b\.test there, from"
    ):
        pronunciations.load("cmudict_g2p")
    with pytest.raises(DataUnavailableError):
        pronunciations.load("auto", "folder")
    with pytest.raises(DataError, match="There is no data set 'celex'; take one of auto, cmudict"):
        pronunciations.load("celex")
