"""The cells that read a memory, beside their papers' equations written out."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false, reportOptionalSubscript=false, reportOptionalOperand=false

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax import GRU, LSTM, Memory, Stack, unroll
from rnnjax import attention as at
from tests.attention import written_out
from tests.running import assert_close

pytestmark = pytest.mark.usefixtures("x64")

D, H, M, A, S, T = 3, 4, 5, 6, 7, 6
LENGTHS = np.array([7, 3, 1])

SCORES: dict[str, Any] = {
    "additive": at.Additive(H, M, A),
    "concat": at.Additive(H, M, A, use_bias=False, initialization="torch"),
    "dot": at.Dot(H, H),
    "scaled": at.Dot(H, H, scaled=True),
    "general": at.General(H, M),
    "coverage": at.Coverage(H, M, A),
    "location": at.LocationAware(H, M, A, num_filters=2, filter_size=5),
}


def make(kind: str, score: Any) -> Any:
    match kind:
        case "attending":
            return at.Attending(GRU(D, H, initialization="torch"), score)
        case "conditional":
            second = GRU(score.memory_size, H, initialization="torch")
            return at.Conditional(GRU(D, H, initialization="torch"), score, second=second)
        case _:
            feeding = kind == "input_feeding"
            return at.InputFeeding(
                GRU(D, H, initialization="torch"), score, attentional_size=2, feeding=feeding
            )


def given(cell: Any, seed: int = 0) -> tuple[Any, Any, np.ndarray, Memory]:
    """Parameters and a carry without zeros, inputs, and a memory of unequal rows."""
    rng = np.random.default_rng(seed)

    def draw(tree: Any) -> Any:
        return jax.tree.map(lambda a: rng.normal(size=a.shape), tree)

    values = rng.normal(size=(len(LENGTHS), S, cell.memory_size))
    memory = Memory(values, np.arange(S) < LENGTHS[:, None])
    params = draw(cell.init(jax.random.key(0)))
    first = cell.first_carry(params, (len(LENGTHS),), memory=memory)
    carry = first._replace(cell=draw(first.cell))
    return params, carry, rng.normal(size=(T, len(LENGTHS), D)), memory


CASES = [("attending", name) for name in SCORES] + [
    (kind, name)
    for kind in ("conditional", "input_feeding", "without_feeding")
    for name in ("additive", "coverage")
]


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_decoder_is_its_equations(kind, name):
    cell = make(kind, SCORES[name])
    params, carry, xs, memory = given(cell)
    # What stands where there is no place can be anything.
    values = np.where(memory.mask[..., None], memory.values, np.nan)
    ys = unroll(cell, params, xs, carry, memory=Memory(values, memory.mask))[1]
    _, again, weights = at.attention_weights(cell, params, xs, Memory(values, memory.mask), carry)
    assert_close(again, ys)
    for row, length in enumerate(LENGTHS):
        wanted, looked = written_out.decoder(
            cell, params, carry.cell.h[row], xs[:, row], memory.values[row, :length]
        )
        np.testing.assert_allclose(ys[:, row], wanted, atol=1e-10)
        np.testing.assert_allclose(weights[:, row, :length], looked, atol=1e-10)
        assert not weights[:, row, length:].any()


@pytest.mark.parametrize(("kind", "name"), [("attending", n) for n in SCORES] + CASES[-4:-1:2])
def test_the_gradient_is_that_of_a_plain_loop(kind, name):
    cell = make(kind, SCORES[name])
    params, carry, xs, memory = given(cell)
    first = carry._replace(past=None, fed=None)

    def loss(executor: str, params: Any, state: Any, xs: Any, values: Any) -> jax.Array:
        start = carry._replace(cell=state.cell)
        _, ys = unroll(
            cell, params, xs, start, memory=Memory(values, memory.mask), executor=executor
        )
        return jnp.sin(ys).sum()

    slope = jax.jit(jax.grad(loss, (1, 2, 3, 4)), static_argnums=0)
    values = np.where(memory.mask[..., None], memory.values, np.nan)
    found, wanted = (slope(how, params, first, xs, values) for how in ("chunked", "scan"))
    assert_close(found, wanted)
    assert not found[3][~memory.mask].any()
    assert all(np.any(leaf) for leaf in jax.tree.leaves(found))


def test_a_row_alone_among_others_and_in_a_group_reads_the_same():
    cell = make("attending", SCORES["location"])
    params, carry, xs, memory = given(cell)
    ys = unroll(cell, params, xs, carry, memory=memory)[1]
    alone = jax.tree.map(lambda a: a[1], carry)
    own = Memory(memory.values[1], memory.mask[1])
    assert_close(unroll(cell, params, xs[:, 1], alone, memory=own)[1], ys[:, 1])
    # As beams do: several states of each row read one memory.
    group = jax.tree.map(lambda a: np.stack((a, a[::-1]), 1), carry)
    shared = Memory(memory.values[:, None], memory.mask[:, None])
    remembered = cell.remember(params, shared)
    z = cell.project(params, np.stack((xs[0], xs[0]), 1))
    _, both = cell.step(params, group, z, remembered)
    assert_close(both[:, 0], ys[0])
    assert np.abs(both[:2, 1] - ys[0, :2]).max() > 0.01


def test_a_step_is_that_of_a_run_and_padding_of_inputs_is_held():
    cell = make("input_feeding", SCORES["coverage"])
    params, carry, xs, memory = given(cell)
    mask = np.arange(T)[:, None] < np.array([6, 2, 4])
    final, ys = unroll(cell, params, xs, carry, memory=memory, mask=mask)
    for x, valid, y in zip(xs, mask, ys, strict=True):
        after, own = cell(params, carry, x, memory)
        keep = [valid.reshape(-1, *[1] * (a.ndim - 1)) for a in jax.tree.leaves(carry)]
        old, structure = jax.tree.flatten(carry)
        new = jax.tree.leaves(after)
        kept = [np.where(v, n, o) for v, n, o in zip(keep, new, old, strict=True)]
        carry = structure.unflatten(kept)
        assert_close(y, np.where(valid[:, None], own, 0))
    assert_close(final, carry)


def test_a_memory_without_places_reads_zeros():
    cell = make("attending", SCORES["additive"])
    params, carry, xs, memory = given(cell)
    nothing = Memory(memory.values, np.zeros_like(memory.mask))
    slope = jax.grad(
        lambda params: unroll(cell, params, xs, carry, memory=nothing)[1].sum()
    )(params)  # fmt: skip
    ys = unroll(cell, params, xs, carry, memory=nothing)[1]
    assert not ys[..., H:].any()
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slope))


def test_the_state_of_a_stack_that_asks_is_the_top_one():
    cell = at.Attending(Stack((LSTM(D, 2), LSTM(2, H))), SCORES["additive"])
    params, carry, xs, memory = given(cell)
    after, _, weights = cell.step_and_weights(
        params, carry, cell.project(params, xs[0]), cell.remember(params, memory)
    )
    row = 0
    scores = written_out.scores(
        cell.attention, params.attention, carry.cell[1].h[row], memory.values[row], []
    )
    np.testing.assert_allclose(weights[row], written_out.softmax(scores), atol=1e-10)
    assert after.cell[1].h.shape == (3, H)


def test_half_precision_keeps_its_type():
    cell = make("conditional", SCORES["coverage"])
    params, carry, xs, memory = given(cell)
    narrow = jax.tree.map(lambda a: jnp.asarray(a, jnp.bfloat16), (params, xs, memory.values))
    own = jax.tree.map(lambda a: jnp.asarray(a, jnp.float32), carry)
    final, ys = unroll(
        cell, narrow[0], narrow[1], own, memory=Memory(narrow[2], jnp.asarray(memory.mask))
    )
    assert ys.dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves(final)} == {jnp.dtype("float32")}
    exact = unroll(cell, params, xs, carry, memory=memory)[1]
    assert np.abs(np.asarray(ys, np.float64) - exact).max() < 0.1


@pytest.mark.parametrize(
    ("make_wrong", "message"),
    [
        (lambda: at.Attending(GRU(3, 4), at.Dot(5, 5)), "queries of 5 features, but the cell"),
        (lambda: at.Attending(at.Dot(4, 4), at.Dot(4, 4)), "a cell that reads no memory"),
        (lambda: at.Attending(GRU(3, 4), GRU(3, 4)), "a way of scoring"),
        (lambda: at.Dot(4, 5), "General has a matrix"),
        (lambda: at.LocationAware(4, 5, 6, filter_size=4), "must be odd, not 4"),
        (
            lambda: at.Conditional(GRU(3, 4), at.General(4, 5), second=GRU(4, 4)),
            "must read the memory's 5 features",
        ),
        (
            lambda: make("attending", SCORES["coverage"]).initial_carry((3,)),
            "the first carry needs it",
        ),
    ],
)
def test_what_does_not_fit_is_said(make_wrong, message):
    with pytest.raises(ValueError, match=message):
        make_wrong()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: None, "give memory=rnnjax.Memory"),
        (lambda m: m.values, "give memory=rnnjax.Memory"),
        (lambda m: Memory(m.values[:2]), r"must have values \[3, S, M\], but has \(2, 7, 5\)"),
        (lambda m: Memory(m.values, m.mask[:, :2]), r"must be booleans \(3, 7\)"),
    ],
)
def test_a_memory_that_does_not_fit_is_said(change, message):
    cell = make("attending", SCORES["additive"])
    params, carry, xs, memory = given(cell)
    with pytest.raises(ValueError, match=message):
        unroll(cell, params, xs, carry, memory=change(memory))


def test_one_sequence_has_a_memory_of_places():
    cell = make("attending", SCORES["additive"])
    params, _, xs, memory = given(cell)
    with pytest.raises(ValueError, match=r"must have values \[S, M\], but has \(5,\)"):
        unroll(cell, params, xs[:, 0], memory=Memory(memory.values[0, 0]))


def test_a_cell_that_reads_none_is_given_none():
    cell = GRU(D, H)
    memory = Memory(np.zeros((2, 3, 4)))
    with pytest.raises(ValueError, match="GRU reads no memory"):
        unroll(cell, cell.init(jax.random.key(0)), np.zeros((5, 2, D)), memory=memory)
