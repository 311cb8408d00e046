"""What orthogonal cells are by construction, and what they begin with."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax import EUNN, GORU, IRNN, NNRNN, NPRNN, RUM, URNN, ExpRNN, ScoRNN, SimpleRNN
from rnnjax.cell import param_shapes
from rnnjax.cells.orthogonal.eunn import EUNNCarry
from rnnjax.cells.orthogonal.rum import rotate
from rnnjax.cells.simple_rnn import SimpleRNNCarry, SimpleRNNParams
from rnnjax.orthogonal import FIRST_BLOCKS, cayley, exponential, skew
from rnnjax.orthogonal_cell import OrthogonalCell
from tests.cells_under_test import random_like
from tests.running import assert_close, init, quick_jit

# The equations are asked each time, by tests/cells/test_catalogue.py.
pytestmark = [pytest.mark.usefixtures("x64"), pytest.mark.slow]

RNG = np.random.default_rng(0)

KEEPING = {
    "urnn": URNN(3, 4),
    "eunn": EUNN(3, 4),
    "eunn-fft": EUNN(3, 4, style="fft"),
    "eunn-real": EUNN(3, 6, capacity=4, is_complex=False),
    "sco_rnn": ScoRNN(3, 5, negatives=2),
    "exp_rnn": ExpRNN(3, 5),
    "nn_rnn": NNRNN(3, 4),
}
"""Those that keep the norm of their state."""


def norm(carry):
    return np.sqrt(sum(np.sum(np.square(part), axis=-1) for part in jax.tree.leaves(carry)))


@pytest.mark.parametrize("name", KEEPING)
def test_after_a_training_step_the_norm_stays_forwards_and_backwards(name):
    cell = KEEPING[name]
    params = init(cell, jax.random.key(0))
    carry = random_like(RNG, jax.eval_shape(lambda: cell.initial_carry((2,))))
    cotangent = random_like(RNG, carry)
    x, weights = RNG.standard_normal((2, 3)), RNG.standard_normal((2, cell.output_size))

    @quick_jit
    def train(params):
        gradient = jax.grad(lambda p: jnp.sum(weights * cell(p, carry, x)[1]))(params)
        moved = jax.tree.map(lambda p, g: p - 0.5 * g, params, gradient)
        if isinstance(cell, NNRNN):
            # Then its matrix is orthogonal, whatever the others are.
            moved = moved._replace(alpha=jnp.ones(2), t=jnp.zeros(6))
        moved = moved._replace(b=0 * moved.b)
        after, back = jax.vjp(lambda c: cell(moved, c, jnp.zeros((2, 3)))[0], carry)
        w = cell.matrix(moved) if isinstance(cell, OrthogonalCell) else None
        return gradient, after, back(cotangent)[0], w

    gradient, after, back, w = jax.device_get(train(params))
    names = {"theta", "upper"} & set(params._fields)
    assert all(np.abs(getattr(gradient, name)).max() > 1e-6 for name in names)
    assert np.abs(jax.tree.leaves(after)[0] - jax.tree.leaves(carry)[0]).max() > 1e-2
    np.testing.assert_allclose(norm(after), norm(carry), rtol=1e-10)
    # modReLU with b = 0 has the slope 1 along its input and across it.
    np.testing.assert_allclose(norm(back), norm(cotangent), rtol=1e-10)
    if w is not None:
        np.testing.assert_allclose(w.T @ w, np.eye(cell.hidden_size), atol=1e-12)
        negatives = getattr(cell, "negatives", None) or 0
        np.testing.assert_allclose(np.linalg.det(w), (-1) ** negatives, rtol=1e-10)


@pytest.mark.parametrize("kind", [IRNN, NPRNN])
def test_rectified_cells_are_simple_cells_with_relu(kind):
    cell, simple = kind(3, 4), SimpleRNN(3, 4, activation="relu")
    params = random_like(RNG, init(cell, jax.random.key(0)))
    carry, x = random_like(RNG, cell.initial_carry((2,))), RNG.standard_normal((2, 3))
    expected = simple(SimpleRNNParams(*params), SimpleRNNCarry(*carry), x)
    assert_close(cell(params, carry, x)[1], expected[1], tolerance=1e-12)


def test_rectified_cells_begin_as_their_papers_say():
    params = init(IRNN(50, 40), jax.random.key(0))
    np.testing.assert_array_equal(params.w_h, np.eye(40))
    assert (params.b == 0).all()
    assert 0.0009 < np.std(params.w_x) < 0.0011
    w_h = np.asarray(init(NPRNN(3, 8), jax.random.key(0)).w_h)
    np.testing.assert_allclose(w_h, w_h.T, atol=1e-12)
    values = np.linalg.eigvalsh(w_h)
    np.testing.assert_allclose(values[-1], 1, rtol=1e-12)
    assert values[0] > 0


@pytest.mark.parametrize(("cell", "expected"), [
    (ExpRNN(3, 4), np.eye(4)),
    (ScoRNN(3, 4), np.eye(4)),
    (ScoRNN(3, 4, negatives=1), np.diag([1.0, 1, 1, -1])),
])  # fmt: skip
def test_without_a_triangle_there_is_but_the_diagonal(cell, expected):
    params = init(cell, jax.random.key(0))
    params = params._replace(upper=jnp.zeros_like(params.upper))
    np.testing.assert_allclose(cell.matrix(params), expected, atol=1e-12)


def test_skew_symmetric_matrices_have_their_triangle_row_by_row():
    expected = [[0, 1, 2], [-1, 0, 3], [-2, -3, 0]]
    np.testing.assert_array_equal(skew(jnp.array([1.0, 2.0, 3.0]), 3), expected)


@pytest.mark.parametrize(("name", "made", "most"), [
    ("henaff", exponential, np.pi), ("cayley", cayley, np.pi / 2),
])  # fmt: skip
def test_first_blocks_rotate_pairs_of_units(name, made, most):
    size = 101
    w = np.asarray(made(FIRST_BLOCKS[name](jax.random.key(0), size), size))
    blocks = [w[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] for k in range(size // 2)]
    angles = np.array([np.arctan2(block[0, 1], block[0, 0]) for block in blocks])
    assert most * 0.9 < np.abs(angles).max() <= most
    if name == "henaff":
        assert angles.min() < -most * 0.9
    else:
        # (1 + A)⁻¹ (1 - A) of the entry -tan(s / 2) turns by s.
        assert (angles >= 0).all()
    for block in blocks:
        np.testing.assert_allclose(block.T @ block, np.eye(2), atol=1e-12)
    rest = w.copy()
    for k, block in enumerate(blocks):
        rest[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] -= block
    rest[-1, -1] -= 1
    np.testing.assert_allclose(rest, 0, atol=1e-12)


@pytest.mark.parametrize("made", [exponential, cayley])
def test_matrices_are_made_in_float32_at_least(made):
    upper = jnp.asarray(RNG.standard_normal(6), jnp.bfloat16)
    found = made(upper, 4)
    assert found.dtype == jnp.bfloat16
    expected = made(upper.astype(jnp.float32), 4).astype(jnp.bfloat16)
    np.testing.assert_array_equal(found.astype(jnp.float32), expected.astype(jnp.float32))


@pytest.mark.parametrize("style", ["fft", "tunable"])
def test_goru_with_open_gates_is_a_real_eunn(style):
    goru, eunn = GORU(3, 4, style=style), EUNN(3, 4, style=style, is_complex=False)
    own = random_like(RNG, init(eunn, jax.random.key(0)))
    params = random_like(RNG, init(goru, jax.random.key(0)))
    params = params._replace(
        w_x=np.concatenate([np.zeros((3, 8)), own.w_x], axis=1),
        w_h=np.zeros((4, 8)),
        b=np.repeat([40.0, -40.0], 4),
        theta=own.theta,
        b_c=own.b,
    )
    carry, x = random_like(RNG, goru.initial_carry((2,))), RNG.standard_normal((2, 3))
    found, expected = goru(params, carry, x)[1], eunn(own, EUNNCarry(carry.h), x)[1]
    assert_close(found, expected, tolerance=1e-12)


def test_goru_is_of_the_style_that_its_size_allows():
    for size, style in ((4, "fft"), (6, "tunable")):
        found, expected = (GORU(3, size, style=own) for own in (None, style))
        shapes = [param_shapes(cell) for cell in (found, expected)]
        assert shapes[0] == shapes[1]
    assert param_shapes(GORU(3, 4)) != param_shapes(GORU(3, 4, style="tunable"))


def test_gated_and_complex_cells_begin_as_their_papers_say():
    goru = init(GORU(3, 64), jax.random.key(0))
    np.testing.assert_array_equal(goru.b, np.repeat([2.0, 0.0], 64))
    assert (goru.b_c == 0.01).all()
    assert np.abs(goru.w_h).max() <= 0.01 < 3 < np.abs(goru.theta).max()
    urnn = URNN(3, 64)
    params = init(urnn, jax.random.key(0))
    assert 0.9 < np.abs(params.h_0).max() / np.sqrt(3 / 128) <= 1
    first = urnn.first_carry(params, (2,), jnp.float32)
    expected = np.tile(params.h_0, (2, 1)).astype(np.float32)
    np.testing.assert_array_equal(np.concatenate(first, axis=-1), expected)


def test_urnn_learns_its_first_state():
    cell = KEEPING["urnn"]
    params = random_like(RNG, init(cell, jax.random.key(0)))
    xs, direction = RNG.standard_normal((2, 3)), 1e-5 * RNG.standard_normal(8)

    def loss(h_0):
        return jnp.sum(rnnjax.unroll(cell, params._replace(h_0=h_0), xs)[1] ** 3)

    ahead, behind = (quick_jit(loss)(params.h_0 + way * direction) for way in (1, -1))
    change = ahead - behind
    slope = quick_jit(jax.grad(loss))(params.h_0) @ (2 * direction)
    np.testing.assert_allclose(slope, change, rtol=1e-6)
    assert abs(change) > 1e-7


def test_nn_rnn_begins_orthogonal():
    cell = NNRNN(3, 4)
    w = np.asarray(cell.matrix(init(cell, jax.random.key(0))))
    np.testing.assert_allclose(w.T @ w, np.eye(4), atol=1e-12)


def test_rum_rotates_one_vector_onto_the_other_and_keeps_lengths():
    e, tau, v = RNG.standard_normal((3, 2, 5))
    turn = quick_jit(rotate)
    np.testing.assert_allclose(norm(turn(v, e, tau)), norm(v), rtol=1e-12)
    along = np.asarray(turn(e, e, tau))
    expected = tau * (norm(e) / norm(tau))[:, None]
    np.testing.assert_allclose(along, expected, rtol=1e-10)
    np.testing.assert_allclose(turn(turn(v, e, tau), tau, e), v, rtol=1e-10)


@pytest.mark.parametrize("factor", [1.0, 2.0, -1.0, 0.0])
def test_rum_has_slopes_where_both_vectors_are_on_one_line(factor):
    e, v = RNG.standard_normal((2, 5))
    turned, slopes = jax.value_and_grad(
        lambda *given: jnp.sum(rotate(*given) ** 3), argnums=(0, 1, 2)
    )(v, e, factor * e)
    assert np.isfinite(turned)
    assert all(np.isfinite(slope).all() for slope in slopes)
    found = np.asarray(rotate(v, e, factor * e))
    np.testing.assert_allclose(norm(found), norm(v), rtol=1e-10)
    if factor >= 0:
        np.testing.assert_allclose(found, v, rtol=1e-10)


def test_rum_keeps_an_orthogonal_memory_and_the_length_of_its_state():
    cell = RUM(3, 4, is_associative=True, norm=2.0)
    params = init(cell, jax.random.key(0))
    step = quick_jit(functools.partial(cell, params))
    carry = cell.initial_carry((2,))
    for x in RNG.standard_normal((3, 2, 3)):
        carry, y = step(carry, x)
    whole = np.asarray(carry.m) + np.eye(4)
    eye = np.broadcast_to(np.eye(4), (2, 4, 4))
    np.testing.assert_allclose(whole @ whole.transpose(0, 2, 1), eye, atol=1e-10)
    assert np.abs(carry.m).max() > 0.1
    np.testing.assert_allclose(norm(y), 2, rtol=1e-10)


def test_rum_begins_with_orthogonal_matrices():
    params = init(RUM(3, 4), jax.random.key(0))
    np.testing.assert_array_equal(params.b, np.repeat([1.0, 1.0, 0.0], 4))
    for gate in range(2):
        block = slice(4 * gate, 4 * gate + 4)
        both = np.concatenate([params.w_x[:, block], params.w_h[:, block]])
        np.testing.assert_allclose(both.T @ both, np.eye(4), atol=1e-12)
    alone = np.asarray(params.w_x[:, 8:])
    np.testing.assert_allclose(alone @ alone.T, np.eye(3), atol=1e-12)


@pytest.mark.parametrize(("make", "said"), [
    (lambda: NNRNN(3, 5), "NNRNN: hidden_size must be even"),
    (lambda: EUNN(3, 5), "EUNN: hidden_size must be even"),
    (lambda: EUNN(3, 4, capacity=3), "EUNN: capacity must be even"),
    (lambda: GORU(3, 6, style="fft"), "GORU: hidden_size must be a power of 2"),
    (lambda: GORU(3, 1), "GORU: hidden_size must be a power of 2"),
    (lambda: ScoRNN(3, 4, negatives=5), "ScoRNN: negatives must be at most hidden_size, 4"),
])  # fmt: skip
def test_sizes_without_such_a_matrix_are_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


@pytest.mark.parametrize("name", ["eunn", "sco_rnn"])
def test_without_a_bias_nothing_is_left_of_mod_relu(name):
    cell = KEEPING[name]
    params = init(cell, jax.random.key(0))._replace(b=None)
    carry = random_like(RNG, cell.initial_carry())
    x = RNG.standard_normal(3)
    linear = dataclasses.replace(cell, use_bias=False)
    assert init(linear, jax.random.key(0)).b is None
    whole = linear(params, carry, x)[1]
    zeros = jax.tree.map(jnp.zeros_like, carry)
    parts = [linear(params, *given)[1] for given in ((carry, 0 * x), (zeros, x))]
    np.testing.assert_allclose(whole, parts[0] + parts[1], rtol=1e-10, atol=1e-12)
