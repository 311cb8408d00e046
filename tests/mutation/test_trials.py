"""A trial breaks a copy, never the source itself, and says which test has found the fault."""

import pytest

from tests.mutation.mutants import MUTANTS
from tests.mutation.trials import (
    FAILED,
    NO_TESTS,
    PASSED,
    ROOT,
    copy_of_source,
    files_of,
    run_tests,
)

MUTANT = MUTANTS["hyperparameters-bool"]


def test_the_copy_has_the_fault_and_the_source_has_not():
    source = (ROOT / MUTANT.file).read_text()
    with copy_of_source(MUTANT) as copy:
        assert (copy / MUTANT.file).read_text() == MUTANT.applied(source) != source
        assert (copy / "pyproject.toml").read_bytes() == (ROOT / "pyproject.toml").read_bytes()
        assert not (copy / ".git").exists()
    assert (ROOT / MUTANT.file).read_text() == source


def test_files_come_in_their_order_and_once():
    found = files_of(["tests/cells", "rnnjax/cells/lstm.py", "tests/cells/test_layer_norm.py"])
    assert found[-1] == "rnnjax/cells/lstm.py"
    assert found.count("tests/cells/test_layer_norm.py") == 1


@pytest.mark.slow
def test_a_fault_is_found_where_there_is_one():
    def trial(mutant, keyword=""):
        return run_tests(mutant, MUTANT.first, marker="", keyword=keyword, timeout=300)

    assert trial(None).outcome == PASSED
    assert trial(None, "no_test_has_this_name").outcome == NO_TESTS
    found = trial(MUTANT)
    assert found.outcome == FAILED
    assert found.by.startswith("tests/test_hyperparameters.py::test_what_a_field_can_not_hold")
