"""How the steps of a run are taken: one function each, with the same values and gradients."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import jax
from jax import lax

from rnnjax.recurrence import Project, Step, over_chunks, recur

Execute = Callable[..., tuple[Any, Any]]
"""``execute(project, step, reverse, guarded, constants, carry, xs, flags)``, as `recur`."""

CHUNK = 16
"""Steps per chunk: few enough that what a chunk keeps stays in a core's cache."""


def _scan(
    project: Project,
    step: Step,
    reverse: bool,
    guarded: int | None,
    constants: Any,
    carry: Any,
    xs: Any,
    flags: Any,
) -> tuple[Any, Any]:
    """The plain executor, for every kind of derivative: `jax.lax.scan` over the steps."""
    del guarded
    inputs = project(constants, xs, flags)
    return lax.scan(functools.partial(step, constants), carry, inputs, reverse=reverse)


def _recur(
    project: Project,
    step: Step,
    reverse: bool,
    guarded: int | None,
    constants: Any,
    carry: Any,
    xs: Any,
    flags: Any,
) -> tuple[Any, Any]:
    """The fast executor: chunks of steps, and a backward pass of its own."""
    num_steps = jax.tree.leaves(xs)[0].shape[0]
    if not isinstance(num_steps, int):
        # A symbol of `jax.export`: how many chunks there are has to be a number.
        return _scan(project, step, reverse, guarded, constants, carry, xs, flags)
    # Short sequences are one chunk: there is nothing to gain that is worth compiling twice.
    chunk = num_steps if num_steps <= 2 * CHUNK else CHUNK
    return recur(project, step, reverse, chunk, guarded, constants, carry, xs, flags)


EXECUTORS: MappingProxyType[str, Execute] = MappingProxyType({"scan": _scan, "chunked": _recur})
"""How the steps are taken; the same values and gradients up to rounding."""


def rematerialised(
    execute: Execute,
    chunk: int,
    project: Project,
    step: Step,
    reverse: bool,
    guarded: int | None,
    constants: Any,
    carry: Any,
    xs: Any,
    flags: Any,
) -> tuple[Any, Any]:
    """Runs chunks of steps of which the backward pass keeps nothing but the carry before them."""

    @jax.checkpoint
    def take_chunk(carry: Any, chunk_of: Any) -> Any:
        return execute(project, step, reverse, guarded, constants, carry, *chunk_of)

    return over_chunks(take_chunk, carry, (xs, flags), chunk, reverse)
