"""Blocks of a norm, a linear cell and a gate, each against a loop in NumPy."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import jax
import numpy as np
import pytest

import rnnjax
from rnnjax.blocks.lru import LRUBlock
from rnnjax.blocks.s5 import S5Block
from tests.cells.linear.case import sigmoid
from tests.cells.linear.loops_first import lru
from tests.cells.linear.loops_state_space import s5
from tests.cells_under_test import random_like
from tests.flagged import MASK, POISON, RESETS, ROWS, STEPS
from tests.running import assert_close, quick_jit, unroll, unroll_last

KEY = jax.random.key(0)
D = 4
BLOCKS = {
    "lru": (LRUBlock(D, 3), lru),
    "s5": (S5Block(D, 4), s5),
    "s5-half_glu2": (S5Block(D, 4, mixing="half_glu2"), s5),
    "s5-gelu": (S5Block(D, 4, mixing="gelu"), s5),
}


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def stepped(block, loop, p, state, x):
    centred = x - x.mean()
    normed = centred / np.sqrt((centred**2).mean() + block.epsilon) * p.gain + p.shift
    cell = block.cell
    state, (u,) = loop(cell, p.cell, normed[None], cell.carry_type(*state))
    v = gelu(u)
    if block.mixing == "full_glu":
        value, gate = np.split(v @ p.w + p.b, 2)
        return state, x + value * sigmoid(gate)
    if block.mixing == "gelu":
        return state, x + v
    return state, x + (v if block.mixing == "half_glu1" else u) * sigmoid(v @ p.w + p.b)


def sample(block):
    rng = np.random.default_rng(6)
    params = random_like(rng, jax.eval_shape(block.init, KEY), 0.7)
    carry = random_like(rng, jax.eval_shape(lambda: block.initial_carry((ROWS,))))
    return block, params, rng.normal(size=(STEPS, ROWS, D)), carry


@pytest.mark.parametrize(("block", "loop"), BLOCKS.values(), ids=BLOCKS)
@pytest.mark.usefixtures("x64")
def test_a_block_is_its_paper(block, loop):
    block, params, xs, carry = sample(block)
    ys, last, finals = np.zeros_like(xs), np.zeros_like(xs[0]), []
    for i in range(ROWS):
        state = tuple(own[i] for own in carry)
        for t in range(STEPS):
            if RESETS[t, i]:
                state = tuple(np.zeros_like(own) for own in state)
            if MASK[t, i]:
                state, ys[t, i] = stepped(block, loop, params, state, xs[t, i])
                last[i] = ys[t, i]
        finals.append(state)
    final = type(carry)(*(np.stack(own) for own in zip(*finals, strict=True)))
    given = block, params, np.where(MASK[..., None], xs, POISON), carry
    flags = {"mask": MASK, "resets": RESETS}
    assert_close(unroll(*given, **flags), (final, ys))
    if block.mixing == "full_glu":
        assert_close(unroll_last(*given, **flags), (final, last))


@pytest.mark.usefixtures("x64")
def test_a_block_can_be_stepped():
    block, params, xs, carry = sample(S5Block(D, 4, dropout=0.5))
    step = quick_jit(block.__call__)
    after, first = step(params, carry, xs[0])
    after, second = step(params, after, xs[1])
    assert_close((after, np.stack([first, second])), unroll(block, params, xs[:2], carry))


@pytest.mark.usefixtures("x64")
def test_the_same_features_are_dropped_at_all_steps():
    block, params, xs, carry = sample(S5Block(D, 4, mixing="gelu", dropout=0.5))
    run = quick_jit(lambda *given: rnnjax.unroll(block, *given, key=KEY)[1])
    added, (_, whole) = run(params, xs, carry) - xs, unroll(block, params, xs, carry)
    factors = 2.0 * np.asarray(abs(added).max(axis=0) > 0)
    assert 0 < factors.mean() < 2
    assert_close(added, factors * (whole - xs))


def test_initial_values():
    block = S5Block(64, 4)
    # Without those of the cell, which are its own.
    params = quick_jit(lambda: block.init(KEY)._replace(cell=None))()
    assert params.w.shape == (64, 64)
    assert np.std(params.w) == pytest.approx(1 / 8, rel=0.05)
    assert not params.b.any()
    assert (np.asarray(params.gain) == 1).all()
    assert jax.eval_shape(LRUBlock(5, 3).init, KEY).w.shape == (5, 10)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: S5Block(4, 6, blocks=2), "S5: blocks=2 must divide state_size=6"),
        (lambda: S5Block(4, mixing="glu"), "S5Block: unknown mixing 'glu'"),
        (lambda: LRUBlock(4, 6, largest_radius=2.0), "LRU: radii must rise"),
        (lambda: LRUBlock(4, 6, dropout=1.0), "LRUBlock: dropout must be a rate"),
    ],
)
def test_settings_that_are_none_are_told(make, said):
    with pytest.raises(ValueError, match=said):
        make()
