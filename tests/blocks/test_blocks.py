"""Layers made of several cells, each against a loop in NumPy written from its paper."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import numpy as np
import pytest

import rnnjax
from rnnjax.blocks.gilr_lstm import GILRLSTM
from rnnjax.blocks.griffin import GriffinBlock
from rnnjax.blocks.mamba import MambaBlock
from tests.cells.linear.case import sigmoid, silu, softplus
from tests.cells_under_test import random_like
from tests.flagged import MASK, POISON, RESETS, ROWS, STEPS, directions
from tests.running import assert_close, loop, pull_back, quick_jit, unroll, unroll_last

KEY = jax.random.key(0)
D = 4


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def convolved(p, past, x):
    """The input and what was read before it, ``[k - 1, E]``; and that with the input."""
    read = np.concatenate([past, x[None]])
    return (read * p.w).sum(axis=0) + p.b, read[1:]


def mamba(block, p, state, x):
    past, h = state
    u, gate = np.split(x @ p.w_in + p.b_in, 2)
    conv, s6 = p.branch
    u, past = convolved(conv, past, u)
    u, n = silu(u), block.state_size
    low, b, c = np.split(u @ s6.w_x, [-2 * n, -n])
    step = softplus(low @ s6.w_dt + s6.b_dt)[:, None]
    h = np.exp(step * -np.exp(s6.a_log)) * h + step * b[None] * u[:, None]
    y = h @ c + s6.d * u
    return (past, h), (y * silu(gate)) @ p.w_out + p.b_out


def griffin(block, p, state, x):
    past, h = state
    u, gate = np.split(x @ p.w_in + p.b_in, 2)
    conv, lru = p.branch
    u, past = convolved(conv, past, u)
    blocks = np.split(u, block.heads)
    r, i = (
        sigmoid(np.concatenate([own @ m for own, m in zip(blocks, w, strict=True)]) + b)
        for w, b in ((lru.w_a, lru.b_a), (lru.w_x, lru.b_x))
    )
    a = np.exp(-8 * r * softplus(lru.lam))
    h = a * h + np.sqrt(1 - a**2) * i * u
    return (past, h), (h * gelu(gate)) @ p.w_out + p.b_out


def gilr_lstm(block, p, state, x):
    h, c = state
    f, i, o, z = np.split(np.concatenate([h, x]) @ p.memory.w_x + p.memory.b, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(z)
    g, j = np.split(x @ p.surrogate.w_x + p.surrogate.b, 2)
    h = sigmoid(g) * h + (1 - sigmoid(g)) * np.tanh(j)
    return (h, c), sigmoid(o) * c


BLOCKS = {
    "mamba": (MambaBlock(D, state_size=3, window=3, rank=2, use_bias=True), mamba),
    "griffin": (GriffinBlock(D, 6, heads=2, window=3), griffin),
    "gilr_lstm": (GILRLSTM(D, 5), gilr_lstm),
}


def sample(block):
    rng = np.random.default_rng(6)
    params = random_like(rng, jax.eval_shape(block.init, KEY), 0.7)
    carry = random_like(rng, jax.eval_shape(lambda: block.initial_carry((ROWS,))))
    return block, params, rng.normal(size=(STEPS, ROWS, D)), carry


def expected(block, step, params, xs, carry, *, reverse):
    """All outputs, the last one of each row and the final carry, with the flags of `tests`."""
    ys, last = np.zeros_like(xs[..., :1] * np.ones(block.output_size)), []
    leaves, tree = jax.tree.flatten(carry)
    finals = []
    for i in range(ROWS):
        state = tuple(leaf[i] for leaf in leaves)
        seen = np.zeros(block.output_size)
        for t in range(STEPS)[:: -1 if reverse else 1]:
            if RESETS[t, i]:
                state = tuple(np.zeros_like(own) for own in state)
            if MASK[t, i]:
                state, seen = step(block, params, state, xs[t, i])
                ys[t, i] = seen
        last.append(seen)
        finals.append(state)
    final = jax.tree.unflatten(tree, [np.stack(own) for own in zip(*finals, strict=True)])
    return final, ys, np.stack(last)


@pytest.mark.parametrize(("block", "step"), BLOCKS.values(), ids=BLOCKS)
@directions
@pytest.mark.usefixtures("x64")
def test_a_block_is_its_paper(block, step, reverse):
    block, params, xs, carry = sample(block)
    final, ys, last = expected(block, step, params, xs, carry, reverse=reverse)
    given = block, params, np.where(MASK[..., None], xs, POISON), carry
    flags = {"mask": MASK, "resets": RESETS, "reverse": reverse}
    assert_close(unroll(*given, **flags), (final, ys))
    if not reverse:
        assert_close(unroll_last(*given, **flags), (final, last))


@pytest.mark.parametrize("block", [MambaBlock(D, state_size=3), GILRLSTM(D, 5)])
@pytest.mark.usefixtures("x64")
def test_a_block_can_be_stepped(block):
    block, params, xs, carry = sample(block)

    @quick_jit
    def runs(*given):
        return (
            loop(block, *given),
            rnnjax.unroll(block, *given),
            rnnjax.unroll_carries(block, *given),
        )

    stepped, (final, ys), (carries, again) = runs(params, xs[:2], carry)
    assert_close(stepped, (final, ys))
    assert_close((jax.tree.map(lambda own: own[-1], carries), again), (final, ys))


@pytest.mark.usefixtures("x64")
def test_no_nan_before_a_reset_reaches_a_gradient_after_it():
    block, params, xs, carry = sample(BLOCKS["gilr_lstm"][0])
    xs[1] = np.nan
    resets = np.zeros((STEPS, ROWS), bool)
    resets[2] = True
    cotangents = jax.tree.map(np.ones_like, unroll(block, params, xs, carry, resets=resets))
    cotangents[1][:2] = 0
    found = pull_back(cotangents, block, params, xs, carry, resets=resets)
    assert all(np.isfinite(own).all() for own in jax.tree.leaves(found))


@pytest.mark.usefixtures("x64")
def test_what_padding_holds_reaches_no_gradient():
    block, params, xs, carry = sample(BLOCKS["griffin"][0])
    cotangents = jax.tree.map(np.ones_like, (carry, xs))
    poisoned = np.where(MASK[..., None], xs, POISON)
    found = pull_back(cotangents, block, params, poisoned, carry, mask=MASK)
    assert all(np.isfinite(own).all() for own in jax.tree.leaves(found))


def test_initial_values():
    shapes = jax.eval_shape(MambaBlock(32).init, KEY)
    assert shapes.w_in.shape == (32, 128)
    assert shapes.branch[1].w_dt.shape == (2, 64)
    assert shapes.b_in is None
    blocks = GriffinBlock(64, 100), GILRLSTM(20, 10)
    griffin, lstm = quick_jit(lambda: [block.init(KEY) for block in blocks])()
    assert np.std(griffin.w_in) == pytest.approx(1 / 8, rel=0.03)
    assert np.std(griffin.w_out) == pytest.approx(1 / 10, rel=0.03)
    assert np.std(griffin.branch[0].w) == pytest.approx(1 / 2, rel=0.1)
    assert 0.049 < np.abs(lstm.memory.w_x).max() <= 0.05
    np.testing.assert_array_equal(lstm.memory.b, [5] * 10 + [0] * 30)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: MambaBlock(4, window=1), "CausalConv: window must be at least 2"),
        (lambda: GriffinBlock(4, 6, heads=4), "RGLRU: heads=4 must divide"),
        (lambda: GILRLSTM(4, 5, forget_bias=np.inf), "forget_bias must be a finite number"),
    ],
)
def test_hyperparameters_that_are_none_are_told(make, said):
    with pytest.raises(ValueError, match=said):
        make()
