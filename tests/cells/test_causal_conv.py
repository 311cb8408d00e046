"""A causal convolution and a window of inputs, as layers that can be stepped."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax import Stack
from rnnjax.cells.causal_conv import CausalConv
from rnnjax.cells.linear.qrnn import QRNN
from rnnjax.cells.linear.tgru import TGRU
from rnnjax.cells.linear.tlstm import TLSTM
from rnnjax.cells.window import Window
from tests.flagged import MASK, POISON, RESETS, ROWS, STEPS, directions
from tests.running import assert_close, init, loop, quick_jit, unroll

D, K = 3, 4
CELLS = {
    "depthwise": CausalConv(D, K),
    "dense": CausalConv(D, K, num_outputs=5),
    "silu": CausalConv(D, K, activation="silu", use_bias=False),
    "window": Window(D, K),
}


def sample(cell):
    rng = np.random.default_rng(2)
    shapes = jax.eval_shape(cell.init, jax.random.key(0))
    params = jax.tree.map(lambda a: rng.normal(size=a.shape), shapes)
    carry = jax.tree.map(lambda a: rng.normal(size=a.shape), cell.initial_carry((ROWS,)))
    return cell, params, rng.normal(size=(STEPS, ROWS, D)), carry


def of_last(cell, params, last):
    """The output of the last inputs, the latest last."""
    if isinstance(cell, Window):
        return np.concatenate(last[::-1])
    if cell.num_outputs is not None:
        y = sum(x @ w for x, w in zip(last, params.w, strict=True))
    else:
        y = sum(x * w for x, w in zip(last, params.w, strict=True))
    y = y if params.b is None else y + params.b
    return y / (1 + np.exp(-y)) if cell.activation == "silu" else y


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
@directions
@pytest.mark.usefixtures("x64")
def test_it_reads_the_last_inputs_that_no_mask_hides(cell, reverse):
    cell, params, xs, carry = sample(cell)
    poisoned = np.where(MASK[..., None], xs, POISON)
    found, ys = unroll(cell, params, poisoned, carry, mask=MASK, resets=RESETS, reverse=reverse)
    latest_first = isinstance(cell, Window)
    for i in range(ROWS):
        read = list(carry.x[i].reshape(K - 1, D)[:: -1 if latest_first else 1])
        for t in range(STEPS)[:: -1 if reverse else 1]:
            read = [np.zeros(D)] * (K - 1) if RESETS[t, i] else read
            expected = np.zeros(cell.output_size)
            if MASK[t, i]:
                expected = of_last(cell, params, [*read, xs[t, i]])
                read = [*read[1:], xs[t, i]]
            np.testing.assert_allclose(ys[t, i], expected, atol=1e-12)
        kept = np.array(read[:: -1 if latest_first else 1])
        np.testing.assert_allclose(found.x[i].reshape(kept.shape), kept, atol=1e-12)


@pytest.mark.parametrize("name", ["depthwise", "dense"])
@pytest.mark.usefixtures("x64")
def test_from_nothing_it_is_a_convolution_with_zeros_in_front(name):
    cell, params, xs, _ = sample(CELLS[name])
    ys = unroll(cell, params, xs)[1] - params.b
    kernel = params.w if name == "dense" else params.w[:, None]
    expected = jax.lax.conv_general_dilated(
        jnp.asarray(xs).swapaxes(0, 1), kernel, (1,), [(K - 1, 0)],
        dimension_numbers=("NWC", "WIO", "NWC"),
        feature_group_count=1 if name == "dense" else D,
    )  # fmt: skip
    np.testing.assert_allclose(ys, expected.swapaxes(0, 1), atol=1e-12)


@pytest.mark.parametrize("cell", [CELLS["dense"], CELLS["window"]], ids=["dense", "window"])
@pytest.mark.usefixtures("x64")
def test_it_can_be_stepped(cell):
    sampled = sample(cell)
    assert_close(loop(*sampled), unroll(*sampled))


def test_a_carry_keeps_its_type_on_halves():
    def halves(cell):
        params = cell.init(jax.random.key(0))
        half = jax.tree.map(lambda a: a.astype(jnp.bfloat16), params)
        return cell(half, cell.initial_carry((ROWS,)), jnp.ones((ROWS, D), jnp.bfloat16))

    for cell in CELLS.values():
        carry, y = jax.eval_shape(functools.partial(halves, cell))
        assert carry.x.dtype == jnp.float32
        assert y.dtype == jnp.bfloat16


def test_initial_kernels_are_those_of_torch():
    for cell, bound in ((CausalConv(500, 4), 0.5), (CausalConv(100, 4, num_outputs=30), 0.05)):
        params = init(cell, jax.random.key(0))
        for values in params:
            assert 0.85 * bound < np.abs(values).max() <= bound


@pytest.mark.parametrize("cell", [QRNN(2 * D, 4), TGRU(2 * D, 4), TLSTM(2 * D, 4)])
@pytest.mark.usefixtures("x64")
def test_over_a_window_cells_are_those_of_their_papers(cell):
    layer, params, xs, _ = sample(Stack((Window(D, 2), cell)))
    ys = quick_jit(lambda *given: rnnjax.unroll(layer, *given)[1])(params, xs)
    _, (w, b) = params
    before, s = np.zeros((ROWS, D)), np.zeros((ROWS, 4))
    for x, y in zip(xs, ys, strict=True):
        z, f, o = np.split(x @ w[:D] + before @ w[D:] + b, 3, axis=-1)
        f = 1 / (1 + np.exp(-f))
        if isinstance(cell, QRNN):
            z, o = np.tanh(z), 1 / (1 + np.exp(-o))
        else:
            o = np.tanh(o)
        s = f * s + (z * o if isinstance(cell, TGRU) else (1 - f) * z)
        np.testing.assert_allclose(y, s if isinstance(cell, TGRU) else s * o, atol=1e-12)
        before = x


@pytest.mark.parametrize("kind", [CausalConv, Window])
def test_a_window_of_one_is_none(kind):
    with pytest.raises(ValueError, match="at least 2"):
        kind(3, 1)
