"""What `jax.lax.scan` can differentiate, the chunked executor can: whatever a step contains."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import rnnjax
from tests.running import assert_close, quick_jit
from tests.slow import slow_but

pytestmark = pytest.mark.usefixtures("x64", "broadcasting")

D, H, ROWS = 3, 4, 2

Step = Callable[[Any, Any, Any], tuple[Any, Any]]


@dataclasses.dataclass(frozen=True)
class Given(rnnjax.Cell):
    """A cell with the given step; its parameters are a matrix for inputs and one for the state."""

    taken: Step
    extra: Callable[[tuple[int, ...]], Any] | None = None
    """A further part of the carry for a batch of this shape; the carry is then (h, part)."""
    dtype: Any = np.float64
    has_integers: bool = False
    input_size: int = D
    output_size: int = H

    def init(self, key: jax.Array) -> Any:
        params = {"w_x": jnp.ones((D, H), self.dtype), "w_h": jnp.ones((H, H), self.dtype)}
        return params | ({"places": jnp.arange(H)[::-1]} if self.has_integers else {})

    def initial_carry(self, batch_shape: tuple[int, ...] = (), dtype: Any = None) -> Any:
        h = jnp.zeros((*batch_shape, H), self.dtype)
        return h if self.extra is None else (h, self.extra(batch_shape))

    def project(self, params: Any, x: jax.Array) -> Any:
        return x @ params["w_x"]

    def step(self, params: Any, carry: Any, z: Any) -> tuple[Any, jax.Array]:
        return self.taken(params, carry, z)


def of_state(update: Callable[[Any, Any, Any], Any]) -> Step:
    """A step whose carry and output are ``update(w_h, h, z)``."""

    def step(params: Any, h: Any, z: Any) -> tuple[Any, Any]:
        h = update(params["w_h"], h, z)
        return h, h

    return step


def counting(params, carry, z):
    h, t = carry
    h = jnp.tanh(z + h @ params["w_h"]) * (1 + t[..., None] % 3) / 4
    return (h, t + 1), h


def once_started(params, carry, z):
    h, started = carry
    h = jnp.where(started[..., None], jnp.tanh(z + h @ params["w_h"]), z)
    return (h, started | (z[..., 0] > 0)), h


def drawing(params, carry, z):
    h, keys = carry
    keys, now = jnp.moveaxis(jax.vmap(lambda k: jax.random.split(k, 2))(keys), 1, 0)
    noise = jax.vmap(lambda k: jax.random.normal(k, (H,)))(now)
    h = jnp.tanh(z + (h * noise) @ params["w_h"])
    return (h, keys), h


def choosing(params, carry, z):
    h, t = carry
    branches = [jnp.tanh, jnp.sin, lambda x: x / (1 + x**2)]
    h = lax.switch(t[0] % 3, branches, z + h @ params["w_h"])
    return (h, t + 1), h


def permuting(params, h, z):
    h = jnp.tanh(z + h[..., params["places"]] @ params["w_h"])
    return h, h


def ranking(params, h, z):
    top, places = lax.top_k(jnp.tanh(z + h @ params["w_h"]), 2)
    h = jnp.zeros_like(h) + jnp.put_along_axis(h, places, top, axis=-1, inplace=False)
    return h, h


def symbols(params, h, z):
    h = jnp.tanh(z + h @ params["w_h"])
    return h, jnp.argmax(h, axis=-1, keepdims=True)


def printing(params, h, z):
    h = jnp.tanh(z + h @ params["w_h"])
    jax.debug.callback(lambda h: None, h)
    return h, h


@jax.custom_jvp
def own_tangent(x):
    return jnp.sin(x)


own_tangent.defjvp(lambda x, t: (jnp.sin(x[0]), t[0] * jnp.cos(x[0]) * 0.5))


def solved(w, h, z):
    return jnp.tanh(z + jnp.linalg.solve(w + 3 * jnp.eye(H), h[..., None])[..., 0])


def inverted(w, h, z):
    return z + jnp.tanh(h) @ jnp.linalg.inv(w + 3 * jnp.eye(H))


def rotated(w, h, z):
    orthogonal, _ = jnp.linalg.qr(w + 2 * jnp.eye(H))
    return jnp.tanh(z + h @ orthogonal)


def spectral(w, h, z):
    return z + jnp.fft.ifft(jnp.fft.fft(jnp.tanh(h)) * jnp.exp(1j * w[0])).real


def nested(w, h, z):
    h, _ = lax.scan(lambda h, _: (jnp.tanh(z + h @ w), None), h, None, length=2)
    return lax.fori_loop(0, 2, lambda _, h: jnp.sin(h), h)


COUNTS = np.arange(H * H).reshape(H, H) % 3


def searched(w, h, z):
    h = jnp.tanh(z + h @ w)
    halvings = lax.while_loop(lambda n: n < 2, lambda n: n + 1, 0)
    return h / 2.0**halvings


@pytest.fixture
def broadcasting():
    """Users write their steps with broadcasting."""
    with jax.numpy_rank_promotion("allow"):
        yield


STEPS: dict[str, Given] = {
    "an integer counter": Given(counting, lambda b: jnp.zeros(b, jnp.int32)),
    "a flag": Given(once_started, lambda b: jnp.zeros(b, bool)),
    "random keys": Given(drawing, lambda b: jax.random.split(jax.random.key(0), b)),
    "a branch by a counter": Given(choosing, lambda b: jnp.zeros(b, jnp.int8)),
    "integer parameters": Given(permuting, has_integers=True),
    "the largest": Given(ranking),
    "outputs without derivative": Given(symbols),
    "a callback": Given(printing),
    "a rule of its own": Given(of_state(lambda w, h, z: own_tangent(z + h @ w))),
    "rematerialised": Given(of_state(jax.checkpoint(lambda w, h, z: jnp.tanh(z + h @ w)))),
    "a solution": Given(of_state(solved)),
    "an inverse": Given(
        of_state(lambda w, h, z: z + jnp.tanh(h) @ jnp.linalg.inv(w + 3 * jnp.eye(H)))
    ),
    "a factorisation": Given(of_state(rotated)),
    "a matrix exponential": Given(
        of_state(lambda w, h, z: jnp.tanh(z + h @ jax.scipy.linalg.expm(w - w.T)))
    ),
    "a determinant": Given(of_state(lambda w, h, z: jnp.tanh(z + h) * jnp.linalg.slogdet(w)[1])),
    "a Fourier transform": Given(of_state(spectral)),
    "loops": Given(of_state(nested)),
    "a loop of unknown length": Given(of_state(searched)),
    "a convolution": Given(
        of_state(lambda w, h, z: jnp.tanh(z + jax.vmap(lambda h: jnp.convolve(h, w[0], "same"))(h)))
    ),
    "a prefix": Given(
        of_state(lambda w, h, z: jnp.tanh(z + lax.associative_scan(jnp.add, h @ w, axis=-1)))
    ),
    "two matrices": Given(of_state(lambda w, h, z: jnp.tanh(z + h @ (w @ w.T)))),
    "a matrix on the left": Given(
        of_state(lambda w, h, z: jnp.tanh(z + (w @ h[..., None])[..., 0]))
    ),
    "a matrix turned round": Given(
        of_state(lambda w, h, z: jnp.tanh(z + jnp.einsum("bh,kh->bk", h, w)))
    ),
    "a product of integers": Given(
        of_state(lambda w, h, z: jnp.tanh(z + h @ w) / (1 + (h > 0).astype(int) @ COUNTS))
    ),
    "complex numbers": Given(
        of_state(lambda w, h, z: z + jnp.tanh(h @ w / 4)), dtype=np.complex128
    ),
    "a complex exponential": Given(
        of_state(lambda w, h, z: z / 2 + jnp.exp(-jnp.abs(h)) * jnp.exp(1j * w[0]) @ w / 4),
        dtype=np.complex128,
    ),
    "a complex gate": Given(
        of_state(lambda w, h, z: z / 2 + jax.nn.sigmoid(h.real) * (h @ w / 4).conj()),
        dtype=np.complex128,
    ),
}


def sample(cell: Given, steps: int) -> tuple[Any, Any, Any]:
    """Parameters, inputs and a first carry."""
    rng = np.random.default_rng(4)

    def draw(a: Any) -> Any:
        if not jnp.issubdtype(a.dtype, jnp.inexact):
            return a
        drawn = rng.standard_normal(a.shape) / 2
        if jnp.issubdtype(a.dtype, jnp.complexfloating):
            drawn = drawn + 1j * rng.standard_normal(a.shape) / 2
        return jnp.asarray(drawn, a.dtype)

    params = jax.tree.map(draw, cell.init(jax.random.key(0)))
    carry = jax.tree.map(draw, cell.initial_carry((ROWS,)))
    return params, draw(np.zeros((steps, ROWS, D), cell.dtype)), carry


def gradients(cell: Given, executor: str, steps: int, **options: Any) -> Any:
    """Of a function of all outputs and the final carry, by what has a derivative."""
    arguments, structure = jax.tree.flatten(sample(cell, steps))
    places = [i for i, a in enumerate(arguments) if jnp.issubdtype(a.dtype, jnp.inexact)]

    @quick_jit
    def pull(floats: Any) -> Any:
        def loss(floats: Any) -> Any:
            leaves = list(arguments)
            for i, a in zip(places, floats, strict=True):
                leaves[i] = a
            params, xs, carry = structure.unflatten(leaves)
            results = rnnjax.unroll(cell, params, xs, carry, executor=executor, **options)
            values = [a for a in jax.tree.leaves(results) if jnp.issubdtype(a.dtype, jnp.inexact)]
            return sum(jnp.sum(jnp.sin(a.real) + jnp.cos(2 * a.imag)) for a in values)

        return jax.value_and_grad(loss)(floats)

    return pull([arguments[i] for i in places])


ALIKE = {
    "a convolution",
    "a determinant",
    "a factorisation",
    "a matrix exponential",
    "a prefix",
    "an inverse",
}
"""They ask of the engine what others ask, too, and are left to the slow tests."""


@pytest.mark.parametrize("name", slow_but(STEPS.keys() - ALIKE, STEPS))
@pytest.mark.parametrize(
    "steps", [36, pytest.param(35, marks=pytest.mark.slow)], ids=["whole chunks", "and a rest"]
)
def test_gradients_are_those_of_a_plain_scan(name, steps):
    resets = np.zeros((steps, ROWS), bool)
    resets[[7, 20], [0, 1]] = True
    mask = np.random.default_rng(1).random((steps, ROWS)) < 0.8
    options = {"mask": mask, "resets": resets, "reverse": True}
    value, found = gradients(STEPS[name], "chunked", steps, **options)
    expected_value, expected = gradients(STEPS[name], "scan", steps, **options)
    assert_close(value, expected_value)
    as_real = lambda a: jnp.stack([a.real, a.imag])  # noqa: E731
    assert_close([as_real(g) for g in found], [as_real(g) for g in expected], tolerance=1e-9)
    assert any((g != 0).any() for g in found)
