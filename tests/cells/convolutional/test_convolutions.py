"""Convolutional cells: what they equal, what they begin with, and what shapes they take."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax import (
    GRU,
    LSTM,
    Bidirectional,
    ConvGRU,
    ConvLSTM,
    ConvRNN,
    ConvSTAR,
    OneHot,
    PeepholeLSTM,
    Residual,
    Reversed,
    SimpleRNN,
    Stack,
    Zoneout,
)
from rnnjax.cells.peephole_lstm import PeepholeLSTMParams
from rnnjax.cells.simple_rnn import SimpleRNNParams
from tests.cells_under_test import random_like
from tests.flagged import MASK, RESETS, ROWS, STEPS, where_rows
from tests.running import assert_close, init, quick_jit, unroll, unroll_last

# The equations are asked each time, by tests/cells/test_catalogue.py.
pytestmark = [pytest.mark.usefixtures("x64"), pytest.mark.slow]

KEY = jax.random.key(0)
PIXEL = (3, 4, (1, 1), (1, 1))


def drawn(cell, rows=(2,), steps=3):
    rng = np.random.default_rng(4)
    params = random_like(rng, jax.eval_shape(cell.init, KEY), 0.6)
    carry = random_like(rng, jax.eval_shape(lambda: cell.initial_carry(rows)), 0.8)
    return cell, params, rng.standard_normal((steps, *rows, *cell.input_shape)), carry


def flat(tree):
    """Without the axes of space, which have one pixel."""
    return jax.tree.map(lambda a: a.reshape(*a.shape[:-3], a.shape[-1]), tree)


def turned(a, gate=1, size=4):
    """With the signs of one gate's parameters turned."""
    signs = np.ones(a.shape[-1])
    signs[gate * size : (gate + 1) * size] = -1
    return a * signs


def dense_rnn(p):
    return SimpleRNNParams(p.w_x, p.w_h, p.b)


def dense_peephole_lstm(p):
    return PeepholeLSTMParams(p.w_x, p.w_h, p.p_i, p.p_f, p.p_o, p.b)


def dense_lstm(p):
    return jax.eval_shape(LSTM(3, 4).init, KEY)._replace(w_x=p.w_x, w_h=p.w_h, b=p.b)


def dense_gru(p):
    like = jax.eval_shape(GRU(3, 4, reset_after=False).init, KEY)
    return like._replace(w_x=turned(p.w_x), w_h=turned(p.w_h), b=turned(p.b))


@pytest.mark.parametrize(
    ("cell", "dense", "params_of"),
    [
        (ConvRNN(*PIXEL), SimpleRNN(3, 4), dense_rnn),
        (ConvLSTM(*PIXEL), PeepholeLSTM(3, 4), dense_peephole_lstm),
        (ConvLSTM(*PIXEL, use_peepholes=False), LSTM(3, 4), dense_lstm),
        (ConvGRU(*PIXEL), GRU(3, 4, reset_after=False), dense_gru),
    ],
    ids=["rnn", "peephole_lstm", "lstm", "gru"],
)
def test_one_pixel_is_the_dense_cell(cell, dense, params_of):
    _, params, xs, carry = drawn(cell)
    vectors = jax.tree.map(lambda a: a.reshape(a.shape[2:]) if a.ndim > 1 else a, params)
    inside = type(jax.eval_shape(dense.initial_carry))(*flat(carry))
    expected, ys = unroll(dense, params_of(vectors), flat(xs), inside)
    final, found = unroll(cell, params, xs, carry)
    assert_close((tuple(flat(final)), flat(found)), (tuple(expected), ys))


def test_kernels_of_one_are_the_dense_cell_at_every_pixel():
    cell, params, xs, carry = drawn(ConvRNN(3, 4, (2, 3), (1, 1)))
    dense = dense_rnn(jax.tree.map(np.squeeze, params))
    after, ys = unroll(SimpleRNN(3, 4), dense, xs, SimpleRNN(3, 4).initial_carry((2, 2, 3)))
    zeros = cell.initial_carry((2,))
    assert_close(unroll(cell, params, xs, zeros), (type(carry)(after.h), ys))


