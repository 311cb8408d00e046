"""What the tests do with a cell: run it under `jit`, pull gradients back, compare trees."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import rnnjax


def _known(options: dict[str, Any]) -> dict[str, Any]:
    """Those compiler options that the installed jaxlib has; they come and go."""

    def is_known(name: str) -> bool:
        try:
            jax.jit(lambda: 0, compiler_options={name: options[name]})()
        except jax.errors.JaxRuntimeError:
            return False
        return True

    return {name: value for name, value in options.items() if is_known(name)}


quick_jit = functools.partial(
    jax.jit,
    compiler_options=_known(
        {
            "xla_backend_optimization_level": 0,
            "xla_llvm_disable_expensive_passes": True,
            "xla_cpu_use_fusion_emitters": False,
            "xla_cpu_parallel_codegen_split_count": 1,
        }
    ),
)
"""`jax.jit` for programs that run for a millisecond and would be compiled for a second."""

_init = quick_jit(lambda cell, key: cell.init(key))
_unroll = quick_jit(rnnjax.unroll, static_argnames="reverse")
_unroll_last = quick_jit(rnnjax.unroll_last, static_argnames="reverse")


def init(cell: rnnjax.Layer, key: jax.Array) -> Any:
    """The cell's initial parameters as NumPy arrays."""
    return jax.device_get(_init(cell, key))


def unroll(*sample: Any, **options: Any) -> tuple[Any, np.ndarray]:
    """`rnnjax.unroll` compiled, its results as NumPy arrays."""
    return jax.device_get(_unroll(*sample, **options))


def unroll_last(*sample: Any, **options: Any) -> tuple[Any, np.ndarray]:
    """`rnnjax.unroll_last` likewise."""
    return jax.device_get(_unroll_last(*sample, **options))


@functools.partial(quick_jit, static_argnames=("reverse", "last"))
def _pull_back(
    cotangents: Any,
    cell: rnnjax.Layer,
    params: Any,
    xs: Any,
    carry: Any,
    *,
    last: bool = False,
    reverse: bool = False,
    **flags: Any,
) -> Any:
    run = rnnjax.unroll_last if last else rnnjax.unroll

    def outputs(params: Any, xs: Any, carry: Any) -> Any:
        return run(cell, params, xs, carry, reverse=reverse, **flags)

    return jax.vjp(outputs, params, xs, carry)[1](cotangents)


def pull_back(cotangents: Any, *sample: Any, **options: Any) -> Any:
    """Gradients of ``sum(cotangents * outputs)`` by params, xs and carry.

    The outputs are those of `unroll`, or with ``last=True`` those of `unroll_last`.
    """
    return jax.device_get(_pull_back(cotangents, *sample, **options))


def loop(cell: rnnjax.Cell, params: Any, xs: jax.Array, carry: Any) -> tuple[Any, jax.Array]:
    """A Python loop over the cell, one call per step."""
    ys = []
    for x in xs:
        carry, y = cell(params, carry, x)
        ys.append(y)
    return carry, jnp.stack(ys)


def dot(left: Any, right: Any) -> float:
    """The sum of all products of two trees."""
    return sum(jax.tree.leaves(jax.tree.map(lambda a, b: np.vdot(a, b), left, right)))


def assert_close(actual: Any, expected: Any, *, tolerance: float = 1e-10) -> None:
    """Two trees of one structure, of equal shapes and of entries that differ by no more.

    The tolerance is absolute for small entries and relative for large ones. NaN equals nothing.
    """
    assert jax.tree.structure(actual) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(actual), jax.tree.leaves(expected), strict=True):
        a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=False)
