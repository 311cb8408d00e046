"""NaN and infinity: updates that are skipped, and the operation that made them."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from rnnjax.devices.hosts import fetch


def skip_nonfinite(optimizer: optax.GradientTransformation) -> optax.GradientTransformation:
    """Lets an optimiser skip, and count, every update whose gradient is not finite.

    Parameters and the optimiser's state stay as they were. It has to be outside of everything that
    could make one infinite number many, such as a limit on the gradient's norm.
    """
    # How many in a row are too many is for the training loop to say: it never accepts one.
    return optax.apply_if_finite(optimizer, max_consecutive_errors=np.iinfo(np.int32).max)


def skipped_updates(opt_state: Any) -> np.ndarray:
    """How many updates `skip_nonfinite` has skipped in the whole run, one number or ``[S]``."""
    guarded = isinstance(opt_state, optax.ApplyIfFiniteState)
    return fetch(opt_state.total_notfinite) if guarded else np.zeros((), int)


def skipped_in_a_row(opt_state: Any) -> np.ndarray:
    """How many of the last updates `skip_nonfinite` has skipped without one in between."""
    guarded = isinstance(opt_state, optax.ApplyIfFiniteState)
    return fetch(opt_state.notfinite_count) if guarded else np.zeros((), int)


def all_finite(tree: Any) -> jax.Array:
    """Whether no number in a pytree of arrays is NaN or infinite."""
    return jnp.all(jnp.array([jnp.all(jnp.isfinite(leaf)) for leaf in jax.tree.leaves(tree)]))


def holds_nonfinite(batch: Any) -> bool:
    """Whether some number in a batch of data is NaN or infinite."""
    leaves = [leaf for leaf in jax.tree.leaves(batch) if jnp.issubdtype(leaf.dtype, jnp.inexact)]
    return bool(leaves) and not bool(all_finite(leaves))


def find_operation(function: Callable[..., Any], *arguments: Any) -> str | None:
    """Runs a function one operation after the other and names the first that makes NaN, or Inf.

    Args:
        function: a function in JAX.
        arguments: with these.

    Returns:
        The operation and where it stands, or None if every result was finite.
    """
    # Infinity alone may be meant, as for a maximum over nothing, so NaN is looked for first.
    for infinite in (False, True):
        try:
            with jax.debug_nans(True), jax.debug_infs(infinite), jax.disable_jit():
                function(*arguments)
        except FloatingPointError as error:
            what = str(error).splitlines()[0].rstrip(".")
            return f"{what}{_place(error)}"
    return None


def _place(error: Exception) -> str:
    """The innermost line outside of JAX that led to an error."""
    package = os.path.dirname(jax.__file__)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith(package):
            line = f": {frame.line}" if frame.line else ""
            return f" at {frame.filename}, line {frame.lineno}, in {frame.name}{line}"
    return ""
