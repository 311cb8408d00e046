"""The long proof that runs survive: kills at random moments, a small disk, and bit-equal ends.

    python -m tests.survival --kills=50 --starts=200

Three trainings, which together have everything that must be restored: an average of the
parameters, dropout, shuffling, a recurrent state that is carried on, the best parameters so far.
Each is killed at random moments until it gets to its end, and then compared with the same training
left in peace: every array of its last checkpoint, its metrics and its result, bit by bit. This is
repeated with other seeds until there were enough kills. The last column counts the kills that came
while a checkpoint was being written. Then a disk of 4 MB, a folder that two runs want, one that is
deleted and used again, a reader that goes away, and signals at random moments of the start.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.survival.disk import OFTEN, small_disk
from tests.survival.folders import (
    a_folder_deleted,
    a_folder_deleted_and_used_again,
    two_runs_in_one_folder,
)
from tests.survival.pipes import a_reader_that_goes_away
from tests.survival.runs import Run, differences, finished_checkpoints, is_saving
from tests.survival.starts import stopped_in_start_up

TRAININGS = {
    "mnist_rnn": (
        "--dataset=digits",
        "--hidden_size=16",
        "--average=0.99",
        "--clip_norm=1",
        "--steps=3000",
        "--eval_every=400",
    ),
    "binary_sequence": ("--steps=4000", "--eval_every=500", "--row_length=500"),
    "imdb_sentiment": (
        "--dataset=grammar",
        "--max_length=24",
        "--hidden_size=8",
        "--num_validation=1000",
        "--epochs=9",
        "--eval_every=150",
    ),
}
"""Small but real ones; a checkpoint every 60 steps has one being written most of the time."""

EARLY = 0.2
"""The share of kills in the seconds after a process opens the folder; others fall into training."""


SCENARIOS = {
    "a disk of 4 MB": small_disk,
    "two runs in one folder": two_runs_in_one_folder,
    "a folder deleted": a_folder_deleted,
    "a folder deleted and used again": a_folder_deleted_and_used_again,
    "a reader that goes away": a_reader_that_goes_away,
}
"""What else comes in a run's way; each says whether it survived."""


@dataclasses.dataclass
class Outcome:
    """What happened to one training."""

    name: str
    kills: int = 0
    kills_while_saving: int = 0
    stops: int = 0
    differences: list[str] = dataclasses.field(default_factory=list)


def main() -> int:
    """Runs the proof; the exit code is 1 if anything differed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="at least so many in all")
    parser.add_argument("--starts", type=int, default=200, help="signals during the start")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    options = parser.parse_args()
    console = Console()
    moments = random.Random(options.seed)
    start = time.monotonic()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as work:
        # Each piece of a run would compile the same programs again.
        os.environ["JAX_COMPILATION_CACHE_DIR"] = f"{work}/compiled"
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        seed = 0
        while sum(o.kills for o in outcomes) < options.kills:
            for name in TRAININGS:
                outcomes.append(survive(name, seed, Path(work) / f"{name}-{seed}", moments))
                console.print(outcomes[-1])
            seed += 1
        console.print(table(outcomes))
        survived = True
        for what, scenario in SCENARIOS.items():
            found = scenario(Path(work) / what.replace(" ", "-"))
            survived &= found.startswith("survived")
            console.print(f"{what}: {found}", markup=False)
        found = stopped_in_start_up(Path(work) / "starts", options.starts, moments)
        survived &= found.startswith("survived")
        console.print(f"signals in start-up: {found}", markup=False)
    console.print(f"{time.monotonic() - start:.0f} s")
    return int(any(o.differences for o in outcomes) or not survived)


def survive(name: str, seed: int, work: Path, moments: random.Random) -> Outcome:
    """Kills one training, or stops it by SIGTERM, until it ends; compares it with another one."""
    flags = (*TRAININGS[name], f"--seed={seed}")
    calm, hunted = Run(name, flags, work / "calm"), Run(name, flags, work / "hunted")
    calm.finish()
    outcome = Outcome(f"{name} --seed={seed}")
    while True:
        running = hunted.start(OFTEN)
        if moments.random() < EARLY:
            running.wait_for("devices")  # the last line before the folder is opened
        else:
            before = newest(hunted.folder)
            running.wait_until(lambda folder, n=before: newest(folder) > n)
        time.sleep(moments.uniform(0.0, 2.0))
        stop = moments.random() < 0.15
        running.process.send_signal(signal.SIGTERM if stop else signal.SIGKILL)
        saving = is_saving(hunted.folder)
        code, said = running.wait()
        if code == 0:
            break
        assert code in (143, -signal.SIGKILL), said
        outcome.stops += code == 143
        outcome.kills += code == -signal.SIGKILL
        outcome.kills_while_saving += code == -signal.SIGKILL and saving
    outcome.differences = differences(calm.folder, hunted.folder)
    shutil.rmtree(work)
    return outcome


def newest(folder: Path) -> int:
    """The step of the newest checkpoint that was finished."""
    return max(finished_checkpoints(folder), default=-1)


def table(outcomes: list[Outcome]) -> Table:
    """All trainings, and their sum."""
    result = Table(show_footer=True)
    result.add_column("training", "all")
    for title, values in (
        ("kills", [o.kills for o in outcomes]),
        ("SIGTERM", [o.stops for o in outcomes]),
        ("bits that differ", [len(o.differences) for o in outcomes]),
        ("kills while saving", [o.kills_while_saving for o in outcomes]),
    ):
        result.add_column(title, str(sum(values)), justify="right")
    for o in outcomes:
        different = ", ".join(o.differences) or "none"
        cells = (o.kills, o.stops, different, o.kills_while_saving)
        result.add_row(o.name, *map(str, cells))
    return result


if __name__ == "__main__":
    sys.exit(main())
