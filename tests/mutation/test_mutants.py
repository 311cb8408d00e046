"""The table of mutants fits the source that it breaks; `python -m tests.mutation` runs it."""

import ast
import functools
from pathlib import Path

from tests.mutation.mutants import ALL, MUTANTS
from tests.mutation.places import CORE_TESTS

ROOT = Path(__file__).parents[2]


@functools.cache
def meaning(source: str) -> str:
    return ast.dump(ast.parse(source))


def test_there_are_many_and_each_has_a_name():
    assert len(MUTANTS) == len(ALL) >= 64


def test_each_breaks_one_line():
    wrong = []
    for mutant in ALL:
        source = (ROOT / mutant.file).read_text()
        is_one_line = source.count(mutant.old) == 1 and "\n" not in mutant.old + mutant.new
        if not is_one_line or meaning(mutant.applied(source)) == meaning(source):
            wrong.append(mutant.name)
    assert wrong == []


def test_what_they_name_is_there():
    named = {path for mutant in ALL for path in (mutant.file, *mutant.first)}
    assert [path for path in sorted(named | set(CORE_TESTS)) if not (ROOT / path).exists()] == []
