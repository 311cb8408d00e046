"""What a checkpoint holds, written and read by Orbax: ``state``, ``params`` and ``record``.

Orbax is given a folder of a fresh name, because it clears away what stands where it wants to write,
and a plain path, because it takes some characters of a path for patterns.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import orbax.checkpoint as ocp

from rnnjax.errors import UsageError
from rnnjax.runs.plain_path import plain

STATE, PARAMS, RECORD = "state", "params", "record"

_ITEM = rf"({STATE}|{PARAMS}|{RECORD})(\.orbax-checkpoint-tmp)?"
_OWN = re.compile(
    rf"_CHECKPOINT_METADATA|commit_success\.txt|\.?SHA256SUMS(\.part)?|{_ITEM}"
    rf"|{_ITEM}/(_METADATA|_sharding|metadata|commit_success\.txt|array_metadatas(/process_\d+)?)"
    rf"|{_ITEM}/(ocdbt\.process_\d+/)?(d(/[0-9a-f]{{32}})?|manifest\.ocdbt)(\.__lock)?"
    rf"|{_ITEM}/ocdbt\.process_\d+"
)
"""The names of all that a checkpoint is made of, finished or not."""


class Items(NamedTuple):
    """What is saved: pytrees of arrays in the memory of this process, and JSON."""

    state: Any
    params: Any
    record: dict[str, Any]


def is_own_name(name: str) -> bool:
    """Whether a file or folder in a checkpoint is called as one that is written there."""
    return _OWN.fullmatch(name) is not None


def write_items(folder: Path, items: Items) -> None:
    """Writes them to a folder that isn't there yet, and reads them back.

    Raises:
        Exception: of many kinds, where they can't be written.
        UnreadableError: what was written is not what comes back.
    """
    arguments = ocp.args.Composite(
        # Under a name, because Orbax refuses a tree that is a single array.
        state=ocp.args.StandardSave({STATE: items.state}),
        params=ocp.args.StandardSave({PARAMS: items.params}),
        record=ocp.args.JsonSave(items.record),
    )
    with checkpointer() as writer, plain(folder) as path:
        writer.save(path, arguments)
    given = jax.tree.map(np.asarray, (items.state, items.params))
    found = read_item(folder, STATE, given[0]), read_item(folder, PARAMS, given[1])
    if not (
        _same_bits(found, given)
        # As text, in which NaN equals itself.
        and json.dumps(read_record(folder)) == json.dumps(items.record)
    ):
        raise UnreadableError("what was written is not what comes back")


class UnreadableError(RuntimeError):
    """What was written can't be read again."""


def read_item(folder: Path, item: str, like: Any) -> Any:
    """The arrays of ``state`` or ``params`` in a checkpoint.

    Args:
        folder: the checkpoint, which is sound.
        item: which of the two.
        like: arrays, or their shapes, of the same structure; None for whatever is there.

    Raises:
        UsageError: they are those of something else.
    """
    try:
        with checkpointer() as reader, plain(folder) as path:
            saved = reader.metadata(path).item_metadata[item]
            if saved is None:
                raise ValueError("its metadata are missing")
            if like is None:
                like = _shapes(saved.tree[item])
            # Compared here, because a restore that fails leaves a trail of asyncio errors.
            _check_arrays(_arrays(saved.tree[item]), _arrays(like))
            wanted: Any = ocp.args.StandardRestore({item: like})
            return reader.restore(path, ocp.args.Composite(**{item: wanted}))[item][item]
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise UsageError(
            f"the {item} in {folder} can't be loaded into this model: {reason(error)}."
        ) from None


def read_record(folder: Path) -> dict[str, Any]:
    """The record in a checkpoint.

    Raises:
        UsageError: it is none.
    """
    try:
        with checkpointer() as reader, plain(folder) as path:
            wanted: Any = ocp.args.JsonRestore()
            record = reader.restore(path, ocp.args.Composite(record=wanted))[RECORD]
        if not isinstance(record, dict):
            raise ValueError("it is no JSON object")
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as error:
        raise UsageError(f"the {RECORD} in {folder} can't be read: {reason(error)}.") from None
    return record


def checkpointer() -> ocp.Checkpointer:
    """What writes and reads; a context manager."""
    # Orbax logs the traceback of each thread that a failure goes through, and then raises it.
    for name in ("absl", "asyncio"):
        logging.getLogger(name).addFilter(_is_wanted)
    if not isinstance(sys.unraisablehook, _WithoutClosedLoops):
        sys.unraisablehook = _WithoutClosedLoops(sys.unraisablehook)
    # A write that has failed leaves those behind it unbegun, and Python says so when it exits.
    warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
    alone: dict[str, Any] = {}
    if jax.process_count() > 1:
        # Orbax would wait for all processes, but one has everything and writes it.
        here = jax.process_index()
        alone["multiprocessing_options"] = ocp.options.MultiprocessingOptions(
            primary_host=here, active_processes={here}, barrier_sync_key_prefix=f"process{here}"
        )
    handler = ocp.CompositeCheckpointHandler(
        composite_options=ocp.CompositeOptions(**alone),
        state=ocp.StandardCheckpointHandler(**alone),
        params=ocp.StandardCheckpointHandler(**alone),
        record=ocp.JsonCheckpointHandler(**alone),
    )
    return ocp.Checkpointer(handler, **alone)


class _WithoutClosedLoops:
    """Prints exceptions but those of writes that were under way when another one had failed.

    TensorStore has them printed from its own threads, some time later, so they can't be caught.
    """

    def __init__(self, inner: Callable[..., Any]) -> None:
        self._inner = inner

    def __call__(self, unraisable: Any) -> None:
        if str(unraisable.exc_value) != "Event loop is closed":
            self._inner(unraisable)


def _is_wanted(record: logging.LogRecord) -> bool:
    failure = record.exc_info[1] if record.exc_info else None
    return "orbax" not in record.pathname and "os_error_code=" not in str(failure)


def reason(error: Exception) -> str:
    """Why something could not be written or read, in a few words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    # TensorStore names every layer that it went through, and at the end what is wrong.
    if found := re.search(r"os_error_code='(\d+)'", str(error)):
        return os.strerror(int(found[1]))
    return (str(error).splitlines() or [type(error).__name__])[0]


def _arrays(tree: Any) -> dict[str, str]:
    leaves = jax.tree.leaves_with_path(tree, is_leaf=lambda leaf: hasattr(leaf, "shape"))
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): f"{leaf.dtype}{list(leaf.shape)}"
        for path, leaf in leaves
    }


def _shapes(tree: Any) -> Any:
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype),
        tree,
        is_leaf=lambda leaf: hasattr(leaf, "shape"),
    )


def _check_arrays(saved: dict[str, str], wanted: dict[str, str]) -> None:
    renamed = {name.replace("/cell/", "/"): kind for name, kind in saved.items()}
    if renamed == wanted != saved:
        raise ValueError(
            "an earlier version of rnnjax saved it, with a layer's parameters under rnn/cell and "
            "not under rnn; use that version, or train again in another folder"
        )
    for name in sorted(saved.keys() | wanted.keys()):
        if saved.get(name) != wanted.get(name):
            raise ValueError(
                f"{name} is {saved.get(name, 'absent')} there and {wanted.get(name, 'absent')} here"
            )


def _same_bits(one: Any, other: Any) -> bool:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(_bits(a), _bits(b)) for a, b in pairs)


def _bits(array: Any) -> np.ndarray:
    """As numbers that equal themselves, which NaN does not."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)