def test_one_pixel_of_star_is_a_light_recurrent_unit():
    cell, params, xs, carry = drawn(ConvSTAR(3, 4, (1,), (1,)), rows=())
    (h,), x = carry, xs[0, 0]
    w_x, w_h = params.w_x[0], params.w_h[0]
    f = 1 / (1 + np.exp(x @ w_x[:, :4] + h[0] @ w_h + params.b[:4]))  # the signs are turned
    expected = (1 - f) * h[0] + f * np.tanh(x @ w_x[:, 4:] + params.b[4:])
    np.testing.assert_allclose(cell(params, carry, xs[0])[1][0], expected, rtol=1e-12)


def test_peepholes_begin_as_none():
    bare = ConvLSTM(2, 3, (4,), (3,), use_peepholes=False)
    params, own = init(ConvLSTM(2, 3, (4,), (3,)), KEY), init(bare, KEY)
    _, _, xs, carry = drawn(bare)
    assert_close(
        unroll(ConvLSTM(2, 3, (4,), (3,)), params, xs, carry), unroll(bare, own, xs, carry)
    )
    np.testing.assert_array_equal(own.b, np.repeat([0, 1, 0, 0], 3))


def test_kernels_are_drawn_as_keras_draws_them():
    params = init(ConvLSTM(2, 3, (4, 4), (3, 5)), KEY)
    bound = np.sqrt(6 / (15 * (2 + 12)))  # Glorot's, over the receptive field
    assert 0.9 * bound < np.abs(params.w_x).max() <= bound
    w_h = np.reshape(params.w_h, (-1, 12))
    np.testing.assert_allclose(w_h.T @ w_h, np.eye(12), atol=1e-10)
    torch = ConvRNN(2, 3, (4, 4), (3, 5), initialization="torch")
    torch = init(torch, KEY)
    for own, fan in ((torch.w_x, 30), (torch.w_h, 45), (torch.b, 30)):
        assert 0.5 * fan**-0.5 < np.abs(own).max() <= fan**-0.5


def test_star_begins_as_its_official_code():
    params = init(ConvSTAR(2, 3, (4, 4), (3, 3)), KEY)
    gate = np.concatenate((params.w_x[..., :3], params.w_h), axis=-2).reshape(-1, 3)
    for kernel in (gate, np.reshape(params.w_x[..., 3:], (-1, 3))):
        np.testing.assert_allclose(kernel.T @ kernel, np.eye(3), atol=1e-10)
    np.testing.assert_array_equal(params.b, [1, 1, 1, 0, 0, 0])


@pytest.mark.parametrize("rows", [(), (2,), (2, 1), (0,)])
def test_any_number_of_batch_axes_stands_before_space(rows):
    cell, params, xs, carry = drawn(ConvGRU(2, 3, (4, 5), (3, 3), strides=(2, 2)), rows)
    mask = np.array([True, False, True])
    final, ys = unroll(cell, params, xs, carry, mask=mask, resets=~mask)
    assert final.h.shape == (*rows, 2, 3, 3)
    assert ys.shape == (3, *rows, 2, 3, 3)
    if rows == (2,):
        alone = [
            unroll(cell, params, xs[:, b], type(carry)(carry.h[b]), mask=mask, resets=~mask)[1]
            for b in range(2)
        ]
        assert_close(ys, np.stack(alone, axis=1))
    carry, y = cell(params, carry, xs[0])
    assert y.shape == ys.shape[1:]


def test_a_batch_of_scans_projects_in_one_convolution():
    cell, *arguments = drawn(ConvRNN(2, 3, (4,), (3,)))
    program = str(jax.make_jaxpr(lambda *a: rnnjax.unroll(cell, *a, executor="scan"))(*arguments))
    assert program.count("conv_general_dilated[") == 2, "one for all inputs, one in the loop"


