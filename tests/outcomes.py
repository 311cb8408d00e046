"""Everything that a run of six steps over three rows gives, of any cell.

Each cell is compiled a few times only, always for the same shapes and with flags: a shorter
sequence, or a part of one, is one whose other steps are masked.
"""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import rnnjax
from tests.cells_under_test import random_like
from tests.flagged import ROWS, STEPS
from tests.running import dot, quick_jit

EVERY = np.ones((STEPS, ROWS), bool)
NONE = np.zeros((STEPS, ROWS), bool)


class Outcome(NamedTuple):
    """What a run gives; `outputs` is what `rnnjax.unroll` returns."""

    outputs: tuple[Any, np.ndarray]
    last: np.ndarray
    gradients: Any
    """Of the outputs times the cotangents, by params, xs and carry; of forward runs only."""


def _is_count(array: Any) -> bool:
    return np.issubdtype(array.dtype, np.integer)


@quick_jit
def _ahead(cotangents, cell, params, xs, carry, mask, resets):
    flags = {"mask": mask, "resets": resets}
    run = functools.partial(rnnjax.unroll, cell, **flags)
    outputs, vjp = jax.vjp(run, params, xs, carry)
    _, last = rnnjax.unroll_last(cell, params, xs, carry, **flags)

    def of_floats(weight, output):
        return np.zeros(output.shape, jax.dtypes.float0) if _is_count(output) else weight

    def as_floats(gradient, given):
        return jnp.zeros(given.shape) if _is_count(given) else gradient

    gradients = vjp(jax.tree.map(of_floats, cotangents, outputs))
    return Outcome(outputs, last, jax.tree.map(as_floats, gradients, (params, xs, carry)))


@quick_jit
def _backwards(cell, params, xs, carry, mask, resets):
    flags = {"mask": mask, "resets": resets, "reverse": True}
    outputs = rnnjax.unroll(cell, params, xs, carry, **flags)
    return Outcome(outputs, rnnjax.unroll_last(cell, params, xs, carry, **flags)[1], None)


def run(sample, mask=EVERY, resets=NONE, *, reverse=False, cotangents=None) -> Outcome:
    """Everything that a run of six steps over three rows gives."""
    if reverse:
        return jax.device_get(_backwards(*sample, mask, resets))
    if cotangents is None:
        cotangents = nothing(sample)
    return jax.device_get(_ahead(cotangents, *sample, mask, resets))


def nothing(sample):
    """Outputs of zeros."""
    zeros = jax.tree.map(lambda own: np.zeros(own.shape), sample.carry)
    return zeros, np.zeros((STEPS, ROWS, *sample.cell.output_shape))


def weights_of(sample):
    """Random cotangents for all outputs, 0 for what is no float."""
    carry, ys = random_like(np.random.default_rng(1), nothing(sample))
    floats = (np.where(_is_count(own), 0, w) for own, w in zip(
        jax.tree.leaves(sample.carry), jax.tree.leaves(carry), strict=True
    ))  # fmt: skip
    return jax.tree.unflatten(jax.tree.structure(carry), floats), ys


def first_of(sample):
    """The carry that a run begins with if none is given."""
    return jax.device_get(sample.cell.first_carry(sample.params, (ROWS,)))


def moved(sample, directions, distance):
    """The sample with its parameters, inputs and carry moved along directions, None for still."""

    def along(own, direction):
        return own if direction is None or _is_count(own) else own + distance * direction

    leaves, structure = jax.tree.flatten(tuple(sample[1:]))
    leaves = [along(*each) for each in zip(leaves, directions, strict=True)]
    return type(sample)(sample.cell, *jax.tree.unflatten(structure, leaves))


def slope(sample, directions, cotangents, mask=EVERY, resets=NONE, distance=1e-5) -> float:
    """The derivative of the weighted outputs along directions, by differences."""
    ahead, behind = (
        dot(cotangents, run(moved(sample, directions, d), mask, resets).outputs)
        for d in (distance, -distance)
    )
    return (ahead - behind) / (2 * distance)
