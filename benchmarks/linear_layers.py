"""The gradient of linear layers: steps one by one, composed plainly, and as products of matrices.

    python benchmarks/linear_layers.py

Layers whose state is a row of numbers (MinGRU, LRU) by the executor that "auto" chooses, with and
without ``remat_chunk="auto"``, beside the same equations composed by `jax.lax.associative_scan` as
one would write them down; matrix memories by the executor "chunkwise" beside steps one by one. Of
every program the least milliseconds of some rounds, in turn, and the temporary memory beside
arguments and results. Into --out: ``linear_layers.json``.
"""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from absl import app, flags
from rich.console import Console
from rich.table import Table

import rnnjax
from rnnjax.recurrences import Composable

_OUT = flags.DEFINE_string("out", "benchmarks/results", "folder for the figures")
_ROUNDS = flags.DEFINE_integer("rounds", 7, "gradients of each kind, in turn", lower_bound=1)
_STEPS = flags.DEFINE_integer("steps", 1024, "of a sequence", lower_bound=1)

ROWS = {"rows": 16, "matrices": 8}
LAYERS = {
    "rows": {"min_gru": rnnjax.MinGRU(256, 256), "lru": rnnjax.LRU(256, 256)},
    "matrices": {
        "mlstm": rnnjax.MLSTM(64, 64, heads=1),
        "gla": rnnjax.GLA(64, 64, heads=1, key_size=64),
        "gated_delta_net": rnnjax.GatedDeltaNet(64, 64, heads=1),
    },
}
"""By what their state is; keys and values of 64 features."""


def composed_plainly(cell: Any, params: Any, xs: jax.Array) -> jax.Array:
    """All outputs, as one writes an associative scan down: coefficients of all steps at once."""
    z = cell.project(params, xs)
    steps: Composable = cell.coefficients(params, z)
    shape = steps.added[0].shape
    factors = tuple(jnp.broadcast_to(own, shape) for own in steps.factors)
    steps = steps.replaced(factors, steps.added)

    def combine(earlier: Any, later: Any) -> Any:
        return later.after(earlier)

    whole = jax.lax.associative_scan(combine, steps)
    return cell.readout(params, whole.added, z)


def unrolled(
    executor: str, remat_chunk: str | None, cell: Any, params: Any, xs: jax.Array
) -> jax.Array:
    return rnnjax.unroll(cell, params, xs, executor=executor, remat_chunk=remat_chunk)[1]


def compiled(cell: Any, run: Callable[..., jax.Array], params: Any, xs: jax.Array) -> Any:
    """The gradient of the sum of squares of all outputs, by parameters and inputs."""

    def loss(params: Any, xs: jax.Array) -> jax.Array:
        return (run(cell, params, xs) ** 2).sum()

    return jax.jit(jax.grad(loss, argnums=(0, 1))).lower(params, xs).compile()


def measure(kind: str, name: str, rounds: int, steps: int) -> list[dict[str, Any]]:
    cell: Any = LAYERS[kind][name]
    params = cell.init(jax.random.key(0))
    xs = jax.random.normal(jax.random.key(1), (steps, ROWS[kind], cell.input_size))
    chosen = rnnjax.chosen_executor(cell, xs.shape)
    if kind == "rows":
        ways = {
            f"{chosen}, remat": functools.partial(unrolled, chosen, "auto"),
            chosen: functools.partial(unrolled, chosen, None),
            "plain": composed_plainly,
        }
    else:
        names = ("chunkwise", "chunked", "scan")
        ways = {own: functools.partial(unrolled, own, None) for own in names}
    programs = {way: compiled(cell, run, params, xs) for way, run in ways.items()}
    seconds: dict[str, list[float]] = {way: [] for way in programs}
    for turn in range(rounds + 1):
        for way, program in programs.items():
            start = time.perf_counter()
            jax.block_until_ready(program(params, xs))
            if turn:  # the first turn warms up
                seconds[way].append(time.perf_counter() - start)
    return [
        {
            "layer": name,
            "way": way,
            "steps": steps,
            "milliseconds": 1000 * min(seconds[way]),
            "temporary_megabytes": program.memory_analysis().temp_size_in_bytes / 2**20,
        }
        for way, program in programs.items()
    ]


def main(arguments: list[str]) -> None:
    del arguments
    out = Path(_OUT.value)
    out.mkdir(parents=True, exist_ok=True)
    console = Console()
    table = Table(title=f"gradients over {_STEPS.value:,} steps, float32")
    for column in ("layer", "way", "ms", "of the first", "temporary MB"):
        table.add_column(column, justify="left" if column in ("layer", "way") else "right")
    found = []
    for kind, layers in LAYERS.items():
        for name in layers:
            with console.status(name):
                rows = measure(kind, name, _ROUNDS.value, _STEPS.value)
            for row in rows:
                ratio = row["milliseconds"] / rows[0]["milliseconds"]
                megabytes = f"{row['temporary_megabytes']:.1f}"
                table.add_row(
                    name, row["way"], f"{row['milliseconds']:.0f}", f"{ratio:.2f}", megabytes
                )
            found += rows
    console.print(table)
    (out / "linear_layers.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    console.print(f"written to {out}")


if __name__ == "__main__":
    app.run(main)