def test_what_stands_around_them_knows_their_space():
    cell = ConvGRU(2, 2, (3, 2), (3, 3))
    flags: dict[str, Any] = {"mask": MASK, "resets": RESETS}
    layer, params, xs, carry = drawn(cell, (ROWS,), STEPS)
    final, ys = unroll(layer, params, xs, carry, **flags)
    seen = where_rows(MASK, xs, 0)
    found = unroll(Residual(layer), params, xs, carry, **flags)
    assert_close(found, (final, ys + seen))
    _, last = unroll_last(layer, params, xs, carry, **flags)
    summed = last + seen[[5, 4, 0], range(ROWS)]
    assert_close(unroll_last(Residual(layer), params, xs, carry, **flags)[1], summed)
    stack = Stack((cell, Zoneout(cell, h=0.2), Reversed(cell)))
    assert (stack.input_shape, stack.output_shape) == ((3, 2, 2), (3, 2, 2))
    assert unroll(stack, (params,) * 3, xs, (carry,) * 3, **flags)[1].shape == ys.shape
    both = Bidirectional(cell)
    assert both.output_shape == (3, 2, 4)
    pair = jax.eval_shape(both.init, KEY)._replace(forward=params, backward=params)
    assert unroll(both, pair, xs, **flags)[1].shape == (STEPS, ROWS, 3, 2, 4)


def test_pixels_may_be_numbers_of_symbols():
    cell = ConvRNN(5, 2, (3,), (3,))
    _, params, _, carry = drawn(cell)
    symbols = np.random.default_rng(0).integers(0, 5, (4, 2, 3, 1))
    vectors = np.eye(5)[symbols[..., 0]]
    expected = unroll(cell, params, vectors, carry)
    assert_close(unroll(OneHot(cell), params, symbols, carry), expected)


def test_half_precision_runs():
    cell, params, xs, _ = drawn(ConvLSTM(2, 3, (4,), (3,)))
    params, xs = jax.tree.map(lambda a: a.astype(jnp.bfloat16), (params, xs))
    carry = cell.initial_carry((2,), jnp.float32)
    carry, ys = quick_jit(rnnjax.unroll)(cell, params, xs, carry)
    assert (carry.h.dtype, carry.c.dtype, ys.dtype) == (jnp.float32, jnp.float32, jnp.bfloat16)


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda: ConvRNN(2, 3, (4, 4), (3,)), "kernel_size must have a size for each of the 2"),
        (lambda: ConvRNN(2, 3, (4,), (3,), strides=(1, 1)), "strides must have a size"),
        (lambda: ConvRNN(2, 3, (4,), (3,), dilation=(1, 1)), "dilation must have a size"),
        (lambda: ConvRNN(2, 3, (2, 2, 2, 2), (1, 1, 1, 1)), "one to three axes"),
        (lambda: ConvRNN(2, 3, (4,), (5,), padding="valid"), "leaves nothing"),
        (lambda: ConvRNN(2, 3, (4,), 3), "kernel_size must be a tuple of positive integers"),
        (lambda: Stack((ConvRNN(2, 3, (4,), (3,)), SimpleRNN(3, 2))), "inputs of shape .3,."),
        (lambda: Residual(ConvRNN(2, 2, (4,), (3,), strides=(2,))), "4 x 2 inputs and 2 x 2"),
        (
            lambda: Bidirectional(ConvRNN(2, 3, (4,), (3,)), SimpleRNN(2, 3)),
            "forward takes .4, 2. and backward .2,.",
        ),
        (
            lambda: Bidirectional(
                ConvRNN(2, 3, (4,), (3,)), ConvRNN(2, 3, (4,), (3,), strides=(2,))
            ),
            "other axes of space",
        ),
    ],
)
def test_sizes_that_do_not_fit_are_refused(build, complaint):
    with pytest.raises(ValueError, match=complaint):
        build()


def test_inputs_that_do_not_fit_are_refused():
    cell, params, xs, _ = drawn(ConvRNN(2, 3, (4, 5), (3, 3)))
    with pytest.raises(ValueError, match=r"for inputs of last axes \(4, 5, 2\)"):
        rnnjax.unroll(cell, params, xs[..., :4, :])
    with pytest.raises(ValueError, match=r"time first, but got the shape \(4, 5, 2\)"):
        rnnjax.unroll(cell, params, xs[0, 0])
    with pytest.raises(ValueError, match=r"The mask must have the shape \(3,\) or \(3, 2\)"):
        rnnjax.unroll(cell, params, xs, mask=np.ones((3, 2, 4, 5), bool))
    with pytest.raises(ValueError, match=r"on a batch of shape \(2,\)"):
        rnnjax.unroll(cell, params, xs, cell.initial_carry((3,)))
    with pytest.raises(ValueError, match=r"on a batch of shape \(2,\)"):
        cell(params, cell.initial_carry((3,)), xs[0])
