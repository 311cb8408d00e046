"""One setting: a field of a dataclass that is a flag, and the values that it may have."""

from __future__ import annotations

import dataclasses
import difflib
import math
import numbers
import os
import re
import typing
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rnnjax.errors import UsageError

MOST = int(np.iinfo(np.int32).max)
"""Of anything that is counted: JAX counts steps and examples in int32."""

SMALLEST, LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
"""Of positive numbers in float32: what is smaller is 0 there, and what is larger is infinite."""


def setting(
    default: Any,
    description: str,
    *,
    at_least: float | None = None,
    at_most: float = MOST,
    above: float | None = None,
    below: float | None = None,
    positive: bool = False,
    choices: Any = None,
    is_path: bool = False,
    is_command: bool = False,
    needs_run: bool = False,
    changes_result: bool = True,
) -> Any:
    """A field of a `Config` that is a flag.

    A setting that is a number has a bound on either side: one without would be refused in the
    middle of a run, if at all.

    Args:
        default: its value where nothing else is said.
        description: its help.
        at_least: the smallest number that it may be, or
        above: a number that it must be larger than.
        at_most: the largest number that it may be, or
        below: a number that it must be smaller than.
        positive: whether it is any positive number that float32 has; this says both.
        choices: the values that it may have.
        is_path: whether it is the path of a file or folder.
        is_command: whether, if given, it says what is done instead of training.
        needs_run: whether that is done with the run in --workdir.
        changes_result: whether the outcome of a run depends on it; a run can be continued with
            another value of a setting that does not.
    """
    if positive:
        at_least, at_most = SMALLEST, LARGEST
    metadata = {
        "help": description, "at_least": at_least, "above": above, "at_most": at_most,
        "below": below, "choices": choices, "is_path": is_path, "is_command": is_command,
        "needs_run": needs_run, "changes_result": changes_result,
    }  # fmt: skip
    return dataclasses.field(default=default, metadata=metadata)


def check(field: dataclasses.Field[Any], kind: Any, value: Any) -> None:
    """Whether a setting may have a value.

    Args:
        field: made by `setting`.
        kind: the type of its values, but for None: int, float, bool, str or Sequence[str].
        value: anything.

    Raises:
        UsageError: it may not.
    """
    if value is None:
        return
    name, choices = f"--{field.name}", field.metadata["choices"]
    wanted, what = _KINDS[kind]
    # A bool is an int in Python, and in no one's mind.
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool):
        raise UsageError(f"{name} must be {what}, not {shown(value)}.")
    if isinstance(value, numbers.Real) and kind is not bool:
        _check_number(field, value)
    if isinstance(value, str):
        _check_text(name, value)
        if field.metadata["is_path"]:
            _check_path(name, value)
    if choices is not None and value not in choices:
        raise UsageError(f"{name}={shown(value)} is unknown; {_expected(str(value), choices)}.")


MOST_NAMED = 20
"""How many choices a sentence names."""


def _expected(value: str, choices: Collection[str]) -> str:
    """All choices, or of very many those whose names are most alike."""
    if len(choices) <= MOST_NAMED:
        return f"expected one of: {', '.join(sorted(choices))}"
    near = difflib.get_close_matches(value[:MOST_NAMED], choices, n=5, cutoff=0)
    return (
        f"expected one of: {', '.join(near)} or {len(choices) - len(near)} others, which --help "
        "lists"
    )


_KINDS: dict[Any, tuple[Any, str]] = {
    int: (numbers.Integral, "a whole number"),
    float: (numbers.Real, "a number"),
    bool: (bool, "true or false"),
    str: (str, "a text"),
    Sequence[str]: (list | tuple, "a list of texts"),
}


def whole_numbers(name: str, text: str | None) -> tuple[int, ...]:
    """The numbers that a setting lists as a text; none where it is None.

    Args:
        name: the setting's, as a flag.
        text: such as ``"2000,10000"``.

    Raises:
        UsageError: it is something else.

    >>> whole_numbers("--cutoffs", "2000,10000")
    (2000, 10000)
    """
    if text is None:
        return ()
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch("[0-9]{1,9}", part) for part in parts):
        raise UsageError(
            f"{name} must be whole numbers with commas between, such as 2000,10000, not "
            f"{shown(text)}."
        )
    return tuple(map(int, parts))


def kind_of(annotation: Any) -> Any:
    """The type of a setting's values, but for None."""
    parts = typing.get_args(annotation)
    return next(p for p in parts if p is not type(None)) if type(None) in parts else annotation


def shown(value: Any) -> str:
    """A value as it is told to its user: in full, unless that would fill the screen."""
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        digits = int(int(value).bit_length() * math.log10(2)) + 1
        return str(value) if digits < 20 else f"a number of about {digits:,} digits"
    # What moves the cursor or changes colours is told by its number.
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(value)[:101])
    return text if len(text) <= 100 else f"{text[:97]}..."


def one_line(error: Exception) -> str:
    """What an error of another library says, in one line and without its full stop."""
    return " ".join(str(error).split()).rstrip(".")


def _check_number(field: dataclasses.Field[Any], value: Any) -> None:
    bounds = field.metadata
    is_open_below, is_open_above = bounds["above"] is not None, bounds["below"] is not None
    low = bounds["above"] if is_open_below else bounds["at_least"]
    high = bounds["below"] if is_open_above else bounds["at_most"]
    # Both in the affirmative, because nothing is true of NaN.
    low_fits = low is None or (value > low if is_open_below else value >= low)
    high_fits = value < high if is_open_above else value <= high
    if low_fits and high_fits:
        return
    if low == SMALLEST and not (0 < value < math.inf):
        must = "must be a positive number, not"
    elif is_open_below and is_open_above:
        must = f"must lie between {low} and {high}, not at"
    elif low_fits or math.isnan(value):
        must = f"must be {'below' if is_open_above else 'at most'} {_bound(high)}, not"
    else:
        must = f"must be {'above' if is_open_below else 'at least'} {_bound(low)}, not"
    raise UsageError(f"--{field.name} {must} {shown(value)}.")


def _bound(number: Any) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:.3g}"


def _check_text(name: str, text: str) -> None:
    if "\0" in text:
        raise UsageError(f"{name} holds a zero byte, which no name or text has.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"{name}={shown(text)} holds bytes that are no UTF-8, in which everything is "
            "written here; rename it, or convert it to UTF-8."
        ) from None


def _check_path(name: str, path: str) -> None:
    if not path.strip():
        raise UsageError(f"{name} is empty; name a folder, or leave the flag out.")
    try:
        expanded(path)
    except RuntimeError:
        raise UsageError(
            f"{name}={path} begins in a home folder that can't be found; write the path in full."
        ) from None


def expanded(path: str | os.PathLike[str]) -> Path:
    """A path with the home folder in the place of ``~``.

    Raises:
        RuntimeError: there is no such user, or the user has no home.
    """
    return Path(path).expanduser()


def check_place(field: dataclasses.Field[Any], value: Any) -> None:
    """Whether the path that a setting names can be looked at, on this machine.

    Raises:
        UsageError: a folder on the way may not be entered, a name is too long, or is a file's.
    """
    if value is None or not field.metadata["is_path"]:
        return
    try:
        os.stat(expanded(value))
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UsageError(
            f"--{field.name}={shown(value)} can't be used ({error.strerror}); name another one."
        ) from None
