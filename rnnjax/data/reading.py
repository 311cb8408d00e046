"""How files that others made are opened, and what becomes of all that can go wrong in them."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rnnjax.errors import DataError
from rnnjax.storage.files import open_file

MOST_JSON_BYTES = 2**24
"""The descriptions of prepared folders have a few thousand bytes."""


class UnusableError(ValueError):
    """What a file holds is not what was expected; the message says what it is instead."""


class Place:
    """Where in a file a reader is, for the sentence that says what went wrong there.

    Attributes:
        name: The place, as it stands in front of "cannot be read".
    """

    def __init__(self, name: str):
        self.name = name


@contextlib.contextmanager
def reading(refuse: Callable[[str], DataError], place: str) -> Iterator[Place]:
    """Turns whatever goes wrong with a file into one `DataError` of one sentence.

    The readers of other people's formats raise a dozen types on damaged bytes, among them KeyError,
    RecursionError, MemoryError and errors of their own, so that none is left out. Nothing but
    reading belongs inside: a mistake of this program would look like one of the file's.

    Args:
        refuse: Makes the error from what is wrong, with what the user can do about it.
        place: Where reading begins; what is yielded can be told where it goes on.

    Raises:
        DataError: What `refuse` made; or one that was raised inside, as it is.
    """
    at = Place(place)
    try:
        yield at
    except DataError:
        raise
    except ImportError as error:
        raise DataError(
            f"Reading {at.name} needs a package that cannot be imported ({error}); "
            "install rnnjax with its dependencies."
        ) from error
    except UnusableError as error:
        raise refuse(f"{at.name}: {error}") from error
    except Exception as error:
        raise refuse(f"{at.name} cannot be read ({explain(error)})") from error


def explain(error: Exception) -> str:
    """Returns the reason of an error in part of one line."""
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def own_file(path: str | os.PathLike[str], wanted: str) -> bytes:
    """Returns the bytes of a user's own file.

    Args:
        path: Of the file.
        wanted: What it should be, for the sentence that says that it can't be read.

    Raises:
        DataError: It can't be read.
    """
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise DataError(f"{path} can't be read ({error.strerror}); give {wanted}.") from None


def read_text(path: Path, told: str) -> str:
    """Returns the text of a user's own file, in UTF-8, without the mark that may stand in front.

    Args:
        path: The file.
        told: How a sentence names it: ``f"--text={path}"``.

    Raises:
        DataError: It can't be read, is binary, or in another encoding.
    """
    try:
        contents = path.read_bytes()
    except OSError as error:
        raise DataError(f"{told} can't be read ({error.strerror}); name a text file.") from error
    if b"\0" in contents:
        raise DataError(
            f"{told} holds zero bytes, so it is binary data or UTF-16; convert it to plain text in "
            "UTF-8."
        )
    try:
        return contents.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{told} is not in UTF-8 (byte {error.start:,} is {contents[error.start]:#x}); convert "
            "it, as by: iconv -f latin1 -t utf-8."
        ) from error


def read_up_to(file: Any, size: int) -> bytes:
    """Returns `size` bytes of a stream, or all where there are fewer.

    A size that was read from a file may be a lie: memory is taken as the bytes come.

    Args:
        file: What has a method `read`.
        size: A number of bytes.
    """
    parts = []
    while size > 0 and (part := file.read(min(size, 2**20))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_json(path: Path) -> Any:
    """Returns what stands in a JSON file; call it inside `reading`.

    Raises:
        UnusableError: The file is larger than any such file is.
        Exception: It cannot be read, or is no JSON.
    """
    with open_file(path) as file:
        contents = read_up_to(file, MOST_JSON_BYTES + 1)
    if len(contents) > MOST_JSON_BYTES:
        raise UnusableError(f"it has more than {MOST_JSON_BYTES:,} bytes")
    return json.loads(contents.decode("utf-8-sig"))


def member(parent: Any, name: str, kind: type, default: Any = None) -> Any:
    """Returns one value of a JSON object.

    Args:
        parent: What should be the object.
        name: The name of the value.
        kind: The type that it must have.
        default: Taken where there is none; None if there must be one.

    Raises:
        UnusableError: `parent` is no object, or the value is missing or of another type.
    """
    if not isinstance(parent, dict):
        raise UnusableError(f"{_short(parent)} stands where an object with {name!r} was expected")
    value = parent.get(name, default)
    # In Python, but not in JSON, true is a number.
    if not isinstance(value, kind) or isinstance(value, bool):
        expected = {dict: "an object", list: "a list", str: "a string"}[kind]
        raise UnusableError(f"{name!r} is {_short(value)}, where {expected} was expected")
    return value


def _short(value: Any) -> str:
    """How a JSON value is shown in a sentence; a deep one has no text that could be made."""
    for kind, text in ((dict, "an object"), (list, "a list"), (type(None), "nothing")):
        if isinstance(value, kind):
            return text
    return repr(value)[:60]
