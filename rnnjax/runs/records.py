"""What stands in the JSON files of a run, and the sentence for one that holds something else.

They are strict JSON in UTF-8. The ``format`` in ``config.json`` counts for all files of a run: a
folder of a later format is refused; one without a number is from before there was one, and is read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rnnjax.errors import UsageError
from rnnjax.storage import typed_json
from rnnjax.storage.files import read_bytes
from rnnjax.storage.typed_json import Fields, ShapeError

FORMAT = 1

_SPREAD = {"sd": dict[str, float], "seeds": dict[str, list[float]]}

DATASET = Fields(
    {"name": str},
    {
        "origin": str,
        "warning": str | None,
        "files": dict[str, str],
        "settings": list[dict[str, float]],
    },
)
"""Of the data that a run has used."""

CONFIG = Fields(
    {"flags": Fields(), "dataset": DATASET, "versions": dict[str, str], "devices": list[str]},
    {
        "format": int,
        "commit": str | None,
        "started": str,
        "run_id": str | None,
        "adopted_checkpoints": list[str],
    },
)
"""``config.json``. What the flags are, their own types say."""

EVALUATION = Fields({"step": int}, _SPREAD, others=float)
"""A line of ``metrics.jsonl``."""

RESULT = Fields(optional={"steps": int, "num_params": int} | _SPREAD)
"""``result.json``, whatever was trained."""

CHECKPOINT = Fields(
    {
        "params_step": int,
        "best": tuple[float | list[float], int | list[int]] | None,
        "history": list[EVALUATION],
        "loss_sum": float | list[float],
        "loss_count": int | list[int],
        "train_seconds": float,
        "compile_seconds": float,
    }
)
"""The record of a checkpoint: what a run has come to, but for its arrays."""


def items(kind: Any, count: int) -> Any:
    """The shape of a list of so many items of one kind."""
    return tuple[(kind,) * count]  # pyright: ignore[reportInvalidTypeForm]


def read(path: str | os.PathLike[str], shape: Any, advice: str) -> Any:
    """Reads a JSON file of a run.

    Args:
        path: the file.
        shape: what it must hold.
        advice: what to do where it does not, as the end of a sentence.

    Raises:
        OSError: there is no such file, or it can't be read.
        UsageError: it is no JSON, of a later format, or holds something else.
    """
    return _checked(path, "", _content(path, advice), shape, advice)


def read_lines(path: str | os.PathLike[str], shape: Any, advice: str) -> Iterator[Any]:
    """Reads a file with one JSON value in each line; as `read`, but the place has the line."""
    for number, line in enumerate(_content(path, advice).splitlines(), 1):
        yield _checked(path, f"line {number}: ", line, shape, advice)


def check(source: str | os.PathLike[str], value: Any, shape: Any, advice: str) -> Any:
    """What somebody else has read as JSON, if it holds what it must; raises as `read`."""
    try:
        return typed_json.check(value, shape)
    except ShapeError as error:
        raise _refused(source, str(error), advice) from None


def _checked(path: Any, line: str, text: bytes, shape: Any, advice: str) -> Any:
    try:
        value = typed_json.parse(text)
        later = value.get("format") if isinstance(value, dict) else None
        if type(later) is int and later > FORMAT:
            raise UsageError(
                f"{path} was written by a later version of rnnjax (format {later}, and this one "
                f"reads up to {FORMAT}); take that version, or a newer one."
            )
        return typed_json.check(value, shape)
    except ShapeError as error:
        raise _refused(path, f"{line}{error}", advice) from None


def _content(path: str | os.PathLike[str], advice: str) -> bytes:
    try:
        return read_bytes(Path(path))
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _refused(path, f"it can't be read ({error.strerror})", advice) from None


def _refused(path: Any, what: str, advice: str) -> UsageError:
    return UsageError(f"{path}: {what}; {advice}.")
