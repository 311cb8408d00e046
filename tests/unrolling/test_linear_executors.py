"""Linear cells under every executor: values, carries and gradients of steps taken one by one.

Each cell is compiled once for each of its executors, always with flags; the cases are read off
these programs. What depends on the kind of recurrence only is asked of one cell of each kind.
"""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax.cells.linear import LRU, MinGRU
from rnnjax.cells.memory import GLA, MLSTM, DeltaNet, GatedDeltaNet, RetNet
from rnnjax.matrix_cell import MatrixCell
from rnnjax.unrolling.choice import chosen_executor
from tests.cells.linear.cases import CASES, OF_EACH_KIND
from tests.cells_under_test import random_like
from tests.running import assert_close, quick_jit
from tests.slow import slow_but

STEPS, ROWS = 24, 2
PIECE = 8
SIZES: Any = {"heads": 2, "key_size": 3, "value_size": 5}
KINDS = [
    MinGRU(3, 4),
    LRU(3, 4),
    GLA(3, 4, **SIZES, low_rank=2),
    DeltaNet(3, 4, **SIZES),
    GatedDeltaNet(3, 4, **SIZES),
    MLSTM(3, 4, heads=2),
]
TURNED = RetNet(3, 4, heads=2, key_size=4, value_size=5)
by_type = pytest.mark.parametrize(
    "cell",
    [*KINDS, pytest.param(TURNED, marks=pytest.mark.slow)],
    ids=lambda cell: type(cell).__name__,
)
pytestmark = pytest.mark.usefixtures("x64")


def parallel(cell):
    return "chunkwise" if isinstance(cell, MatrixCell) else "associative"


def drawn(cell, steps=STEPS):
    """A cell whose first carry is not 0, with parameters, a carry and inputs."""
    rng = np.random.default_rng(0)
    layer = rnnjax.LearnedCarry(cell)
    params = random_like(rng, jax.eval_shape(layer.init, jax.random.key(0)), 0.6)
    carry = random_like(rng, jax.eval_shape(lambda: cell.initial_carry((ROWS,))), 0.8)
    return layer, params, rng.normal(size=(steps, ROWS, cell.input_size)), carry


def flags(steps=STEPS):
    """A mask with holes, and resets of which some are masked."""
    rng = np.random.default_rng(1)
    return rng.random((steps, ROWS)) < 0.8, rng.random((steps, ROWS)) < 0.1


def cotangents(layer, params, xs, carry):
    rng = np.random.default_rng(2)
    shapes = jax.eval_shape(lambda *given: rnnjax.unroll(layer, *given), params, xs, carry)
    return random_like(rng, shapes)


def both(cell, **options):
    """A program for the results and gradients of steps in parallel, and one by one."""

    def outcome(executor, layer, weights, params, xs, carry, mask, resets):
        run = functools.partial(
            rnnjax.unroll, layer, mask=mask, resets=resets, executor=executor, **options
        )
        results, pull = jax.vjp(run, params, xs, carry)
        return results, pull(weights)

    @quick_jit
    def compared(layer, *given):
        return outcome(parallel(cell), layer, *given), outcome("scan", layer, *given)

    return compared


@functools.cache
def compiled(cell):
    return both(cell, remat_chunk=PIECE)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case, marks=[] if case.name in OF_EACH_KIND else pytest.mark.slow, id=case.name
        )
        for case in CASES
    ],
)
def test_steps_in_parallel_are_those_one_by_one(case):
    layer, params, xs, carry = drawn(case.cell)
    weights = cotangents(layer, params, xs, carry)
    run = compiled(case.cell)
    own, other = run(layer, weights, params, xs, carry, *flags())
    assert_close(own, other)
    mask, resets = np.ones((STEPS, ROWS), bool), np.zeros((STEPS, ROWS), bool)
    own, other = run(layer, weights, params, xs, carry, mask, resets)
    assert_close(own, other)
    # What lies before a reset, NaN included, reaches nothing behind it.
    resets[13] = True
    weights[1][:13] = 0
    clean, _ = run(layer, weights, params, xs, carry, mask, resets)
    xs[3:5] = np.nan
    spoilt, _ = run(layer, weights, params, xs, carry, mask, resets)
    assert_close(spoilt[0][0], clean[0][0])
    assert_close(spoilt[0][1][13:], clean[0][1][13:])
    assert_close(spoilt[1], clean[1])
    assert np.isnan(spoilt[0][1][3:13]).any(axis=-1).all()
    # Nor does a carry that is none.
    ruined = jax.tree.map(lambda own: np.full_like(own, np.nan), carry)
    spoilt, _ = run(layer, weights, params, xs, ruined, mask, resets)
    assert_close(spoilt[1], clean[1])


@pytest.mark.parametrize(
    "cell", slow_but([KINDS[1], KINDS[-1]], KINDS), ids=lambda cell: type(cell).__name__
)
def test_time_runs_backwards_and_is_no_multiple_of_a_chunk(cell):
    sample = drawn(cell, 11)
    run = both(cell, remat_chunk=PIECE, reverse=True)
    own, other = run(sample[0], cotangents(*sample), *sample[1:], *flags(11))
    assert_close(own, other)


