"""docs/beside_the_others.md says what the tests show, word by word; the tests that it names exist.

The tests of the other libraries need those libraries; here their files are read, not run.
"""

from __future__ import annotations

import ast
import pathlib
import re

import pytest

from tests.cells.catalogue import CHIEF
from tests.cells_under_test import CELLS_UNDER_TEST
from tests.live.feature_table import ABSENT, LIBRARIES, TABLE, live_files

ROOT = pathlib.Path(__file__).parents[1]
TITLES = ["", "rnnjax", "Flax", "Haiku", "Equinox", "Keras", "PyTorch"]
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
VERDICTS = {"yes", "partly", "no"}


def section() -> str:
    return (ROOT / "docs/beside_the_others.md").read_text()


def cells() -> list[list[str]]:
    """All rows of the table, the titles first, the footnotes' numbers included."""
    lines = [line for line in section().splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert all(set(cell) == {"-"} for cell in rows.pop(1))
    return rows


def split(cell: str) -> tuple[str, int | None]:
    """A word and the number of its footnote."""
    word, number = re.fullmatch(f"(.*?)([{RAISED}]*)", cell).groups()  # pyright: ignore
    plain = number.translate(str.maketrans(RAISED, "0123456789"))
    return word, int(plain) if plain else None


def functions(file: pathlib.Path) -> dict[str, list[str]]:
    """The functions of a file and the names of their decorators."""
    return {
        node.name: [d.id for d in node.decorator_list if isinstance(d, ast.Name)]
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
    }


def shown(file: pathlib.Path) -> list[tuple[str, str]]:
    """The features that a file is about and the words that its tests are marked with."""
    marks = functions(file)
    listed = [
        (feature, word)
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ABSENT"
        for feature in ast.literal_eval(node.value)
        for word in marks[ABSENT]
    ]
    return listed + [
        (name.removeprefix("test_"), word)
        for name, decorators in marks.items()
        for word in decorators
        if word in VERDICTS and name != ABSENT
    ]


def test_the_page_says_what_the_table_says():
    titles, *rows = cells()
    assert [split(title)[0] for title in titles] == TITLES
    said = {label: " ".join(split(word)[0] for word in words) for label, *words in rows}
    assert said == {row.label: row.verdicts for row in TABLE.values()}
    assert len(said) == len(rows)


def test_a_verdict_is_one_of_three_words():
    for row in TABLE.values():
        verdicts = row.verdicts.split()
        assert len(verdicts) == len(LIBRARIES)
        assert set(verdicts) <= VERDICTS


def test_every_partly_has_a_footnote_and_every_footnote_a_place():
    words = [split(cell) for row in cells() for cell in row]
    assert all(number for word, number in words if word == "partly")
    numbers = list(dict.fromkeys(number for _, number in words if number))
    notes = [int(number) for number in re.findall(r"^(\d+)\. ", section(), re.M)]
    assert numbers == notes == list(range(1, len(notes) + 1)), "in the order of the table"


@pytest.mark.parametrize("library", LIBRARIES[1:])
def test_what_is_said_of_another_library_is_what_its_test_is_marked_with(library):
    found = [pair for file in live_files(library) for pair in shown(file)]
    assert len(dict(found)) == len(found)
    assert dict(found) == {feature: row.verdict(library) for feature, row in TABLE.items()}


@pytest.mark.parametrize("feature", TABLE)
def test_every_test_of_rnnjax_exists(feature):
    assert TABLE[feature].tests
    for test in TABLE[feature].tests:
        file, name, case = re.fullmatch(r"(.*)::(\w+?)(?:\[(.*)\])?", test).groups()  # pyright: ignore
        assert name in functions(ROOT / file)
        assert case is None or case in {cell.name for cell in (*CELLS_UNDER_TEST, *CHIEF)}
        assert (file == "tests/test_absent_features.py") == (
            TABLE[feature].verdict("rnnjax") == "no"
        )
