"""Every cell lowers for the platforms that JAX knows, whichever one the tests run on."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import jax.export
import numpy as np
import pytest

import rnnjax
from tests.cells_under_test import draw, random_like
from tests.running import assert_close, pull_back, unroll

PLATFORMS = ["cpu", "cuda", "tpu"]
MASK = np.array([[1, 1, 0], [1, 1, 1], [1, 0, 1], [0, 1, 1]], bool)


def export(function, *arguments):
    """Lowers for all platforms, writes and reads the bytes, and runs what was read."""
    exported = jax.export.export(jax.jit(function), platforms=PLATFORMS)(*arguments)
    restored = jax.export.deserialize(exported.serialize())
    assert list(restored.platforms) == PLATFORMS
    return restored.call(*arguments)


def test_every_cell_and_its_gradients_lower_for_every_platform(case):
    cell, *arguments = draw(case, steps=4)

    def both(cotangents, params, xs, carry):
        outputs, vjp = jax.vjp(lambda *a: rnnjax.unroll(cell, *a), params, xs, carry)
        return jax.tree.leaves((outputs, vjp(cotangents)))

    outputs = jax.eval_shape(lambda *a: rnnjax.unroll(cell, *a), *arguments)
    exported = jax.export.export(jax.jit(both), platforms=PLATFORMS)(outputs, *arguments)
    assert list(exported.platforms) == PLATFORMS
    assert len(exported.out_avals) == len(jax.tree.leaves((outputs, arguments)))


@pytest.mark.parametrize("reverse", [False, True])
def test_outputs_come_back_the_same_from_an_export(typical, reverse):
    cell, *arguments = draw(typical, steps=4)
    leaves, structure = jax.tree.flatten(arguments)

    def outputs(*leaves):
        arguments = jax.tree.unflatten(structure, leaves)
        return jax.tree.leaves(rnnjax.unroll(cell, *arguments, mask=MASK, reverse=reverse))

    expected = unroll(cell, *arguments, mask=MASK, reverse=reverse)
    assert_close(export(outputs, *leaves), jax.tree.leaves(expected), tolerance=1e-5)


def test_gradients_come_back_the_same_from_an_export(typical):
    cell, *arguments = draw(typical, steps=4)
    cotangents = random_like(np.random.default_rng(1), unroll(cell, *arguments))
    leaves, structure = jax.tree.flatten(arguments)

    def gradients(*leaves):
        arguments = jax.tree.unflatten(structure, leaves)
        _, vjp = jax.vjp(lambda *a: rnnjax.unroll(cell, *a), *arguments)
        return jax.tree.leaves(vjp(cotangents))

    expected = pull_back(cotangents, cell, *arguments)
    assert_close(export(gradients, *leaves), jax.tree.leaves(expected), tolerance=1e-4)
