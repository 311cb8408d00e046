"""rnnjax beside PyTorch, Keras (on TensorFlow and on JAX), flax.linen and flax.nnx.

    pip install -e '.[bench]'
    python benchmarks/compare_peers.py --data_dir=DIR
    python benchmarks/compare_peers.py --work=keras50,lstm-64x256x512.train --peers=torch
    python benchmarks/compare_peers.py --work=charlm,wordlm.train --keep_memory
    python benchmarks/compare_peers.py --work=translate_train,translate_beam5 --peers=torch

Every side is a process of its own, started once. For each row of the table all sides get the same
weights and the same batch; their outputs and gradients are compared with ours, and who computes
something else is not timed. Then the sides are asked in turns, in an order drawn anew for every
round, while the others wait: so many runs that a measurement lasts --min_seconds. A ratio is the
median over the rounds of our time over theirs. Written into --out: ``peers.json`` with everything
and ``peers.png``.

All sides compute in float32, on as many threads as there are cores (`taskset` gives fewer), with
the data on the device. Where a framework offers several ways (XLA or not, unrolled or not, Adam as
one kernel or not; rnnjax's training loop, which takes many steps as one program, or a call per
step, as on the other sides) the fastest here is taken, and all of them are in the file.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import jax
from absl import app, flags, logging
from rich.console import Console
from rich.markup import escape

if not __package__:  # started as a file: its own folder is where Python looks
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks import chart, machine, report, runs
from benchmarks.measure import Group
from benchmarks.peers import OURS, PEERS, SIDES, Settings
from benchmarks.process import SideFailedError
from benchmarks.work import RUNS, default_names, rows_named
from rnnjax.errors import DataError

_WORK = flags.DEFINE_list("work", None, "works or rows (default: all); lstm-BxTxH for any sizes")
_PEERS = flags.DEFINE_list("peers", list(PEERS), f"beside whom: {', '.join(PEERS)}")
_ROUNDS = flags.DEFINE_integer("rounds", 15, "measurements of each side", lower_bound=1)
_RUN_ROUNDS = flags.DEFINE_integer("run_rounds", 5, "likewise of whole and seeds", lower_bound=1)
_RUN_STEPS = flags.DEFINE_integer("run_steps", None, "of whole and seeds, to try them out")
_MIN_SECONDS = flags.DEFINE_float("min_seconds", 0.3, "that a measurement lasts", lower_bound=0)
_OUT = flags.DEFINE_string("out", "benchmarks/results", "folder for peers.json and peers.png")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "folder with prepared TFDS data, for whole runs")
_OUR_DEVICES = flags.DEFINE_integer(
    "our_devices",
    None,
    "CPU devices over which rnnjax spreads the rows (default: one per core, as in experiments)",
    lower_bound=1,
)
_KEEP_MEMORY = flags.DEFINE_bool(
    "keep_memory", False, "have every side keep freed memory for later, as our experiments do"
)
_DEVICE = flags.DEFINE_enum("device", "cpu", ["cpu", "gpu"], "where all of them compute")
_PRECISION = flags.DEFINE_enum("precision", "float32", ["float32", "tf32"], "of a GPU's products")


def check_peers(names: Sequence[str]) -> list[str]:
    """The peers in their fixed order.

    Raises:
        ValueError: one is unknown or not installed.
    """
    for name in names:
        if name not in PEERS:
            raise ValueError(f"--peers={name} is unknown; expected some of: {', '.join(PEERS)}.")
        missing = [p for p in SIDES[name].packages if importlib.util.find_spec(p) is None]
        if missing:
            raise ValueError(
                f"--peers={name} needs {' and '.join(missing)}, which {_is(missing)} not installed "
                "here: run pip install -e '.[bench]', or leave it out of --peers."
            )
    return [peer for peer in PEERS if peer in names]


def _is(missing: Sequence[str]) -> str:
    return "is" if len(missing) == 1 else "are"


def run(names: Sequence[str], peers: list[str], settings: Settings) -> None:
    # JAX and TFDS tell of every backend and file that they look at.
    logging.set_verbosity(logging.WARNING)
    # This process draws the weights, and leaves a GPU to those who are measured.
    jax.config.update("jax_platforms", "cpu")
    console = Console(highlight=False)
    rows = rows_named(names)
    out = Path(_OUT.value)
    out.mkdir(parents=True, exist_ok=True)
    sides = [OURS, *peers]
    about = machine.describe(sides)
    header: dict[str, Any] = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": about,
        "settings": {**asdict(settings), "min_seconds": _MIN_SECONDS.value},
        "rounds": {"rows": _ROUNDS.value, "runs": _RUN_ROUNDS.value},
    }
    entries: dict[str, dict[str, Any]] = {}

    def keep(entry: dict[str, Any]) -> None:
        """After every row, so that what was measured is not lost."""
        entries[entry["name"]] = entry
        report.write(out / "peers.json", header, entries)
        console.print(report.row_table(entry))

    with console.status("") as status:

        def say(text: str) -> None:
            if console.is_terminal:
                status.update(escape(text))
            else:
                console.print(text, markup=False)

        with Group(sides, settings, say) as group:
            for row in rows:
                keep(group.measure_row(row, _ROUNDS.value, _MIN_SECONDS.value))
        with tempfile.TemporaryDirectory() as folder:
            runner = runs.Runner(Path(folder), _DATA_DIR.value, _RUN_STEPS.value)
            if "whole" in names:
                say("whole runs of keras50")
                runner.save_images()
                keep(runs.measure_whole(runner, sides, _RUN_ROUNDS.value))
            if "seeds" in names:
                say("eight seeds of keras50")
                keep(runs.measure_seeds(runner, _RUN_ROUNDS.value))
    console.print(report.summary_table(entries, peers))
    for line in report.notes(entries):
        console.print(line, markup=False)
    caption = f"{about['processor']}, {about['cores']} cores, {_ROUNDS.value} rounds, float32"
    chart.draw(entries, peers, caption, out / "peers.png")
    console.print(f"written to {out}")


def main(arguments: list[str]) -> None:
    del arguments
    try:
        names = _WORK.value or default_names(_DEVICE.value)
        rows_named(names)
        peers = check_peers(_PEERS.value)
        if _DEVICE.value == "gpu" and set(names) & set(RUNS):
            raise ValueError("whole and seeds run on the CPU; leave them out of --work.")
        settings = Settings(
            threads=machine.num_threads(),
            device=_DEVICE.value,
            precision=_PRECISION.value,
            our_devices=_OUR_DEVICES.value or machine.num_threads(),
            keep_memory=_KEEP_MEMORY.value,
        )
        run(names, peers, settings)
    except (ValueError, DataError, SideFailedError) as error:
        fail(str(error))


def parse(arguments: list[str]) -> list[str]:
    try:
        stray = flags.FLAGS(arguments)[1:]
    except flags.Error as error:
        fail(str(error))
    if stray:
        fail(f"stray argument {stray[0]!r}; every setting is a flag, as in --name=value.")
    return arguments


def fail(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    app.run(main, flags_parser=parse)
