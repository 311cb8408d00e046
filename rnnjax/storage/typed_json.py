"""JSON of which one knows what it must hold: read with a shape, and written as others read it.

A *shape* is a type as an annotation has it (``int``, ``float | None``, ``list[str]``,
``tuple[float, int]``, ``dict[str, float]``, `Any`), or `Fields` for an object whose members are
known by name.

JSON has no number for NaN and infinity. They are written as the strings ``"NaN"``, ``"Infinity"``
and ``"-Infinity"``, as Protocol Buffers do, and read back as numbers where a number is expected.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import json
import math
import reprlib
import types
import typing
from collections.abc import Mapping
from typing import Any

DEEPEST = 32
"""Levels of lists and objects; nothing of ours has so many, and what is deeper ends Python's stack
as soon as it is compared or shown."""

_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_NAMES = {int: "a whole number", float: "a number", str: "a string", bool: "true or false"}
_NAMES[type(None)] = "null"

_shortened = reprlib.Repr()
_shortened.maxstring = _shortened.maxother = 60


class ShapeError(ValueError):
    """A text that is no JSON, or JSON that does not hold what it must; says where in it."""


@dataclasses.dataclass(frozen=True, eq=False)
class Fields:
    """The shape of an object.

    Args:
        required: the shapes of members that must be there, by name.
        optional: of those that may be absent.
        others: of every other member; by default they may be anything, and are kept.
    """

    required: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    optional: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    others: Any = Any


def parse(text: str | bytes, shape: Any = Any) -> Any:
    """Reads JSON.

    Args:
        text: in UTF-8 where it is bytes.
        shape: what it must hold.

    Raises:
        ShapeError: it is no JSON, is nested deeper than `DEEPEST`, or holds something else.
    """
    try:
        value = json.loads(text.decode("utf-8-sig") if isinstance(text, bytes) else text)
    except UnicodeDecodeError as error:
        raise ShapeError(f"it is no text in UTF-8 (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise ShapeError(f"it is no JSON (line {error.lineno}: {error.msg})") from None
    except ValueError:
        raise ShapeError("it holds a number of too many digits") from None
    except RecursionError:
        raise ShapeError("it is nested too deep") from None
    if not _is_shallow(value):
        raise ShapeError("it is nested too deep")
    return check(value, shape)


def check(value: Any, shape: Any, place: str = "") -> Any:
    """What JSON has given, if it has a shape; NaN and infinity as numbers.

    Args:
        value: as `json.loads` gives it.
        shape: what it must be.
        place: where it stands, for the message.

    Raises:
        ShapeError: it is something else; the message names the first place where it is.
    """
    if shape is Any:
        return value
    if isinstance(shape, Fields):
        return _check_fields(value, shape, place)
    kind, inner = typing.get_origin(shape), typing.get_args(shape)
    if kind in (types.UnionType, typing.Union):
        return _check_any(value, shape, inner, place)
    if kind in (list, collections.abc.Sequence) and isinstance(value, list):
        return [check(item, inner[0], f"{place}[{i}]") for i, item in enumerate(value)]
    if kind is tuple and isinstance(value, list) and len(value) == len(inner):
        pairs = enumerate(zip(value, inner, strict=True))
        return [check(item, each, f"{place}[{i}]") for i, (item, each) in pairs]
    if kind is dict and isinstance(value, dict):
        return {name: check(v, inner[1], _member(place, name)) for name, v in value.items()}
    found = _scalar(value, shape)
    if found is _NONE_SUCH:
        raise _expected(_name(shape), brief(value), place)
    return found


def to_text(value: Any, indent: int | None = None) -> str:
    """Writes strict JSON, which every reader takes; NaN and infinity as strings.

    Args:
        value: of dicts with string keys, lists, tuples, strings, numbers, booleans and None.
        indent: blanks per level; None for a single line.
    """
    return json.dumps(strict(value), indent=indent, allow_nan=False)


def strict(value: Any) -> Any:
    """A value as strict JSON has it: NaN and infinity are strings, tuples are lists."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {name: strict(v) for name, v in value.items()}
    return [strict(v) for v in value] if isinstance(value, list | tuple) else value


def brief(value: Any) -> str:
    """A value as it is shown in a sentence, cut where it is long."""
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    if isinstance(value, str):
        return f'"{_shortened.repr(value)[1:-1]}"'
    text = _shortened.repr(value)  # of every level a few items only
    return text if len(text) <= 80 else f"{text[:77]}..."


_NONE_SUCH = object()


def _scalar(value: Any, shape: Any) -> Any:
    if shape is float:
        if isinstance(value, str) and value in _NOT_FINITE:
            return _NOT_FINITE[value]
        if type(value) is int and not -(2**63) <= value < 2**63:
            # Where a number has no fraction other programs leave out the point.
            return float(value) if abs(value) < 2**1023 else _NONE_SUCH
        return value if type(value) in (int, float) else _NONE_SUCH
    if shape is int:
        return value if type(value) is int and -(2**63) <= value < 2**63 else _NONE_SUCH
    return value if shape in _NAMES and type(value) is shape else _NONE_SUCH


def _check_fields(value: Any, shape: Fields, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _expected("an object", brief(value), place)
    for name, inner in shape.required.items():
        if name not in value:
            raise _expected(_name(inner), "nothing", _member(place, name))
    known = {**shape.optional, **shape.required}
    return {
        name: check(v, known.get(name, shape.others), _member(place, name))
        for name, v in value.items()
    }


def _check_any(value: Any, shape: Any, alternatives: tuple[Any, ...], place: str) -> Any:
    # Of a list or an object that may be one, the message says what is wrong inside.
    kind = {list: "a list", dict: "an object"}.get(type(value), "nothing of the kind")
    for alternative in alternatives:
        try:
            return check(value, alternative, place)
        except ShapeError:
            if _name(alternative).startswith(kind):
                raise
    raise _expected(_name(shape), brief(value), place)


def _expected(what: str, found: str, place: str) -> ShapeError:
    return ShapeError(f"{place}{': ' if place else ''}expected {what}, found {found}")


def _member(place: str, name: str) -> str:
    shown = name if len(name) <= 40 else f"{name[:37]}..."
    shown = shown if shown.isprintable() else ascii(shown)
    return f"{place}.{shown}" if place else shown


def _name(shape: Any) -> str:
    kind = typing.get_origin(shape)
    if kind in (types.UnionType, typing.Union):
        return " or ".join(map(_name, typing.get_args(shape)))
    if isinstance(shape, Fields) or kind is dict:
        return "an object"
    if kind is tuple:
        return f"a list of {len(typing.get_args(shape))}"
    return _NAMES.get(shape, "a list" if kind is not None else "a value")


def _is_shallow(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [
            child
            for node in level
            if isinstance(node, list | dict)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return True
    return False
