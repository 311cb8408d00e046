"""What a cell's own call, and a run over a sequence, refuse: what can't be right, and no more."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax import GRU, LSTM, Dropout, LearnedCarry, Residual, Stack, Zoneout, length_mask
from rnnjax.cells import LSTMCarry
from tests.running import quick_jit
from tests.test_own_cells import Counting, MatrixMemory, OneMatrixTwice, OwnCell

D, ROWS = 3, 2
STEPPED = [
    LSTM(D, 4),
    Stack((LSTM(D, 4), GRU(4, 4))),
    LearnedCarry(GRU(D, 4)),
    Zoneout(Dropout(LSTM(D, 4), state=0.1), h=0.1),
    Residual(LSTM(D, D)),
    OneMatrixTwice(),
    Counting(),
    MatrixMemory(),
]
each_cell = pytest.mark.parametrize("cell", STEPPED, ids=lambda cell: type(cell).__name__)


def zeros_like(tree):
    return jax.tree.map(lambda a: np.zeros(a.shape, a.dtype), tree)


def parameters(cell):
    return zeros_like(jax.eval_shape(cell.init, jax.random.key(0)))


def first(cell, *batch_shape):
    return zeros_like(jax.eval_shape(lambda: cell.initial_carry(batch_shape)))


def one_sentence(text):
    return rf"^[^\n]*{text}[^\n]*\.$"


X = np.zeros((ROWS, D), np.float32)

NO_ARRAYS = {
    "objects": X.astype(object),
    "strings": X.astype(str),
    "dates": X.astype("datetime64[s]"),
    "None": None,
    "ragged list": [[1.0, 2.0], [3.0]],
    "list": X.tolist(),
    "string": "x",
}


@each_cell
class TestACallOfACell:
    def refuses(self, text, cell, params, carry, x):
        with pytest.raises(ValueError, match=one_sentence(text)):
            cell(params, carry, x)
        with pytest.raises(ValueError, match=text):
            jax.eval_shape(cell, params, carry, x)

    def test_whatever_fits_is_taken(self, cell):
        for batch_shape in [(), (2,), (3, 1), (0,)]:
            x = jnp.zeros((*batch_shape, D))
            carry, _ = jax.eval_shape(cell, parameters(cell), first(cell, *batch_shape), x)
            assert jax.tree.map(jnp.shape, carry) == jax.tree.map(
                jnp.shape, first(cell, *batch_shape)
            )

    @pytest.mark.parametrize(
        ("of_carry", "of_x"),
        [((3, 1), (3, 10)), ((1,), (2,)), ((2,), ()), ((), (2,)), ((3,), ()), ((2, 3), (3,))],
        ids=str,
    )
    def test_the_carry_has_the_batch_axes_of_the_input(self, cell, of_carry, of_x):
        text = re.escape(
            f"The carry does not fit {type(cell).__name__} on a batch of shape {of_x}:"
        )
        x = np.zeros((*of_x, D), np.float32)
        self.refuses(text, cell, parameters(cell), first(cell, *of_carry), x)

    def test_there_is_a_carry(self, cell):
        with pytest.raises(ValueError, match=one_sentence("wants a carry to step from.* None")):
            cell(parameters(cell), None, X)

    def test_the_carry_is_one_of_this_cell(self, cell):
        carry = first(cell, ROWS)
        other = (carry,) if not isinstance(cell, Stack) else carry[0]
        self.refuses("The carry does not fit", cell, parameters(cell), other, X)

    @pytest.mark.parametrize("dtype", [object, "U3"])
    def test_the_carry_is_made_of_numbers(self, cell, dtype):
        carry = jax.tree.map(lambda a: a.astype(dtype), first(cell, ROWS))
        with pytest.raises(ValueError, match=one_sentence("must be made of arrays of numbers")):
            cell(parameters(cell), carry, X)

    @pytest.mark.parametrize("dtype", [np.int32, np.bool_, np.complex64])
    def test_the_carry_can_hold_the_state(self, cell, dtype):
        carry = jax.tree.map(lambda a: a.astype(dtype), first(cell, ROWS))
        self.refuses("must be of floating type, but is", cell, parameters(cell), carry, X)

    def test_the_parameters_are_those_of_this_cell(self, cell):
        with pytest.raises(ValueError, match=one_sentence("The parameters do not fit")):
            cell(None, first(cell, ROWS), X)
        params = parameters(cell)
        self.refuses("The parameters do not fit", cell, [params], first(cell, ROWS), X)
        wider = jax.tree.map(lambda a: np.zeros((*a.shape[:-1], 7)), params)
        self.refuses("expected .* of shape", cell, wider, first(cell, ROWS), X)

    @pytest.mark.parametrize("dtype", [object, "U3"])
    def test_the_parameters_are_numbers(self, cell, dtype):
        params = jax.tree.map(lambda a: a.astype(dtype), parameters(cell))
        with pytest.raises(
            ValueError, match=one_sentence("to be an array of numbers, got an array")
        ):
            cell(params, first(cell, ROWS), X)

    @pytest.mark.parametrize("kind", ["objects", "strings", "dates", "None", "string"])
    def test_the_input_is_made_of_numbers(self, cell, kind):
        with pytest.raises(
            ValueError, match=one_sentence("wants its input as one array of numbers")
        ):
            cell(parameters(cell), first(cell, ROWS), NO_ARRAYS[kind])


@pytest.mark.parametrize("cell", STEPPED[:5], ids=lambda cell: type(cell).__name__)
@pytest.mark.parametrize("kind", NO_ARRAYS)
def test_our_cells_read_one_array(cell, kind):
    with pytest.raises(ValueError, match=one_sentence("wants its input as one array of numbers")):
        cell(parameters(cell), first(cell, ROWS), NO_ARRAYS[kind])


RUNS = [rnnjax.unroll, rnnjax.unroll_last, rnnjax.unroll_carries]
CELL = LSTM(D, 4)
XS = np.zeros((5, ROWS, D), np.float32)


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.__name__)
class TestARun:
    def refuses(self, text, run, xs=XS, params=None, **options):
        with pytest.raises(ValueError, match=one_sentence(text)):
            run(CELL, parameters(CELL) if params is None else params, xs, **options)

    @pytest.mark.parametrize("kind", NO_ARRAYS)
    def test_the_inputs_are_one_array_of_numbers(self, run, kind):
        self.refuses("LSTM wants its input as one array of numbers", run, NO_ARRAYS[kind])

    @pytest.mark.parametrize("name", ["mask", "resets"])
    @pytest.mark.parametrize(
        "flags",
        [np.ones((5, 2), object), np.ones((5, 2), str), [[True], [True, True]], "yes", 1, 1.0],
        ids=str,
    )
    def test_flags_are_booleans(self, run, name, flags):
        self.refuses(
            f"The {name} must be (an array of booleans|boolean), but", run, **{name: flags}
        )

    @pytest.mark.parametrize("reverse", ["False", "", 1, 0, None, [], jnp.array(True)], ids=repr)
    def test_reverse_is_a_bool(self, run, reverse):
        self.refuses("unroll: reverse must be True or False, not", run, reverse=reverse)

    @pytest.mark.parametrize(
        "key",
        [
            0,
            "a",
            np.ones(2, np.float32),
            jnp.zeros((2, 2), jnp.uint32),
            jax.random.split(jax.random.key(0)),
        ],
        ids=lambda key: type(key).__name__,
    )
    def test_the_key_is_one_key(self, run, key):
        self.refuses("unroll: key must be one random key", run, key=key)

    @pytest.mark.parametrize("executor", [None, 1, ["scan"], np.array(["scan"])], ids=repr)
    def test_the_executor_is_a_name(self, run, executor):
        self.refuses("unroll: unknown executor", run, executor=executor)

    @pytest.mark.parametrize(
        "steps", [True, False, 0, -1, 2.0, "x", [], np.array([1, 2])], ids=repr
    )
    def test_remat_chunk_is_a_count(self, run, steps):
        self.refuses("unroll: remat_chunk must be a positive number", run, remat_chunk=steps)

    def test_the_carry_and_the_parameters_are_made_of_numbers(self, run):
        texts = jax.tree.map(lambda a: a.astype(str), (first(CELL, ROWS), parameters(CELL)))
        self.refuses("must be made of arrays of numbers, but h is an array", run, carry=texts[0])
        self.refuses("expected w_x to be an array of numbers", run, params=texts[1])

    def test_what_numpy_calls_a_bool_or_an_integer_is_one(self, run):
        def shapes(**options):
            return jax.eval_shape(lambda: run(CELL, parameters(CELL), XS, **options))

        assert shapes(reverse=np.True_, remat_chunk=np.int64(2), mask=[True] * 5) == shapes()

    @pytest.mark.parametrize(
        "key", [jax.random.PRNGKey(0), jax.random.key(0), np.zeros(2, np.uint32)]
    )
    def test_keys_of_both_kinds_are_taken(self, run, key):
        layer = Dropout(CELL, inputs=0.5)
        jax.eval_shape(lambda: run(layer, parameters(layer), XS, key=key))


class Words(OwnCell):
    """Its inputs are indices of words, without an axis of features."""

    shapes = {"w_x": (D, 4), "w_h": (4, 4)}  # noqa: RUF012

    def project(self, params, x):
        return params["w_x"][x]

    def step(self, params, carry, z):
        h = jnp.tanh(z + carry @ params["w_h"])
        return h, h


class Pairs(OwnCell):
    """Its inputs are a dictionary."""

    def project(self, params, x):
        return x["a"] @ params["w_x"] + x["b"]

    step = Words.step


class Rotating(OwnCell):
    """Its carry is complex, and its parameters and inputs are not."""

    def initial_carry(self, batch_shape=(), dtype=None):
        return jnp.zeros((*batch_shape, 4), jnp.complex64)

    def step(self, params, carry, z):
        carry = carry * jnp.exp(1j) + z
        return carry, carry.real


class Drawing(OwnCell):
    """Its carry holds a random key."""

    def initial_carry(self, batch_shape=(), dtype=None):
        return {"h": jnp.zeros((*batch_shape, 4), dtype), "key": jax.random.key(0)}

    def step(self, params, carry, z):
        key, now = jax.random.split(carry["key"])
        return {"h": z + jax.random.normal(now, z.shape), "key": key}, z


class Unhashable(OneMatrixTwice):
    """As a dataclass that is not frozen."""

    __hash__ = None  # pyright: ignore[reportAssignmentType]


@pytest.mark.parametrize(
    ("cell", "x"),
    [
        (Words(), np.arange(ROWS)),
        (Words(), np.arange(D)),  # as many rows as an input would have features
        (Words(), np.int32(1)),
        (Pairs(), {"a": X, "b": np.zeros((ROWS, 4))}),
        (Rotating(), X),
        (Drawing(), X),
        (Unhashable(), X),
    ],
    ids=lambda value: type(value).__name__,
)
def test_own_cells_may_have_inputs_and_carries_of_their_own(cell, x):
    batch_shape = jax.tree.leaves(x)[0].shape[: None if isinstance(cell, Words) else -1]
    params, carry = cell.init(jax.random.key(0)), cell.initial_carry(batch_shape)
    for _ in range(2):
        carry, _ = cell(params, carry, x)
    assert jax.tree.structure(carry) == jax.tree.structure(cell.initial_carry(batch_shape))


def test_a_compiled_step_is_what_it_would_be_without_checks():
    def bare(params, carry, x):
        return CELL.step(params, carry, CELL.project(params, x))

    given = parameters(CELL), first(CELL, ROWS), X
    called = jax.make_jaxpr(lambda *given: CELL(*given))(*given)
    assert str(called) == str(jax.make_jaxpr(bare)(*given))


@pytest.mark.parametrize("cell", [GRU(D, 4), GRU(D, 4, reset_after=False), LSTM(D, 4)], ids=str)
def test_a_complex_sequence_may_be_cut_anywhere(cell):
    rng = np.random.default_rng(0)
    params = jax.tree.map(lambda a: rng.standard_normal(a.shape) * 0.3, parameters(cell))
    xs = rng.standard_normal((4, D)) + 1j * rng.standard_normal((4, D))
    run = quick_jit(lambda xs, carry: rnnjax.unroll(cell, params, xs, carry, executor="scan"))
    whole, ys = run(xs, cell.initial_carry((), jnp.complex64))
    half, _ = run(xs[:2], cell.initial_carry((), jnp.complex64))
    final, rest = run(xs[2:], half)
    for a, b in zip(jax.tree.leaves((whole, ys[2:])), jax.tree.leaves((final, rest)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    # The recurrent product reads the imaginary part too.
    turned, _ = run(xs[2:], jax.tree.map(lambda a: a.real + 0j, half))
    assert np.abs(jax.tree.leaves(turned)[0] - jax.tree.leaves(final)[0]).max() > 1e-3
    with pytest.raises(ValueError, match="must be of complex type, but is float32: it keeps"):
        rnnjax.unroll(cell, params, xs, cell.initial_carry())


def test_parameters_of_integers_do_not_cut_the_state_off():
    params = jax.tree.map(lambda a: np.ones(a.shape, np.int32), parameters(CELL))
    as_floats = jax.tree.map(np.float32, params)
    carry, x = LSTMCarry(h=np.full(4, 0.5, np.float32), c=np.full(4, 0.5, np.float32)), np.ones(D)
    np.testing.assert_array_equal(CELL(params, carry, x)[1], CELL(as_floats, carry, x)[1])
    xs = np.ones((2, D), np.int32)
    final, _ = jax.eval_shape(lambda: rnnjax.unroll(CELL, params, xs))
    assert final.h.dtype == final.c.dtype == jnp.float32


class TestLengthMask:
    def refuses(self, text, lengths, num_steps=3):
        with pytest.raises(ValueError, match=f"^length_mask: {text}$"):
            length_mask(lengths, num_steps)

    @pytest.mark.parametrize(
        ("lengths", "place", "first"),
        [
            ([3, 5, -1], r"\[1\]", 5),
            ([0, -1], r"\[1\]", -1),
            (4, "", 4),
            (np.int64(-2), "", -2),
            ([[1, 2], [3, 4]], r"\[1, 1\]", 4),
            (np.array([2, 2**32 + 1]), r"\[1\]", 2**32 + 1),
            (np.array([250], np.uint8), r"\[0\]", 250),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("kind", [lambda a: a, jnp.asarray], ids=["given", "jax"])
    def test_the_first_length_out_of_range_is_named(self, lengths, place, first, kind):
        if first > 2**31 and kind is jnp.asarray:
            pytest.skip("JAX has no such integer")
        text = f"every length must be from 0 to the .*, 3, but lengths{place} is {first}\\."
        self.refuses(text, kind(lengths))

    @pytest.mark.parametrize(
        "lengths",
        [2.5, [1.0, 2.0], np.ones(2), [True, False], "ab", None, ["1"], [[1], [1, 2]], 1j, [2**40]],
        ids=repr,
    )
    def test_lengths_are_integers(self, lengths):
        self.refuses("lengths must be .*integers, but (their dtype is|got) .*", lengths)

    @pytest.mark.parametrize("num_steps", [-1, 2.0, "3", None, True, np.float32(3)], ids=repr)
    def test_so_is_the_number_of_steps(self, num_steps):
        self.refuses("num_steps must be an integer of at least 0, not .*", [0], num_steps)

    @pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64])
    @pytest.mark.parametrize("num_steps", [3, np.int64(3), 200])
    def test_whatever_is_in_range_is_taken(self, dtype, num_steps):
        mask = length_mask(np.array([0, 3, 1], dtype), num_steps)
        assert mask.sum(axis=0).tolist() == [0, 3, 1]
        assert length_mask([2, 0], num_steps).sum(axis=0).tolist() == [2, 0]
        assert length_mask(np.zeros(0, dtype), 0).shape == (0, 0)

    def test_inside_of_a_program_only_the_type_is_known(self):
        run = jax.jit(lambda lengths: length_mask(lengths, 3))
        assert run(jnp.array([5, -1, 2])).sum(axis=0).tolist() == [3, 0, 2]
        with pytest.raises(ValueError, match="their dtype is float32"):
            run(jnp.array([1.0]))
