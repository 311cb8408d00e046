"""What type the outputs and the carry have, in every precision and in every mixture of them."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax.cells import LSTMCarry, LSTMParams
from tests.cells_under_test import draw
from tests.running import unroll, unroll_last

LOW = [jnp.bfloat16, jnp.float16]


def types(tree):
    return {jnp.dtype(leaf.dtype) for leaf in jax.tree.leaves(tree)}


def cast(tree, dtype):
    return jax.tree.map(lambda a: a.astype(dtype), tree)


@pytest.mark.usefixtures("x64")
def test_one_type_in_the_same_type_out(case):
    for dtype in (*LOW, jnp.float32, jnp.float64):
        cell, *given = draw(case, dtype=dtype)
        outputs = jax.eval_shape(functools.partial(rnnjax.unroll, cell), *given[:2])
        assert types(outputs) == {jnp.dtype(dtype)}


@pytest.mark.usefixtures("x64")
def test_values_are_of_the_types_that_are_traced(typical):
    for dtype in (*LOW, jnp.float32, jnp.float64):
        sample = draw(typical, dtype=dtype)
        assert types(unroll(*sample)) == types(unroll(*sample[:3])) == {jnp.dtype(dtype)}


def test_float32_is_the_default(case):
    cell, params, xs, _ = draw(case)
    begun = jax.eval_shape(cell.init, jax.random.key(0)), cell.initial_carry()
    assert types(begun) == {jnp.dtype(jnp.float32)}
    outputs = jax.eval_shape(functools.partial(rnnjax.unroll, cell), params, xs)
    assert types(outputs) == {jnp.dtype(jnp.float32)}


@pytest.mark.parametrize("low", LOW)
def test_low_precision_is_near_float32(typical, low):
    cell, params, xs, carry = draw(typical)
    mask = np.array([[1, 1, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 1, 0, 1, 0, 1]], bool).T
    exact = unroll(cell, params, xs, carry, mask=mask)
    rough = unroll(cell, *cast((params, xs, carry), low), mask=mask)
    tolerance = 40 * float(jnp.finfo(low).eps)
    for a, b in zip(jax.tree.leaves(rough), jax.tree.leaves(exact), strict=True):
        np.testing.assert_allclose(a.astype(np.float32), b, atol=tolerance)
        assert (a.astype(np.float32) != b).any()


@pytest.mark.parametrize("low", LOW)
def test_a_float32_carry_rides_on_low_precision(typical, low):
    cell, params, xs, carry = draw(typical)
    low_params, low_xs = cast((params, xs), low)
    for run in (unroll, unroll_last):
        final, ys = run(cell, low_params, low_xs, carry)
        assert types(final) == {jnp.dtype(jnp.float32)}
        assert types(ys) == {jnp.dtype(low)}
    exact, _ = unroll(cell, params, xs, carry)
    tolerance = 40 * float(jnp.finfo(low).eps)
    for a, b in zip(jax.tree.leaves(final), jax.tree.leaves(exact), strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance)


@pytest.mark.parametrize(
    ("carry_dtype", "memory"), [(jnp.float32, 1 + 64 / 1024), (jnp.bfloat16, 1.0)]
)
def test_a_memory_adds_up_in_the_type_of_its_carry(carry_dtype, memory):
    # Every step adds 1/1024 to a memory of 1, which bfloat16 rounds off again.
    cell = rnnjax.LSTM(1, 1, activation="linear", recurrent_activation="linear")
    params = LSTMParams(
        w_x=np.array([[0, 0, 1, 0]]), w_h=np.zeros((1, 4)), b=np.array([1, 1, 0, 1])
    )
    xs = np.full((64, 1), 1 / 1024)
    carry = LSTMCarry(h=np.zeros(1), c=np.ones(1))
    final, _ = unroll(cell, *cast((params, xs), jnp.bfloat16), cast(carry, carry_dtype))
    assert final.c == memory


B16, F32, F64 = jnp.bfloat16, jnp.float32, jnp.float64


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize(
    "mixtures",
    [
        [(B16, F32, F64), (F32, F64, B16), (F64, B16, F32)],
        pytest.param([*itertools.product([B16, F32, F64], repeat=3)], marks=pytest.mark.slow),
    ],
    ids=["three different ones", "all"],
)
def test_the_carry_keeps_its_type_in_every_mixture(case, mixtures):
    flags = np.array([1, 0, 1, 1, 0, 1], bool)
    cell, *arguments = draw(case)
    for types_given in mixtures:
        params, xs, carry = map(cast, arguments, types_given)
        run = functools.partial(rnnjax.unroll, cell, mask=flags, resets=flags)
        final, ys = jax.eval_shape(run, params, xs, carry)
        of_params, of_xs, of_carry = types_given
        assert types(final) == {jnp.dtype(of_carry)}
        assert types(ys) == {jnp.promote_types(of_params, of_xs)}


@dataclasses.dataclass(frozen=True)
class Adding(rnnjax.Cell):
    """Adds its parameters to its inputs, in one of the ways in which a cell may use them."""

    where: str
    input_size: int = 1
    output_size: int = 1

    def init(self, key):
        return {"b": jnp.zeros(1), "w": jnp.zeros((1, 1))}

    def initial_carry(self, batch_shape=(), dtype=None):
        return jnp.zeros((*batch_shape, 1), dtype)

    def project(self, params, x):
        if self.where == "projection":
            return x @ params["w"] + jnp.broadcast_to(params["b"], x.shape)
        return x

    def step(self, params, carry, z):
        if self.where == "step":
            z = z + carry @ params["w"] + jnp.broadcast_to(params["b"], z.shape)
        elif self.where == "on the left":
            z = z + (params["w"] @ carry[..., None])[..., 0]
        elif self.where == "hoisted":
            z = z + jnp.broadcast_to(2 * params["b"] * params["w"][0] - params["b"], z.shape)
        return carry, z


def gradients_of_ones(where, low, shape, executor="chunked"):
    """Of a sum to which each entry of a parameter contributes as many ones as the shape has."""
    params = cast({"b": np.zeros(1), "w": np.zeros((1, 1))}, low)
    ones = jnp.ones((*shape, 1), low)

    def total(params):
        ys = rnnjax.unroll(Adding(where), params, ones, ones[0], executor=executor)[1]
        return ys.astype(jnp.float32).sum()

    return jax.tree.leaves(jax.jit(jax.grad(total))(params))


@pytest.mark.parametrize("low", LOW)
@pytest.mark.parametrize("where", ["projection", "step", "hoisted"])
@pytest.mark.parametrize("executor", ["chunked", "scan"])
def test_gradients_are_summed_in_float32(low, where, executor):
    # Ones added up in bfloat16 come to 256, in float16 to 2,048.
    for gradient in gradients_of_ones(where, low, (8192,), executor):
        assert gradient.dtype == low
        assert abs(float(gradient.sum())) in (0 if where == "hoisted" else 8192, 8192)


@pytest.mark.parametrize("low", LOW)
@pytest.mark.parametrize("where", ["projection", "step", "hoisted", "on the left"])
def test_so_are_those_of_many_rows(low, where):
    # In bfloat16 the sum over the rows of one step would be 276.
    rounded = float(jnp.asarray(41 * 275, low))
    for gradient in gradients_of_ones(where, low, (41, 275)):
        assert abs(float(gradient.sum())) in (
            (0, rounded) if where in ("on the left", "hoisted") else (rounded,)
        )
