"""What the tests of all libraries share: samples, and the words that a library knows."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import rnnjax
from rnnjax.cells import LSTMParams
from tests.cells_under_test import random_like
from tests.interop.samples import random_params

STEPS, ROWS, INPUTS, UNITS = 5, 3, 3, 4
MASK = np.array([[1, 0, 1, 1, 0], [0, 1, 1, 0, 1], [1, 1, 1, 1, 1]], bool).T
LENGTHS = np.array([5, 2, 3])
PADDING = np.arange(STEPS)[:, None] >= LENGTHS

TORCH_WEIGHTS = {
    "weight_ih_l0": np.random.default_rng(6).standard_normal((4 * UNITS, INPUTS)).astype("f4"),
    "weight_hh_l0": np.random.default_rng(7).standard_normal((4 * UNITS, UNITS)).astype("f4"),
    "bias_ih_l0": np.random.default_rng(8).standard_normal(4 * UNITS).astype("f4"),
    "bias_hh_l0": np.random.default_rng(9).standard_normal(4 * UNITS).astype("f4"),
}
"""The weights of a ``torch.nn.LSTM`` by their names."""

KERAS_WEIGHTS = {
    "kernel": TORCH_WEIGHTS["weight_ih_l0"].T,
    "recurrent_kernel": TORCH_WEIGHTS["weight_hh_l0"].T,
    "bias": TORCH_WEIGHTS["bias_ih_l0"],
}
"""Those of a ``keras.layers.LSTM``."""

WORDS = {
    "held_mask": ("mask",),
    "empty_rows": ("mask", "len"),
    "backward_padding": ("reverse", "mask", "len"),
    "resets": ("reset",),
    "residual": ("resid", "skip"),
    "state_dropout": ("drop",),
    "update_dropout": ("drop",),
    "weight_dropout": ("drop",),
    "zoneout": ("zone",),
    "layer_norm": ("norm",),
    "peepholes": ("peep",),
    "projection": ("proj",),
    "conv_lstm": ("conv",),
    "minimal_gated_unit": ("mgu", "minimal"),
    "own_activation": ("activation", "linearity", "gate"),
    "own_initializers": ("init",),
    "penalties": ("regulari", "penalt", "constrain"),
}
"""Parts of the words that a library could not do without if it had the feature."""


def sample(layer: Any, seed: int = 0) -> tuple[Any, Any, np.ndarray, Any]:
    """A layer with random parameters, inputs ``[T, B, D]`` and carry."""
    rng = np.random.default_rng([3, seed])
    carry = random_like(rng, jax.eval_shape(lambda: layer.initial_carry((ROWS,))), 0.8)
    xs = rng.standard_normal((STEPS, ROWS, layer.input_size))
    return layer, jax.tree.map(lambda a: 0.6 * a, random_params(layer, seed)), xs, carry


def words(*things: Any) -> frozenset[str]:
    """The names of classes and functions and of all that they can be given, in lower case."""
    found: set[str] = set()
    for thing in things:
        found.add(thing.__name__)
        ways = [thing]
        if inspect.isclass(thing):
            calls = [getattr(thing, name, None) for name in ("__init__", "__call__", "call")]
            ways = [call for call in [*calls, getattr(thing, "forward", None)] if call]
        for way in ways:
            found.update(inspect.signature(way).parameters)
    return frozenset(word.lower() for word in found)


def containing(vocabulary: Iterable[str], *parts: str) -> set[str]:
    """Those words of which one of these is a part."""
    return {word for word in vocabulary if any(part in word for part in parts)}


def public_names(*modules: Any) -> set[str]:
    return {name.lower() for module in modules for name in dir(module) if name[0] != "_"}


def assert_one_mask(kept: np.ndarray, rate: float) -> None:
    """Zeros and 1 / (1 - rate), both of them."""
    np.testing.assert_allclose(np.unique(np.asarray(kept).round(5)), [0, 1 / (1 - rate)], rtol=1e-4)


def slowly_growing_memory() -> tuple[Any, np.ndarray]:
    """An LSTM whose gates are open and whose memory of 1 gains 1/1024 per step, and 64 steps.

    The sum is 1 + 64/1024, in bfloat16 it stays 1.
    """
    w_x = np.array([[0.0, 0, 1, 0]])
    b = np.array([20.0, 20, 0, 20])
    return LSTMParams(w_x, np.zeros((1, 4)), b), np.full((64, 1, 1), 1 / 1024)


def products(f: Callable[..., Any], *arguments: Any) -> set[tuple[str, str]]:
    """The types that the matrix products of a function multiply, loops included."""

    def walk(jaxpr: Any) -> Iterable[tuple[str, str]]:
        for equation in jaxpr.eqns:
            if equation.primitive.name == "dot_general":
                left, right = (str(v.aval.dtype) for v in equation.invars)
                yield left, right
            for inner in jax.tree.leaves(list(equation.params.values())):
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns"):
                    yield from walk(inner)

    return set(walk(jax.make_jaxpr(f)(*arguments).jaxpr))


def temporary_bytes(loss: Callable[..., Any], *arguments: Any) -> int:
    """What the compiled gradient by the first argument takes beside the arguments."""
    shapes = jax.tree.map(lambda a: jax.ShapeDtypeStruct(a.shape, jnp.float32), arguments)
    compiled = jax.jit(jax.grad(loss)).lower(*shapes).compile()
    analysis = compiled.memory_analysis()
    assert analysis is not None
    return analysis.temp_size_in_bytes


def tangent_of_rnnjax(layer: Any, params: Any, xs: Any, tangent: Any) -> Any:
    """The derivative of the outputs in one direction of the inputs."""

    def run(xs: Any) -> Any:
        return rnnjax.unroll(layer, params, xs, executor="scan")[1]

    return jax.jvp(run, (jnp.asarray(xs),), (jnp.asarray(tangent),))[1]
