"""The fields of cells and combinators: what each of them may hold.

A field says so by its annotation, and every class checks all of its fields by one call:

>>> import dataclasses
>>> @dataclasses.dataclass(frozen=True)
... class Leaky:
...     hidden_size: Size
...     leak: Rate = 0.1
...
...     def __post_init__(self) -> None:
...         check_hyperparameters(self)
>>> Leaky(4, leak=1.5)
Traceback (most recent call last):
    ...
ValueError: Leaky: leak must be a rate of at least 0 and below 1, not 1.5.
"""

from __future__ import annotations

import functools
import math
import numbers
import typing
from collections.abc import Callable, Collection
from typing import Annotated, Any

from rnnjax.activations import ACTIVATIONS
from rnnjax.cell import Layer, check_choice
from rnnjax.checks import is_numpy_bool
from rnnjax.initializers import INITIALIZATIONS

Check = Callable[[str, str, Any], Any]
"""``check(owner, name, value)``: the value in its plain type, or a `ValueError`."""


class Rule(typing.NamedTuple):
    """What a field may hold, as metadata of its annotation."""

    check: Check
    or_none: bool = False
    """Whether the field may also hold None."""


def _size(owner: str, name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{owner}: {name} must be a positive integer, not {value!r}.")
    return int(value)


def _sizes(owner: str, name: str, value: Any) -> tuple[int, ...]:
    if not isinstance(value, tuple | list) or not value:
        raise ValueError(
            f"{owner}: {name} must be a tuple of positive integers, such as (3, 3), not {value!r}."
        )
    return tuple(_size(owner, f"each of {name}", size) for size in value)


def _flag(owner: str, name: str, value: Any) -> bool:
    if not isinstance(value, bool) and not is_numpy_bool(value):
        raise ValueError(f"{owner}: {name} must be True or False, not {value!r}.")
    return bool(value)


def _rate(owner: str, name: str, value: Any) -> float:
    if not _is_number(value) or not 0 <= value < 1:
        raise ValueError(
            f"{owner}: {name} must be a rate of at least 0 and below 1, not {value!r}."
        )
    return float(value)


def _positive(owner: str, name: str, value: Any) -> float:
    if not _is_number(value) or not 0 < value < math.inf:
        raise ValueError(f"{owner}: {name} must be a positive number, not {value!r}.")
    return float(value)


def _real(owner: str, name: str, value: Any) -> float:
    if not _is_number(value) or not math.isfinite(value):
        raise ValueError(f"{owner}: {name} must be a finite number, not {value!r}.")
    return float(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _layer(owner: str, name: str, value: Any) -> Layer:
    del name
    if not isinstance(value, Layer):
        raise ValueError(
            f"{owner}: expected cells or combinations of cells, such as rnnjax.LSTM(28, 64), "
            f"not {value!r}."
        )
    return value


def _layers(owner: str, name: str, value: Any) -> tuple[Layer, ...]:
    if not isinstance(value, tuple | list):
        raise ValueError(f"{owner}: expected a tuple of layers, not {value!r}.")
    if not value:
        raise ValueError(f"{owner}: expected at least one layer, got none.")
    return tuple(_layer(owner, name, layer) for layer in value)


def one_of(choices: Collection[str]) -> Rule:
    """The rule that a field holds one of these names."""

    def check(owner: str, name: str, value: Any) -> str:
        check_choice(owner, name, value, choices)
        return str(value)

    return Rule(check)


Size = Annotated[int, Rule(_size)]
"""A positive integer."""
Sizes = Annotated[tuple[int, ...], Rule(_sizes)]
"""Positive integers, one or more; a list becomes a tuple."""
Flag = Annotated[bool, Rule(_flag)]
"""True or False."""
Rate = Annotated[float, Rule(_rate)]
"""The probability with which something is dropped or kept: at least 0, below 1."""
Positive = Annotated[float, Rule(_positive)]
"""A positive number."""
Real = Annotated[float, Rule(_real)]
"""A finite number."""
Activation = Annotated[str, one_of(ACTIVATIONS)]
"""A name in `rnnjax.activations.ACTIVATIONS`."""
Initialization = Annotated[str, one_of(INITIALIZATIONS)]
"""A name in `rnnjax.initializers.INITIALIZATIONS`."""
AnyLayer = Annotated[Layer, Rule(_layer)]
"""A cell, or a combination of cells."""
Layers = Annotated[tuple[Layer, ...], Rule(_layers)]
"""At least one layer; a list becomes a tuple."""


def check_hyperparameters(layer: Any) -> None:
    """Checks every field of a dataclass that has a `Rule`, and gives it its plain type.

    So a NumPy integer becomes an `int`, and equal cells print alike.

    Raises:
        ValueError: the first field whose value is none that it may have, with its name.
    """
    for name, rule in rules(type(layer)).items():
        value = getattr(layer, name)
        if value is not None or not rule.or_none:
            value = rule.check(type(layer).__name__, name, value)
            object.__setattr__(layer, name, value)


@functools.cache
def rules(layer_type: type) -> dict[str, Rule]:
    """The rules of a dataclass's fields, by name, its bases' included."""
    found: dict[str, Rule] = {}
    for base in reversed(layer_type.__mro__):
        try:
            hints = typing.get_type_hints(base, include_extras=True)
        except NameError:
            continue  # a user's class, annotated with what only a type checker imports
        for name, hint in hints.items():
            for annotation in (hint, *typing.get_args(hint)):
                for rule in getattr(annotation, "__metadata__", ()):
                    if isinstance(rule, Rule):
                        found[name] = rule._replace(or_none=type(None) in typing.get_args(hint))
    return found
