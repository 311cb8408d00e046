"""Whether all processes of a run were told the same."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import jax

from rnnjax.devices import hosts
from rnnjax.errors import UsageError
from rnnjax.training.settings import Config

PER_PROCESS = frozenset(
    {
        "workdir", "data_dir", "num_devices", "keep", "compilation_cache", "coordinator",
        "num_processes", "process_id", "startup_timeout",
    }
)  # fmt: skip
"""The settings that matter to one process alone: its number, its places."""

PIECE = 2000
"""Characters that fit into a message, whatever they are."""


def agree_on_settings(task: str, config: Config) -> None:
    """Compares the settings of all processes; every process calls this, once they have met.

    Args:
        task: the experiment's name.
        config: the settings of this process.

    Raises:
        UsageError: in all processes, where a setting differs that must not.
    """
    settings = {f"--{name}": value for name, value in dataclasses.asdict(config).items()}
    agree("settings", {"the task": task, **settings}, {f"--{name}" for name in PER_PROCESS})


def agree(
    what: str, here: Mapping[str, Any], free: frozenset[str] | set[str] = frozenset()
) -> None:
    """Compares what all processes have; every process calls this.

    Args:
        what: a word for all of it.
        here: what this one has, by name; anything that JSON can hold.
        free: the names that may differ.

    Raises:
        UsageError: in all processes, where something differs.
    """
    if jax.process_count() == 1:
        return
    everywhere = _exchange({name: v for name, v in here.items() if name not in free})
    names = dict.fromkeys(name for one in everywhere for name in one)
    differing = [
        n for n in names if any(_value(o, n) != _value(everywhere[0], n) for o in everywhere)
    ]
    if not differing:
        return
    each = []
    for name in differing:
        number = next(
            i
            for i, one in enumerate(everywhere)
            if _value(one, name) != _value(everywhere[0], name)
        )
        values = [_shown(_value(everywhere[i], name)) for i in (0, number)]
        each.append(f"{name} is {values[0]} in process 0 and {values[1]} in process {number}")
    error = UsageError(
        f"the processes of this run have different {what}: {'; '.join(each)}. Start all of them "
        "with the same flags and the same data."
    )
    error.everywhere = True
    raise error


def _value(one: Mapping[str, Any], name: str) -> Any:
    return json.dumps(one.get(name, "absent"))


def _shown(value: str) -> str:
    return value if len(value) <= 60 else f"{value[:60]}…"


def _exchange(message: Any) -> list[Any]:
    """As `hosts.exchange`, of any length."""
    text = json.dumps(message)
    longest = max(hosts.exchange(len(text)))
    pieces = [hosts.exchange(text[i : i + PIECE]) for i in range(0, longest, PIECE)]
    return [json.loads("".join(parts)) for parts in zip(*pieces, strict=True)]
