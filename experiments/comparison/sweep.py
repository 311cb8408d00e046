"""Values of settings to try: ``--sweep learning_rate=1e-4:1e-1:12``."""

from __future__ import annotations

import dataclasses
import itertools
import math
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rnnjax.errors import UsageError
from rnnjax.training.fields import kind_of, shown
from rnnjax.training.settings import Config

LINEAR = ("dropout", "embedding_dropout", "word_dropout", "average")
"""Numbers between 0 and 1 whose values lie at equal distances; of all others they lie at equal
ratios, because these have no natural unit."""

APART = ("preset", "dataset", "seed", "num_seeds")
"""Settings that a whole study has in common."""


MOST = 10_000
"""Settings that a study may try."""


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A setting and the values to try."""

    name: str
    values: tuple[Any, ...]


def parse(text: str, config_type: type[Config]) -> Sweep:
    """Reads ``name=low:high:count`` or ``name=value,value,…``.

    A range has equal ratios between its values, or where it begins at 0 and for dropout rates,
    equal distances; whole numbers are rounded to some.

    Args:
        text: what to read.
        config_type: the settings that there are.

    Raises:
        UsageError: it is neither, the setting does not exist or a value does not fit it.
    """
    name, separator, given = text.partition("=")
    kinds = typing.get_type_hints(config_type)
    fields = {f.name: f for f in dataclasses.fields(config_type)}
    if not separator or name not in fields or not given:
        raise UsageError(
            f"--sweep={shown(text)} is no sweep; give a setting and its values, as in "
            "learning_rate=1e-4:1e-1:12 or cell=gru,lstm."
        )
    if name in APART or not fields[name].metadata["changes_result"]:
        raise UsageError(f"--sweep={shown(text)}: runs can't be compared by --{name}.")
    kind = kind_of(kinds[name])
    try:
        parts = given.split(":")
        if len(parts) == 3 and kind in (int, float):
            values = _range(name, kind, float(parts[0]), float(parts[1]), int(parts[2]))
        else:
            values = tuple(_value(kind, part.strip()) for part in given.split(","))
    except ValueError as error:
        raise UsageError(f"--sweep={shown(text)}: {error}") from None
    values = tuple(dict.fromkeys(values))
    return Sweep(name, values)


def product(sweeps: Sequence[Sweep]) -> list[dict[str, Any]]:
    """Every combination of the values of several sweeps.

    Raises:
        UsageError: two of them are of the same setting, or there are too many combinations.
    """
    names = [sweep.name for sweep in sweeps]
    if len(set(names)) < len(names):
        raise UsageError("--sweep: two of them are of the same setting; put the values into one.")
    values = [sweep.values for sweep in sweeps]
    count = math.prod(map(len, values))
    if count > MOST:
        raise UsageError(f"--sweep: these are {count:,} settings; there may be {MOST:,}.")
    return [dict(zip(names, chosen, strict=True)) for chosen in itertools.product(*values)]


def by_group(
    settings: Sequence[Mapping[str, Any]], numbers: Sequence[str]
) -> list[tuple[dict[str, Any], list[dict[str, float]]]]:
    """Puts those settings together that differ in numbers which one program may hold.

    Args:
        settings: as from `product`.
        numbers: the names of these.

    Returns:
        For every group what its runs have in common, and the numbers in which they differ.
    """
    groups: dict[tuple[Any, ...], tuple[dict[str, Any], list[dict[str, float]]]] = {}
    for setting in settings:
        common_part = {k: v for k, v in setting.items() if k not in numbers}
        own = {k: float(v) for k, v in setting.items() if k in numbers}
        groups.setdefault(tuple(common_part.items()), (common_part, []))[1].append(own)
    return list(groups.values())


def _range(name: str, kind: type, low: float, high: float, count: int) -> tuple[Any, ...]:
    if count > MOST:
        raise ValueError(f"a range has at most {MOST:,} values.")
    if count < 2 or not low < high or not np.isfinite([low, high]).all() or low < 0:
        raise ValueError("a range is low:high:count, with 0 <= low < high and at least 2 values.")
    space = np.linspace if name in LINEAR or low == 0 else np.geomspace
    values = space(low, high, count)
    # Three digits say what was tried; more would stand in every table.
    return tuple(round(v) if kind is int else float(f"{v:.3g}") for v in values.tolist())


def _value(kind: type, text: str) -> Any:
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError(f"{text} is neither true nor false.")
        return text.lower() == "true"
    try:
        return kind(text)
    except ValueError:
        what = "whole number" if kind is int else "number"
        raise ValueError(f"{shown(text)!r} is no {what}.") from None
