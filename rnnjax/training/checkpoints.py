"""Parameters on disk, by Orbax."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jax
import orbax.checkpoint as ocp

from rnnjax.training.errors import UsageError

FOLDER = "checkpoints"


def save_params(run: str | os.PathLike[str], step: int, params: Any) -> None:
    """Saves parameters under ``checkpoints/<step>`` of a run's folder.

    Args:
        run: the run's folder.
        step: updates done.
        params: a pytree of arrays.
    """
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(Path(run).absolute() / FOLDER / str(step), params)


def load_params(run: str | os.PathLike[str], like: Any) -> tuple[int, Any]:
    """Loads the newest parameters that `save_params` saved.

    Args:
        run: the run's folder.
        like: parameters of the model that they are for, or their shapes.

    Returns:
        The updates done when they were saved, and the parameters.

    Raises:
        UsageError: there are none, they do not fit the model, or they are damaged.
    """
    folder = Path(run).expanduser().absolute() / FOLDER
    steps = [int(p.name) for p in folder.glob("*") if p.name.isdigit()]
    if not steps:
        raise UsageError(f"{run} holds no saved parameters; train to the end first.")
    newest = folder / str(max(steps))
    with ocp.StandardCheckpointer() as checkpointer:
        try:
            saved = checkpointer.metadata(newest).item_metadata
            if saved is None:
                raise ValueError("its metadata are missing")
            # Compared here, because a restore that fails leaves a trail of asyncio errors.
            _check_shapes(_shapes(saved.tree), _shapes(like))
            return max(steps), checkpointer.restore(newest, like)
        except (ValueError, KeyError, OSError) as error:
            reason = str(error).splitlines()[0]
            raise UsageError(
                f"the parameters in {newest} can't be loaded into this model: {reason}."
            ) from None


def _shapes(tree: Any) -> dict[str, tuple[int, ...]]:
    leaves = jax.tree.leaves_with_path(tree, is_leaf=lambda leaf: hasattr(leaf, "shape"))
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): tuple(leaf.shape)
        for path, leaf in leaves
    }


def _check_shapes(saved: dict[str, tuple[int, ...]], wanted: dict[str, tuple[int, ...]]) -> None:
    for name in sorted(saved.keys() | wanted.keys()):
        if saved.get(name) != wanted.get(name):
            raise ValueError(
                f"{name} is {saved.get(name, 'absent')} there and {wanted.get(name, 'absent')} here"
            )
