"""Blocks with a convolution before their core, each against a loop in NumPy."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import math
from types import SimpleNamespace

import jax
import numpy as np
import pytest

import rnnjax
from rnnjax.blocks.delta_net import DeltaNetBlock
from rnnjax.blocks.mamba2 import Mamba2Block
from rnnjax.blocks.mlstm import MLSTMBlock
from rnnjax.blocks.slstm import SLSTMBlock
from rnnjax.cells.memory.delta_net import GatedDeltaNet
from tests.blocks.test_blocks import convolved, expected
from tests.cells.linear import loops_memory
from tests.cells.linear.case import sigmoid, silu
from tests.cells_under_test import random_like
from tests.flagged import MASK, POISON, RESETS, ROWS, STEPS
from tests.running import assert_close, loop, pull_back, quick_jit, unroll, unroll_last
from tests.slow import slow_but

KEY = jax.random.key(0)
D = 4


def normed(x, gain, epsilon=1e-5):
    centred = x - x.mean()
    return gain * centred / np.sqrt((centred**2).mean() + epsilon)


def by_blocks(w):
    """A dense matrix of blocks."""
    n, size, _ = w.shape
    dense = np.zeros((n * size, n * size))
    for i in range(n):
        dense[i * size : (i + 1) * size, i * size : (i + 1) * size] = w[i]
    return dense


def mamba2(block, p, state, x):
    past, s = state
    e, heads, n, groups = 2 * D, block.heads, block.state_size, block.groups
    gate, u, dt = np.split(x @ p.w_in + p.b_in, [e, 2 * e + 2 * groups * n])
    u, past = convolved(p.conv, past, u)
    cell = SimpleNamespace(heads=heads, state_size=n, groups=groups, hidden_size=e)
    (s,), y = loops_memory.ssd(cell, p.core, np.concatenate((silu(u), dt)), [s])
    y, own = y if block.norm_first else y * silu(gate), e // groups
    y = np.concatenate(
        [
            loops_memory.rms(y[i * own : (i + 1) * own], p.gain[i * own : (i + 1) * own])
            for i in range(groups)
        ]
    )
    return (past, s), (y * silu(gate) if block.norm_first else y) @ p.w_out + p.b_out


def delta_net(block, p, state, x):
    past, s = state
    width = block.heads * (2 * block.key_size + block.value_size)
    own = x @ p.w_in
    qkv, past = convolved(SimpleNamespace(w=p.conv.w, b=0), past, own[:width])
    # The cell as of a matrix that changes nothing.
    read = np.concatenate((qkv, own[width:]))
    core = p.core._replace(w_x=np.eye(len(read)))
    step = loops_memory.gated_delta_net if block.gated else loops_memory.delta_net
    (s,), y = step(block, core, read, [s])
    return (past, s), y


def mlstm(block, p, state, x):
    past, s, m = state
    s, m = s.copy(), m.copy()
    heads, e = block.heads, 2 * D
    u, gate = np.split(normed(x, p.gain) @ p.w_in, 2)
    c, past = convolved(p.conv, past, u)
    c = silu(c)
    q, k, v = (own @ by_blocks(w) for own, w in ((c, p.w_q), (c, p.w_k), (u, p.w_v)))
    i_gate, f_gate = np.split(np.concatenate((q, k, v)) @ p.core.w_g + p.core.b_g, 2)
    found = []
    for i in range(heads):
        own = slice(i * e // heads, (i + 1) * e // heads)
        key = k[own] / np.sqrt(e // heads)
        log_f = -np.log1p(np.exp(-f_gate[i]))
        largest = max(log_f + m[i], i_gate[i])
        s[i] = np.exp(log_f + m[i] - largest) * s[i]
        s[i] += np.exp(i_gate[i] - largest) * np.outer(key, [*v[own], 1])
        m[i] = largest
        read = s[i].T @ q[own]
        h = read[:-1] / (max(abs(read[-1]), np.exp(-largest)) + 1e-6)
        found.append(normed(h, p.gain_h[own]))
    h = np.concatenate(found) + p.skip * c
    return (past, s, m), x + (h * silu(gate)) @ p.w_out


def slstm(block, p, state, x):
    past, h, c, n, m = state
    read = normed(x, p.gain)
    conv, past = convolved(p.conv, past, read)
    conv = silu(conv)
    dense = [by_blocks(p.core.w_h[:, :, gate]) for gate in range(4)]
    reads, ws = (conv, conv, read, read), (p.w_i, p.w_f, p.w_z, p.w_o)
    i, f, z, o = (
        own @ by_blocks(w) + h @ w_h + b
        for own, w, w_h, b in zip(reads, ws, dense, np.split(p.core.b, 4), strict=True)
    )
    log_f = -np.log1p(np.exp(-f))
    largest = np.where(n == 0, i, np.maximum(log_f + m, i))
    kept, gained = np.exp(log_f + m - largest), np.exp(i - largest)
    c, n = kept * c + gained * np.tanh(z), kept * n + gained
    h = sigmoid(o) * c / n
    size = D // block.heads
    x = x + np.concatenate(
        [
            normed(h[k * size : (k + 1) * size], p.gain_h[k * size : (k + 1) * size])
            for k in range(block.heads)
        ]
    )
    gate, value = np.split(normed(x, p.gain_f) @ p.w_up, 2)
    gelu = gate * np.array([1 + math.erf(own / math.sqrt(2)) for own in gate]) / 2
    return (past, h, c, n, largest), x + (gelu * value) @ p.w_down


SIZES = {"heads": 2, "key_size": 3, "value_size": 2, "window": 3}
BLOCKS = {
    "mamba2": (Mamba2Block(D, 4, 3, 2, window=3, use_bias=True), mamba2),
    "mamba2-norm_first": (Mamba2Block(D, 2, 3, norm_first=True, use_bias=True), mamba2),
    "delta_net": (DeltaNetBlock(D, **SIZES, gated=False, negative=True), delta_net),
    "gated_delta_net": (DeltaNetBlock(D, **SIZES), delta_net),
    "mlstm": (MLSTMBlock(D, 2, block_size=2, window=3), mlstm),
    "slstm": (SLSTMBlock(D, 2, window=3), slstm),
}


def sample(block, steps=STEPS):
    rng = np.random.default_rng(6)
    params = random_like(rng, jax.eval_shape(block.init, KEY), 0.7)
    carry = random_like(rng, jax.eval_shape(lambda: block.initial_carry((ROWS,))))
    if isinstance(block, SLSTMBlock):
        carry = carry[0], carry[1]._replace(n=abs(carry[1].n) + 1)
    return block, params, rng.normal(size=(steps, ROWS, D)), carry


QUICK = ["mamba2", "gated_delta_net", "mlstm", "slstm"]


@pytest.mark.parametrize("name", slow_but(QUICK, BLOCKS))
@pytest.mark.parametrize("reverse", slow_but([False], [False, True]))
@pytest.mark.usefixtures("x64")
def test_a_block_is_its_paper(name, reverse):
    block, step = BLOCKS[name]
    block, params, xs, carry = sample(block)
    final, ys, last = expected(block, step, params, xs, carry, reverse=reverse)
    given = block, params, np.where(MASK[..., None], xs, POISON), carry
    flags = {"mask": MASK, "resets": RESETS, "reverse": reverse}
    assert_close(unroll(*given, **flags), (final, ys))
    if name == "mamba2-norm_first" and not reverse:
        assert_close(unroll_last(*given, **flags), (final, last))


@pytest.mark.parametrize("name", slow_but(["mlstm"], list(BLOCKS)))
@pytest.mark.usefixtures("x64")
def test_a_block_can_be_stepped(name):
    block, params, xs, carry = sample(BLOCKS[name][0], 20)

    @quick_jit
    def runs(*given):
        return (
            loop(block, *given),
            rnnjax.unroll(block, *given),
            rnnjax.unroll_carries(block, *given),
        )

    params, xs, carry = jax.tree.map(np.asarray, (params, xs, carry))
    stepped, (final, ys), (carries, again) = runs(params, xs[:2], carry)
    assert_close(stepped, (final, ys))
    assert_close((jax.tree.map(lambda own: own[-1], carries), again), (final, ys))


@pytest.mark.slow
@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.usefixtures("x64")
def test_pieces_are_the_whole(name):
    """Of which the longer ones are taken as products of matrices, where the core has them."""
    block, params, xs, carry = sample(BLOCKS[name][0], 20)
    middle, first = unroll(block, params, xs[:2], carry)
    final, second = unroll(block, params, xs[2:], middle)
    whole = unroll(block, params, xs, carry)
    assert_close((final, np.concatenate((first, second))), whole)


@pytest.mark.slow
@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.usefixtures("x64")
def test_what_padding_holds_reaches_no_gradient(name):
    block, params, xs, carry = sample(BLOCKS[name][0])
    cotangents = jax.tree.map(np.ones_like, (carry, xs))
    poisoned = np.where(MASK[..., None], xs, POISON)
    found = pull_back(cotangents, block, params, poisoned, carry, mask=MASK)
    clean = pull_back(cotangents, block, params, xs, carry, mask=MASK)
    assert_close(found, clean)


@pytest.mark.usefixtures("x64")
def test_a_kernel_that_reads_the_present_alone_leaves_the_cell():
    block, params, xs, _ = sample(DeltaNetBlock(D, heads=2, window=2))
    params = params._replace(conv=params.conv._replace(w=np.eye(2)[1][:, None] * np.ones((2, 12))))
    cell, own = GatedDeltaNet(D, D, heads=2), params.core._replace(w_x=params.w_in)
    run = quick_jit(lambda *given: [rnnjax.unroll(*own)[1] for own in given])
    ys = run((block, params, xs), (cell, own, xs))
    assert_close(ys[0], ys[1])


def test_initial_values():
    blocks = Mamba2Block(32), MLSTMBlock(32, blocks=2), SLSTMBlock(32), DeltaNetBlock(32)
    shapes = [jax.eval_shape(block.init, KEY) for block in blocks]
    assert shapes[0].w_in.shape == (32, 128 + 256 + 4)
    assert shapes[0].b_in is None
    assert shapes[2].w_up.shape == (32, 86)
    assert shapes[3].w_in.shape == (32, 4 * 32 + 8)

    @quick_jit
    def drawn():
        params = blocks[1].init(KEY)
        return params._replace(conv=None, core=params.core._replace(b_g=None))

    params = drawn()
    assert np.std(params.w_in) == pytest.approx(np.sqrt(2 / 160), rel=0.05)
    assert np.std(params.w_q) == pytest.approx(np.sqrt(2 / 160), rel=0.15)
    assert np.std(params.w_out) == pytest.approx(1 / np.sqrt(32), rel=0.05)
    assert not params.core.w_g.any()
    assert params.core.w_g.shape == (192, 8)
    assert params.core.w_x is None


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Mamba2Block(4, heads=3), "SSD: heads=3 must divide"),
        (lambda: MLSTMBlock(4, heads=3), "MLSTMCore: heads=3 must divide"),
        (lambda: MLSTMBlock(4, block_size=3), "MLSTMBlock: block_size=3 must divide the 8"),
        (lambda: SLSTMBlock(4, heads=3), "SLSTM: heads=3 must divide"),
        (lambda: DeltaNetBlock(4, window=1), "CausalConv: window must be at least 2"),
    ],
)
def test_settings_that_are_none_are_told(make, said):
    with pytest.raises(ValueError, match=said):
        make()
