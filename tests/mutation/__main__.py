"""The proof that the tests find faults: the source with one fault in it, a hundred times.

    python -m tests.mutation --out=found.json

Each mutant (`tests.mutation.mutants`) is a copy of the source with one wrong line, on which the
tests of the engine and the cells run until one of them fails: first those that the mutant names,
then, for those that outlive them, all of them. A mutant that is killed says by which test; one
that survives is a fault that no test finds. At last the tests that found a fault run on the source
as it is, where they have to pass.

To see that a change of the tests loses nothing, run it before and after the change:

    python -m tests.mutation --out=before.json
    python -m tests.mutation --out=after.json --before=before.json

It takes half an hour on one core. A run that was stopped goes on where it was if it is given
the same ``--out``.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import functools
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from tests.mutation.mutants import MUTANTS
from tests.mutation.places import CORE_TESTS
from tests.mutation.results import KILLED, LATE, SURVIVED, Results, show
from tests.mutation.trials import FAILED, PASSED, TIMED_OUT, Verdict, files_of, run_tests


def main() -> int:
    """Runs the proof.

    Returns:
        The exit code: 1 if a mutant survived (given an earlier run, one that was killed then), 2 if
        a test that found a fault finds one in the source as it is.
    """
    options = _options()
    names = options.only or list(MUTANTS)
    files = files_of(options.tests)
    results = Results(options.out)
    before = None if options.before is None else Results(options.before)
    console = Console()
    with tempfile.TemporaryDirectory(prefix="compiled-") as cache:
        run = functools.partial(
            run_tests, marker=options.marker, timeout=options.timeout, cache=Path(cache)
        )

        def try_named(name: str) -> Verdict:
            mutant = MUTANTS[name]
            named = [path for path in mutant.first if path in files]
            if not named:
                return Verdict(PASSED, "", "", 0.0)
            return run(mutant, named, keyword=mutant.keyword)

        def try_all(name: str) -> Verdict:
            return run(MUTANTS[name], files)

        left = [n for n in names if options.only or n not in results.found]
        seconds = dict.fromkeys(left, 0.0)
        for attempt in (try_named, try_all):
            outlived = []
            for name, verdict in _each(attempt, left, options.jobs):
                seconds[name] += verdict.seconds
                outcome = {FAILED: KILLED, TIMED_OUT: LATE}.get(verdict.outcome)
                if outcome is None and attempt is try_named:
                    outlived.append(name)
                    continue
                result = results.add(
                    MUTANTS[name], outcome or SURVIVED, verdict.by, verdict.why, seconds[name]
                )
                said = f"{name}: {result.outcome} in {result.seconds:.0f} s {result.by}"
                console.print(said, markup=False, soft_wrap=True)
            left = outlived
        lost = show(console, results, before, names)
        killers = sorted({r.by for r in results.found.values() if "::" in r.by})
        verdict = run(None, killers) if killers else Verdict(PASSED, "", "", 0.0)
        if verdict.outcome != PASSED:
            console.print(f"Fails without a fault, too: {verdict.by}; {verdict.why}", markup=False)
            return 2
        console.print(f"without a fault {len(killers)} tests that found one pass", markup=False)
    return int(bool(lost))


def _each(
    attempt: Callable[[str], Verdict], names: list[str], jobs: int
) -> Iterator[tuple[str, Verdict]]:
    """What the tests say to each mutant, as it comes."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(attempt, name): name for name in names}
        try:
            for future in concurrent.futures.as_completed(futures):
                yield futures[future], future.result()
        finally:  # after Ctrl-C those that have not begun never do
            pool.shutdown(cancel_futures=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tests", nargs="+", default=CORE_TESTS, help="files or folders")
    parser.add_argument("--marker", default="not slow", help="which tests, as for pytest -m")
    parser.add_argument("--only", type=_names, help="mutants, with commas; these are tried again")
    parser.add_argument("--jobs", type=int, default=1, help="so many at a time")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds for one process")
    parser.add_argument("--out", type=Path, help="a JSON file for the results")
    parser.add_argument("--before", type=Path, help="the file of an earlier run, to compare with")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in MUTANTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"no such mutants: {', '.join(unknown)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
