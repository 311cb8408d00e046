"""Files of sequences with classes in the form of the UEA archive, ``.ts``.

Behind a header of lines that begin with ``@``, each line is a sequence: the series of each feature,
numbers with commas between, the features with colons between, and last the class.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnnjax.errors import DataError


class TsFile(NamedTuple):
    """What a file holds."""

    class_names: tuple[str, ...]
    """As the header names them."""
    sequences: list[np.ndarray]
    """Each float32 ``[T, D]``, of its own length."""
    labels: list[int]
    """Their places among the names."""


def read_ts(contents: bytes, name: str) -> TsFile:
    r"""Reads a file.

    Args:
        contents: of the file.
        name: to call it by in a complaint.

    Raises:
        DataError: it is something else; or it has missing values, which are not read.

    >>> header = "@timeStamps false\n@classLabel true low high\n@data\n"
    >>> found = read_ts(f"{header}1,2,3:4,5,6:high\n".encode(), "two.ts")
    >>> found.sequences[0].tolist(), found.labels
    ([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]], [1])
    """
    try:
        lines = contents.decode().splitlines()
    except UnicodeDecodeError:
        raise DataError(f"{name} is no text; give a .ts file of the UEA archive.") from None
    header, rows = _parts(lines, name)
    if header.get("timestamps", ["false"])[0] != "false":
        raise DataError(f"{name} has time stamps, which are not read; give one without.")
    label = header.get("classlabel", ["false"])
    if label[0] != "true" or len(label) < 3:
        raise DataError(
            f"{name} names no classes; its header needs a line such as '@classLabel true a b'."
        )
    names = tuple(label[1:])
    sequences, labels = [], []
    for number, row in rows:
        *series, own = row.split(":")
        try:
            arrays = [np.array(one.split(","), np.float32) for one in series]
            sequences.append(np.stack(arrays, axis=1))
            labels.append(names.index(own.strip()))
        except ValueError as error:
            raise DataError(
                f"Line {number:,} of {name} is no sequence with a class of its header ({error}); "
                "write the series of each feature with colons between, all of one length."
            ) from None
        if not np.isfinite(sequences[-1]).all():
            raise DataError(f"Line {number:,} of {name} has NaN or infinity; fill it in first.")
        if sequences[-1].shape[1] != sequences[0].shape[1]:
            raise DataError(
                f"Line {number:,} of {name} has {sequences[-1].shape[1]} features, the first line "
                f"{sequences[0].shape[1]}; all need as many."
            )
    if not sequences:
        raise DataError(f"{name} holds no sequence behind a line '@data'.")
    return TsFile(names, sequences, labels)


def _parts(lines: list[str], name: str) -> tuple[dict[str, list[str]], list[tuple[int, str]]]:
    """The header's words by their names, and the rows with the numbers of their lines."""
    header: dict[str, list[str]] = {}
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if not line.startswith("@"):
            break
        if words[0].lower() == "@data":
            rows = enumerate(lines[number:], start=number + 1)
            return header, [(place, row) for place, row in rows if row.strip()]
        header[words[0][1:].lower()] = words[1:]
    raise DataError(f"{name} has no line '@data'; give a .ts file of the UEA archive.")
