"""Cells as a user may write them: whatever `step` does, its derivative is that of a plain scan."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import dataclasses
import functools
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from tests.cells_under_test import random_like
from tests.running import assert_close, quick_jit

pytestmark = pytest.mark.usefixtures("x64")

Shapes = dict[str, tuple[int, ...]]

D, H, ROWS = 3, 4, 2


@dataclasses.dataclass(frozen=True)
class OwnCell(rnnjax.Cell):
    """A cell with a dictionary of parameters and a bare array or a dictionary as carry."""

    input_size: int = D

    shapes: ClassVar[Shapes] = {"w_x": (D, H), "w_h": (H, H)}

    @property
    def output_size(self) -> int:
        return H

    def init(self, key: jax.Array) -> Any:
        keys = jax.random.split(key, len(self.shapes))
        draws = zip(self.shapes.items(), keys, strict=True)
        return {name: jax.random.normal(k, shape) for (name, shape), k in draws}

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Any:
        return jnp.zeros((*batch_shape, H), dtype)

    def project(self, params: Any, x: jax.Array) -> Any:
        return x @ params["w_x"]


class OneMatrixTwice(OwnCell):
    def step(self, params, carry, z):
        h = jnp.tanh(z + carry @ params["w_h"])
        h = jnp.tanh(h @ params["w_h"])
        return h, h


class SharedWithProjection(OwnCell):
    shapes: ClassVar[Shapes] = {"w": (D, H)}

    def project(self, params, x):
        return x @ params["w"]

    def step(self, params, carry, z):
        h = jnp.tanh(z + (carry @ params["w"].T) @ params["w"])
        return h, h


class ElementwiseParameters(OwnCell):
    shapes: ClassVar[Shapes] = {"w_x": (D, H), "decay": (H,), "gain": ()}

    def step(self, params, carry, z):
        decay = jnp.broadcast_to(jax.nn.sigmoid(params["decay"]), z.shape)
        h = decay * carry + (1 - decay) * z
        return h, params["gain"] * jnp.sin(h)


class NormalisedWeights(OwnCell):
    def step(self, params, carry, z):
        w = params["w_h"] / jnp.linalg.norm(params["w_h"], axis=0, keepdims=True)
        h = jnp.tanh(z + carry @ w)
        return h, h


class BlocksOfWeights(OwnCell):
    shapes: ClassVar[Shapes] = {"w_x": (D, H), "w_h": (2, H, H)}

    def step(self, params, carry, z):
        gate, candidate = jnp.moveaxis(jnp.einsum("...h,ghk->...gk", carry, params["w_h"]), -2, 0)
        h = carry + jax.nn.sigmoid(gate) * jnp.tanh(z + candidate)
        return h, h


class ControlFlow(OwnCell):
    def step(self, params, carry, z):
        def inner(h, _):
            return jnp.tanh(z + h @ params["w_h"]), None

        h, _ = jax.lax.scan(inner, carry, None, length=2)
        h = jax.jit(lambda h: jnp.where(h > 0, h, 0.1 * h))(h)
        h = jax.lax.cond(jnp.sum(z) > 0, lambda h: h, lambda h: -h @ params["w_h"], h)
        return h, jnp.sort(h, axis=-1)


class MatrixMemory(OwnCell):
    shapes: ClassVar[Shapes] = {"w_k": (D, H), "w_v": (D, H), "w_q": (D, H), "w_h": (H, H)}

    def initial_carry(self, batch_shape=(), dtype=None):
        return {"memory": jnp.zeros((*batch_shape, H, H), dtype), "kept": jnp.zeros(batch_shape)}

    def project(self, params, x):
        return {name: x @ params[f"w_{name}"] for name in "kvq"}

    def step(self, params, carry, z):
        memory = 0.9 * carry["memory"] + z["k"][..., :, None] * z["v"][..., None, :]
        y = jnp.einsum("...k,...kv->...v", z["q"], memory @ params["w_h"])
        return {**carry, "memory": memory}, y


class OwnDerivative(OwnCell):
    def step(self, params, carry, z):
        h = jnp.tanh(z + clipped(carry @ params["w_h"]))
        return h, jax.lax.stop_gradient(h) * z


@jax.custom_vjp
def clipped(x):
    """The identity, whose gradient is clipped."""
    return x


clipped.defvjp(lambda x: (x, None), lambda _, g: (jnp.clip(g, -0.1, 0.1),))


class ForgetfulOfItsInputs(OwnCell):
    shapes: ClassVar[Shapes] = {"w_x": (D, H), "w_h": (H, H), "unused": (5,)}

    def step(self, params, carry, z):
        return jnp.tanh(carry @ params["w_h"]), carry


class ConstantOutput(OwnCell):
    def step(self, params, carry, z):
        return jnp.tanh(z + carry @ params["w_h"]), jnp.broadcast_to(params["w_h"][0], z.shape)


OWN_CELLS = [
    OneMatrixTwice(),
    SharedWithProjection(),
    ElementwiseParameters(),
    NormalisedWeights(),
    BlocksOfWeights(),
    ControlFlow(),
    MatrixMemory(),
    OwnDerivative(),
    ForgetfulOfItsInputs(),
    ConstantOutput(),
]


@pytest.mark.parametrize("cell", OWN_CELLS, ids=lambda cell: type(cell).__name__)
@pytest.mark.parametrize(
    ("steps", "reverse"), [pytest.param(5, False, marks=pytest.mark.slow), (35, True)]
)
def test_derivatives_are_those_of_a_plain_scan(cell, steps, reverse):
    rng = np.random.default_rng(3)
    params = random_like(rng, jax.eval_shape(cell.init, jax.random.key(0)), 0.5)
    carry = random_like(rng, jax.eval_shape(lambda: cell.initial_carry((ROWS,))))
    xs = rng.standard_normal((steps, ROWS, D))

    def plain(params, xs, carry):
        step = lambda carry, x: cell(params, carry, x)  # noqa: E731
        return jax.lax.scan(step, carry, xs, reverse=reverse)

    by_unroll = functools.partial(rnnjax.unroll, cell, reverse=reverse)
    cotangents = random_like(rng, jax.eval_shape(plain, params, xs, carry))

    def both(run):
        def outputs_and_gradients(*sample):
            outputs, vjp = jax.vjp(run, *sample)
            return outputs, vjp(cotangents)

        return jax.device_get(quick_jit(outputs_and_gradients)(params, xs, carry))

    (outputs, gradients), (expected_outputs, expected) = both(by_unroll), both(plain)
    assert_close(outputs, expected_outputs)
    assert_close(gradients, expected, tolerance=1e-9)
    assert any((g != 0).any() for g in jax.tree.leaves(gradients))


class Counting(OwnCell):
    """Its carry holds an integer: the number of the step."""

    def initial_carry(self, batch_shape=(), dtype=None):
        return {"h": jnp.zeros((*batch_shape, H), dtype), "t": jnp.zeros(batch_shape, jnp.int32)}

    def step(self, params, carry, z):
        active = jnp.broadcast_to(carry["t"][..., None] % 2 == 0, z.shape)
        h = jnp.where(active, jnp.tanh(z + carry["h"] @ params["w_h"]), carry["h"])
        return {"h": h, "t": carry["t"] + 1}, h


@pytest.mark.parametrize("steps", [5, 35])
def test_a_carry_may_hold_integers(steps):
    cell = Counting()
    rng = np.random.default_rng(3)
    params = random_like(rng, jax.eval_shape(cell.init, jax.random.key(0)), 0.5)
    xs = rng.standard_normal((steps, ROWS, D))
    start = jax.device_get(cell.initial_carry((ROWS,)))

    def by_unroll(params, xs):
        final, ys = rnnjax.unroll(cell, params, xs, start)
        return final["h"], ys, final["t"]

    def plain(params, xs):
        final, ys = jax.lax.scan(lambda carry, x: cell(params, carry, x), start, xs)
        return final["h"], ys, final["t"]

    results = []
    for run in (by_unroll, plain):
        *outputs, vjp, count = quick_jit_vjp(run, params, xs)
        assert (count == steps).all()
        results.append((outputs, vjp))
    assert_close(*results)


def quick_jit_vjp(run, params, xs):
    @quick_jit
    def both(params, xs):
        (h, ys), vjp, count = jax.vjp(
            lambda *a: (run(*a)[:2], run(*a)[2]), params, xs, has_aux=True
        )
        return h, ys, vjp((jnp.cos(h), jnp.sin(ys))), count

    return both(params, xs)


@pytest.mark.parametrize("dtype", [np.int32, pytest.param(np.bool_, marks=pytest.mark.slow)])
def test_inputs_may_be_integers(dtype):
    cell = rnnjax.LSTM(3, 4)
    params = random_like(
        np.random.default_rng(0), jax.eval_shape(cell.init, jax.random.key(0)), dtype=np.float64
    )
    xs = np.random.default_rng(1).integers(0, 2, (35, 2, 3)).astype(dtype)
    mask = np.random.default_rng(2).random((35, 2)) < 0.7

    @quick_jit
    def run(params, xs):
        def loss(params):
            return jnp.sum(jnp.sin(rnnjax.unroll(cell, params, xs, mask=mask)[1]))

        return jax.value_and_grad(loss)(params)

    assert_close(run(params, xs), run(params, xs.astype(np.float64)))


def test_second_derivatives_are_those_of_a_plain_scan():
    cell = rnnjax.GRU(3, 4)
    rng = np.random.default_rng(0)
    params = random_like(rng, jax.eval_shape(cell.init, jax.random.key(0)))
    xs, carry = rng.standard_normal((35, 3)), type(cell.initial_carry())(rng.standard_normal(4))

    def by_unroll(params):
        return rnnjax.unroll(cell, params, xs, carry)

    def plain(params):
        return jax.lax.scan(lambda c, x: cell(params, c, x), carry, xs)

    def curvature(run):
        def slope(params):
            grads = jax.grad(lambda p: jnp.sum(jnp.sin(run(p)[1])))(params)
            return sum(jnp.sum(jnp.cos(g)) for g in jax.tree.leaves(grads))

        return quick_jit(jax.grad(slope))(params)

    assert_close(curvature(by_unroll), curvature(plain), tolerance=1e-8)


class ClosesOverAnArray(OwnCell):
    table = np.random.default_rng(8).standard_normal((H, H))

    def step(self, params, carry, z):
        h = jnp.tanh(z + (carry @ params["w_h"]) @ self.table + self.table[0][None])
        return h, h


@pytest.mark.parametrize("steps", [pytest.param(5, marks=pytest.mark.slow), 35])
def test_a_step_may_close_over_an_array(steps):
    test_derivatives_are_those_of_a_plain_scan(ClosesOverAnArray(), steps, False)