@by_type
def test_without_flags(cell):
    sample = drawn(cell, 9)
    own, other = both(cell)(sample[0], cotangents(*sample), *sample[1:], None, None)
    assert_close(own, other)


@by_type
def test_a_single_step_without_rows(cell):
    layer, params, xs, carry = drawn(cell, 1)
    xs, carry = xs[:, 0], jax.tree.map(lambda own: own[0], carry)
    own, other = both(cell)(
        layer, cotangents(layer, params, xs, carry), params, xs, carry, None, None
    )
    assert_close(own, other)


@by_type
def test_pieces_are_the_whole(cell):
    layer, params, xs, carry = drawn(cell)
    run = quick_jit(functools.partial(rnnjax.unroll, executor=parallel(cell)))
    whole, ys = run(layer, params, xs, carry)
    parts = []
    for piece in np.split(xs, [1, 9]):
        carry, own = run(layer, params, piece, carry)
        parts.append(own)
    assert_close(np.concatenate(parts), ys, tolerance=1e-12)
    assert_close(carry, whole, tolerance=1e-12)


@pytest.mark.slow
@by_type
def test_derivatives_of_other_kinds(cell):
    layer, params, xs, carry = drawn(cell, 5)

    def loss(executor, params):
        _, ys = rnnjax.unroll(layer, params, xs, carry, executor=executor)
        return (ys**2).sum()

    direction = random_like(np.random.default_rng(3), params)

    @quick_jit
    def found(params):
        def derivatives(executor):
            slope = jax.grad(functools.partial(loss, executor))
            forward = jax.jvp(functools.partial(loss, executor), (params,), (direction,))[1]
            return forward, jax.jvp(slope, (params,), (direction,))[1]

        several = jax.tree.map(lambda own: jnp.stack((own, 2 * own)), params)
        grads = jax.vmap(jax.grad(functools.partial(loss, parallel(cell))))(several)
        one = jax.grad(functools.partial(loss, "scan"))(params)
        return derivatives(parallel(cell)), derivatives("scan"), grads, one

    own, other, grads, one = found(params)
    assert_close(own, other, tolerance=1e-9)
    assert_close(jax.tree.map(lambda own: own[0], grads), one)


@pytest.mark.parametrize(
    "cell", [MinGRU(3, 4), MLSTM(3, 4, heads=2)], ids=lambda cell: type(cell).__name__
)
def test_dropout_and_zoneout_are_the_same_steps(cell):
    """Their factors are drawn before the run, so all executors have the same."""
    layer = rnnjax.Dropout(cell, inputs=0.2, update=0.4)
    if isinstance(cell, MinGRU):
        layer = rnnjax.Zoneout(layer, h=0.3)
    _, params, xs, carry = drawn(cell)
    params = params[0]
    for key in (jax.random.key(0), None):
        own, other, plain = (
            quick_jit(functools.partial(rnnjax.unroll, which, executor=name))(
                params, xs, carry, key=key
            )
            for which, name in ((layer, parallel(cell)), (layer, "scan"), (cell, "scan"))
        )
        assert_close(own, other)
        if key is not None or isinstance(cell, MinGRU):
            assert not np.allclose(own[1], plain[1])


@by_type
@pytest.mark.parametrize("keep", ["last", "carries"])
def test_other_things_are_kept(cell, keep):
    layer, params, xs, carry = drawn(cell)
    mask, resets = flags()
    run = rnnjax.unroll_last if keep == "last" else rnnjax.unroll_carries
    run = quick_jit(functools.partial(run, mask=mask, resets=resets), static_argnames="executor")
    own, other = (run(layer, params, xs, carry, executor=name) for name in (parallel(cell), "scan"))
    assert_close(own, other)


def test_what_auto_chooses():
    assert chosen_executor(GLA(3, 64), (100, 8, 3)) == "chunkwise"
    assert chosen_executor(GLA(3, 64), (4, 8, 3)) == "chunked"
    assert chosen_executor(GLA(3, 64), (100, 8, 3), keep="carries") == "chunked"
    assert chosen_executor(LRU(3, 4), (1000, 8, 3), platform="cpu") == "chunked"
    assert chosen_executor(LRU(3, 4), (1000, 8, 3), platform="gpu") == "associative"
    assert chosen_executor(LRU(3, 4), (1000, 1 << 20, 3), platform="gpu") == "chunked"
    assert chosen_executor(rnnjax.LSTM(3, 4), (1000, 8, 3), platform="gpu") == "chunked"


@pytest.mark.parametrize(
    ("cell", "executor", "said"),
    [
        (rnnjax.LSTM(3, 4), "associative", "LSTM are not"),
        (rnnjax.Stack((MinGRU(3, 4), rnnjax.GRU(4, 4))), "associative", "those of GRU"),
        (MinGRU(3, 4), "chunkwise", "MinGRU has none"),
        (GLA(3, 4), "associative", "use 'chunkwise'"),
    ],
)
def test_an_executor_that_does_not_fit_is_told(cell, executor, said):
    params = cell.init(jax.random.key(0))
    with pytest.raises(ValueError, match=said):
        rnnjax.unroll(cell, params, np.ones((12, 2, 3)), executor=executor)
