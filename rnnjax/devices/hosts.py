"""What the processes of one run say to each other; with a single one, nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import NamedSharding, PartitionSpec

from rnnjax.errors import StorageError, UsageError

MESSAGE_BYTES = 4096
"""The longest message; all are sent at this length."""


def is_main() -> bool:
    """Whether this is the process that writes: the first one."""
    return jax.process_index() == 0


def say(message: str) -> None:
    """Tells the user something on standard error."""
    number = jax.process_index()
    print(f"[process {number}] {message}" if number else message, file=sys.stderr)


def warn(message: str) -> None:
    """Shows the user a warning."""
    say(f"warning: {message}")


def exchange(message: Any) -> list[Any]:
    """What each process has to say, in their order; every process calls this.

    Args:
        message: anything that JSON can hold.
    """
    if jax.process_count() == 1:
        return [message]
    text = json.dumps(message).encode().ljust(MESSAGE_BYTES)
    gathered = multihost_utils.process_allgather(np.frombuffer(text, np.uint8))
    return [json.loads(bytes(row)) for row in np.asarray(gathered)]


def on_main(function: Callable[[], Any]) -> Any:
    """Calls a function in the first process alone; all get its result, or its error.

    Args:
        function: its result must be something that JSON can hold.
    """
    if jax.process_count() == 1:
        return function()
    outcome: dict[str, Any] = {}
    if is_main():
        try:
            outcome["result"] = function()
        except (UsageError, StorageError) as error:
            outcome[type(error).__name__] = str(error)
    # The length first, because a result may be longer than a message.
    text = json.dumps(outcome).encode()
    length = exchange(len(text))[0]
    sent = np.frombuffer(text if is_main() else bytes(length), np.uint8)
    outcome = json.loads(bytes(np.asarray(multihost_utils.broadcast_one_to_all(sent))))
    for kind in (UsageError, StorageError):
        if kind.__name__ in outcome:
            error = kind(outcome[kind.__name__])
            error.everywhere = True
            raise error
    return outcome["result"]


def from_main(tree: Any) -> Any:
    """The arrays of the first process, for all; the others give arrays of the same shapes."""
    if jax.process_count() == 1:
        return tree
    return jax.tree.map(np.asarray, multihost_utils.broadcast_one_to_all(tree))


def fetch(tree: Any) -> Any:
    """Copies arrays of a run from all devices and processes; every process calls this."""
    return jax.tree.map(lambda a: np.array(a if _is_here(a) else _everywhere(a)), tree)


def _is_here(a: Any) -> bool:
    return not isinstance(a, jax.Array) or a.is_fully_addressable or a.is_fully_replicated


def _everywhere(a: Any) -> jax.Array:
    whole = NamedSharding(a.sharding.mesh, PartitionSpec())
    return jax.jit(lambda a: a, out_shardings=whole)(a)
