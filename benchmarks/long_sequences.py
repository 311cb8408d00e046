"""The gradient of a loss at the end of a long sequence, with and without rematerialisation.

    python benchmarks/long_sequences.py

For LSTM(64) on 4 rows of 8 features, up to 100,000 steps: the temporary memory of the compiled
program, beside its arguments and results, and the seconds that one gradient takes. Written into
--out: ``long_sequences.json`` and ``long_sequences.png``.
"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

import jax
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from absl import app, flags
from rich.console import Console
from rich.table import Table

import rnnjax

STEPS = (1_000, 3_000, 10_000, 30_000, 100_000)
ROWS, FEATURES, UNITS = 4, 8, 64

_OUT = flags.DEFINE_string("out", "benchmarks/results", "folder for the figures and the picture")
_ROUNDS = flags.DEFINE_integer("rounds", 3, "gradients of each kind, in turn", lower_bound=1)


def compile_gradient(num_steps: int, remat_chunk: Any) -> Any:
    cell = rnnjax.LSTM(FEATURES, UNITS)
    params = jax.eval_shape(cell.init, jax.random.key(0))
    xs = jax.ShapeDtypeStruct((num_steps, ROWS, FEATURES), "float32")

    def loss(params: Any, xs: jax.Array) -> jax.Array:
        carry, _ = rnnjax.unroll_last(cell, params, xs, remat_chunk=remat_chunk)
        return (carry.h**2).sum()

    return jax.jit(jax.grad(loss)).lower(params, xs).compile()


def measure(num_steps: int, rounds: int) -> list[dict[str, Any]]:
    programs = {kind: compile_gradient(num_steps, kind) for kind in (None, "auto")}
    params = rnnjax.LSTM(FEATURES, UNITS).init(jax.random.key(0))
    xs = jax.random.normal(jax.random.key(1), (num_steps, ROWS, FEATURES))
    seconds: dict[Any, list[float]] = {kind: [] for kind in programs}
    for turn in range(rounds + 1):
        for kind, program in programs.items():
            start = time.perf_counter()
            jax.block_until_ready(program(params, xs))
            if turn:  # the first turn warms up
                seconds[kind].append(time.perf_counter() - start)
    return [
        {
            "steps": num_steps,
            "remat_chunk": kind,
            "temporary_megabytes": program.memory_analysis().temp_size_in_bytes / 2**20,
            "seconds": statistics.median(seconds[kind]),
        }
        for kind, program in programs.items()
    ]


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    for kind, label in ((None, "everything kept"), ("auto", 'remat_chunk="auto"')):
        mine = [row for row in rows if row["remat_chunk"] == kind]
        axes.loglog(
            [row["steps"] for row in mine],
            [row["temporary_megabytes"] for row in mine],
            marker="o",
            label=label,
        )
    auto = next(row for row in rows if row["remat_chunk"] == "auto")
    root = [auto["temporary_megabytes"] * (t / auto["steps"]) ** 0.5 for t in STEPS]
    axes.loglog(STEPS, root, color="grey", linestyle=":", label="grows like √T")
    axes.set(
        title=f"Gradient of LSTM({UNITS}), {ROWS} rows",
        xlabel="steps T",
        ylabel="temporary memory, MB",
    )
    axes.legend()
    figure.savefig(path, dpi=150)


def main(arguments: list[str]) -> None:
    del arguments
    out = Path(_OUT.value)
    out.mkdir(parents=True, exist_ok=True)
    console = Console()
    rows = []
    for num_steps in STEPS:
        with console.status(f"{num_steps:,} steps"):
            rows += measure(num_steps, _ROUNDS.value)
    table = Table(title=f"gradient of LSTM({UNITS}) on {ROWS} rows, float32")
    for column in ("steps", "remat_chunk", "temporary MB", "seconds"):
        table.add_column(column, justify="right")
    for row in rows:
        megabytes, seconds = row["temporary_megabytes"], row["seconds"]
        table.add_row(
            f"{row['steps']:,}", str(row["remat_chunk"]), f"{megabytes:.2f}", f"{seconds:.3f}"
        )
    console.print(table)
    (out / "long_sequences.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    draw(rows, out / "long_sequences.png")
    console.print(f"written to {out}")


if __name__ == "__main__":
    app.run(main)
