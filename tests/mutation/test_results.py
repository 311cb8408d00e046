"""Results are kept as they come, and a mutant that only an earlier run has killed is lost."""

import io

from rich.console import Console

from tests.mutation.mutants import ALL
from tests.mutation.results import KILLED, SURVIVED, Results, show


def run(path, *outcomes):
    results = Results(path)
    for mutant, outcome in zip(ALL, outcomes, strict=False):
        results.add(mutant, outcome, "a test", "an error", seconds=1.0)
    return results


def test_what_is_kept_is_taken_over(tmp_path):
    kept = run(tmp_path / "results.json", KILLED, SURVIVED)
    again = Results(tmp_path / "results.json")
    assert again.found == kept.found
    assert [again.outcome(mutant.name) for mutant in ALL[:3]] == [KILLED, SURVIVED, "unknown"]


def test_what_is_lost():
    first, second, third = names = [mutant.name for mutant in ALL[:3]]
    before, after = run(None, KILLED, SURVIVED, KILLED), run(None, SURVIVED, SURVIVED, KILLED)
    said = io.StringIO()
    console = Console(file=said, width=100)
    assert show(console, after, before, names) == [first]
    assert show(console, after, None, names) == [first, second]
    assert show(console, before, after, [second, third]) == []
    assert "1 of which" in said.getvalue()
