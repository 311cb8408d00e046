"""What a user reads after a mistake: one sentence with what was wrong and what was expected."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax import (
    GRU,
    LSTM,
    LSTMP,
    Bidirectional,
    Dropout,
    LearnedCarry,
    Residual,
    SimpleRNN,
    Stack,
)
from rnnjax.cells import BASIC, GRUCarry, LSTMCarry, SimpleRNNCarry

ACTIVATION_LIST = (
    "elu, gelu, hard_sigmoid, hard_tanh, keras2_hard_sigmoid, leaky_relu, linear, relu, selu, "
    "sigmoid, silu, softplus, softsign, tanh"
)


def parameters(cell):
    return jax.tree.map(lambda a: jnp.zeros(a.shape), jax.eval_shape(cell.init, jax.random.key(0)))


def message(text):
    return "^" + re.escape(text) + "$"


@pytest.mark.parametrize("value", [0, -1, True, 2.0, "3", None])
@pytest.mark.parametrize(
    ("build", "field"),
    [
        (lambda v: SimpleRNN(v, 2), "input_size"),
        (lambda v: SimpleRNN(2, v), "hidden_size"),
        (lambda v: LSTM(v, 2), "input_size"),
        (lambda v: LSTM(2, v), "hidden_size"),
        (lambda v: LSTMP(v, 2, 2), "input_size"),
        (lambda v: LSTMP(2, v, 2), "hidden_size"),
        (lambda v: LSTMP(2, 2, v), "projection_size"),
        (lambda v: GRU(v, 2), "input_size"),
        (lambda v: GRU(2, v), "hidden_size"),
    ],
)
def test_a_size_is_a_positive_integer(build, field, value):
    with pytest.raises(
        ValueError,
        match=rf"^\w+: {field} must be a positive integer, not {re.escape(repr(value))}\.$",
    ):
        build(value)


@pytest.mark.parametrize("cell_type", BASIC.values())
def test_an_unknown_name_is_answered_with_the_known_ones(cell_type):
    name = cell_type.__name__
    with pytest.raises(
        ValueError,
        match=message(f"{name}: unknown activation 'tahn'; expected one of: {ACTIVATION_LIST}."),
    ):
        cell_type(2, 3, activation="tahn")
    with pytest.raises(
        ValueError,
        match=message(f"{name}: unknown initialization 'jax'; expected one of: keras, torch."),
    ):
        cell_type(2, 3, initialization="jax")


@pytest.mark.parametrize("cell_type", [cell for cell in BASIC.values() if cell is not SimpleRNN])
def test_so_is_an_unknown_gate(cell_type):
    with pytest.raises(
        ValueError,
        match=message(
            f"{cell_type.__name__}: unknown recurrent_activation None; expected one of: "
            f"{ACTIVATION_LIST}."
        ),
    ):
        cell_type(2, 3, recurrent_activation=None)


def test_a_stack_has_layers_that_fit():
    with pytest.raises(ValueError, match=message("Stack: expected at least one layer, got none.")):
        Stack(())
    with pytest.raises(
        ValueError,
        match=message("Stack: GRU takes 5 inputs, but LSTM below it has 4 outputs."),
    ):
        Stack((LSTM(3, 4), GRU(5, 4)))


BOTH_WAYS = Bidirectional(GRU(4, 2))


@pytest.mark.parametrize(
    "layer",
    [
        Stack((BOTH_WAYS, GRU(4, 2))),
        Dropout(BOTH_WAYS, inputs=0.1),
        LearnedCarry(BOTH_WAYS),
        Residual(BOTH_WAYS),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_bidirectional_layer_can_not_be_stepped(layer):
    params, carry = layer.init(jax.random.key(0)), layer.initial_carry()
    expected = message(
        f"{type(layer).__name__}: Bidirectional needs the whole sequence and can't be stepped one "
        "input at a time; use rnnjax.unroll."
    )
    with pytest.raises(ValueError, match=expected):
        layer(params, carry, jnp.zeros(4))
    with pytest.raises(ValueError, match=expected):
        layer.step(params, carry, (jnp.zeros(4), jnp.zeros(4)))


def test_the_directions_fit_each_other():
    with pytest.raises(
        ValueError,
        match=message(
            "Bidirectional: both directions read the same inputs, but forward takes 3 and backward "
            "4 features."
        ),
    ):
        Bidirectional(GRU(3, 2), GRU(4, 2))
    for merge in ("sum", "mul", "ave"):
        with pytest.raises(
            ValueError,
            match=message(
                f"Bidirectional: merge={merge!r} needs outputs of one size, but forward has 2 and "
                "backward 5."
            ),
        ):
            Bidirectional(GRU(3, 2), GRU(3, 5), merge=merge)
    with pytest.raises(
        ValueError,
        match=message(
            "Bidirectional: unknown merge 'add'; expected one of: ave, concat, mul, none, sum."
        ),
    ):
        Bidirectional(GRU(3, 2), merge="add")


CELL = LSTM(3, 4)


@pytest.mark.parametrize("run", [rnnjax.unroll, rnnjax.unroll_last])
class TestUnroll:
    def expect(self, text, run, xs, carry=None, **flags):
        with pytest.raises(ValueError, match=message(text)):
            run(CELL, parameters(CELL), xs, carry, **flags)

    @pytest.mark.parametrize("shape", [(5, 2, 4), (2,), (3, 5), ()])
    def test_the_last_axis_holds_the_features(self, run, shape):
        self.expect(
            "LSTM was built for inputs of 3 features on the last axis, but got an input of shape "
            f"{shape}.",
            run,
            np.zeros(shape, np.float32),
        )

    def test_a_single_step_is_no_sequence(self, run):
        self.expect(
            "unroll wants inputs [T, ..., D], time first, but got the shape (3,); to take a single "
            "step, call the cell itself.",
            run,
            np.zeros(3, np.float32),
        )

    def test_there_is_a_step(self, run):
        self.expect(
            "unroll wants at least one time step, but the inputs have T = 0.",
            run,
            np.zeros((0, 2, 3), np.float32),
        )

    def test_the_executor_is_known(self, run):
        with pytest.raises(
            ValueError, match="executor 'fast'; expected one of: associative, auto, chunked"
        ):
            run(CELL, parameters(CELL), np.zeros((5, 3), np.float32), executor="fast")

    @pytest.mark.parametrize("name", ["mask", "resets"])
    @pytest.mark.parametrize("dtype", ["float32", "int32"])
    def test_flags_are_boolean(self, run, name, dtype):
        self.expect(
            f"The {name} must be boolean, but its dtype is {dtype}.",
            run,
            np.zeros((5, 2, 3), np.float32),
            **{name: np.ones((5, 2), dtype)},
        )

    @pytest.mark.parametrize("name", ["mask", "resets"])
    @pytest.mark.parametrize("shape", [(2,), (2, 5), (5, 1), (5, 2, 3), (5, 2, 1), (4, 2), ()])
    def test_flags_have_the_axes_of_the_inputs(self, run, name, shape):
        self.expect(
            f"The {name} must have the shape (5,) or (5, 2) of the inputs without their features, "
            f"but has {shape}.",
            run,
            np.zeros((5, 2, 3), np.float32),
            **{name: np.ones(shape, bool)},
        )

    @pytest.mark.parametrize(
        "carry",
        [
            LSTMCarry(np.zeros((2, 4), np.float32), np.zeros((2, 5), np.float32)),
            LSTMCarry(np.zeros(4, np.float32), np.zeros(4, np.float32)),
            LSTMCarry(np.zeros((1, 4), np.float32), np.zeros((1, 4), np.float32)),
            GRUCarry(np.zeros((2, 4), np.float32)),
            np.zeros((2, 4), np.float32),
        ],
        ids=["size", "no batch", "another batch", "GRU", "array"],
    )
    def test_the_carry_fits(self, run, carry):
        self.expect(
            "The carry does not fit LSTM on a batch of shape (2,): expected LSTMCarry(h=(2, 4), "
            f"c=(2, 4)), got {jax.tree.map(np.shape, carry)}.",
            run,
            np.zeros((5, 2, 3), np.float32),
            carry,
        )


def test_a_cell_checks_a_single_input_too(case):
    cell = case.make()
    with pytest.raises(ValueError, match=r"inputs of 3 features on the last axis.*\(2, 4\)\.$"):
        cell(parameters(cell), cell.initial_carry((2,)), jnp.zeros((2, 4)))


@pytest.mark.parametrize(
    ("cell", "carry"),
    [
        (SimpleRNN(3, 4), GRUCarry(np.zeros((2, 4), np.float32))),
        (GRU(3, 4), SimpleRNNCarry(np.zeros((2, 4), np.float32))),
        (LSTM(3, 4), (np.zeros((2, 4), np.float32), np.zeros((2, 4), np.float32))),
    ],
    ids=["GRU's", "SimpleRNN's", "tuple"],
)
def test_a_carry_of_another_kind_is_refused_although_its_shapes_fit(cell, carry):
    xs = np.zeros((5, 2, 3), np.float32)
    with pytest.raises(ValueError, match=r"^The carry does not fit \w+ on a batch of shape \(2,\)"):
        rnnjax.unroll(cell, parameters(cell), xs, carry)


def test_a_carry_of_integers_is_refused_because_it_would_stay_one():
    ones = np.ones((2, 4), np.int32)
    xs = np.zeros((5, 2, 3), np.float32)
    with pytest.raises(ValueError, match="carry of LSTM must be of floating type, but is int32"):
        rnnjax.unroll(LSTM(3, 4), parameters(LSTM(3, 4)), xs, LSTMCarry(ones, ones))


def test_a_carry_in_float64_is_taken_where_there_is_float32_only():
    cell, xs = GRU(3, 4), np.ones((5, 2, 3), np.float32)
    resets = np.zeros(5, bool)
    carry, _ = rnnjax.unroll(cell, parameters(cell), xs, GRUCarry(np.ones((2, 4))), resets=resets)
    assert carry.h.dtype == jnp.float32


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: Stack(LSTM(3, 4)), "Stack: expected a tuple of layers, not LSTM("),
        (lambda: Stack((1, 2)), "Stack: expected cells or combinations of cells"),
        (lambda: Bidirectional("lstm"), "Bidirectional: expected cells or combinations of cells"),
        (lambda: LSTM(3, 4, activation=["tanh"]), "unknown activation ['tanh']"),
        (
            lambda: Stack((Bidirectional(GRU(3, 4), merge="none"), GRU(4, 4))),
            "Bidirectional with merge='none' gives a pair of outputs",
        ),
        (lambda: rnnjax.unroll("lstm", None, np.zeros((5, 3))), "unroll wants a cell"),
    ],
)
def test_what_is_no_layer_is_refused(build, text):
    with pytest.raises(ValueError, match=re.escape(text)):
        build()


def test_a_size_may_be_a_numpy_integer():
    assert LSTM(np.int64(3), 4) == LSTM(3, 4)
    assert hash(LSTM(np.int64(3), 4)) == hash(LSTM(3, 4))


@pytest.mark.parametrize(
    ("layer", "of", "complaint"),
    [
        (LSTM(3, 4), GRU(3, 4), "The parameters do not fit LSTM: expected those that its init"),
        (LSTM(3, 4), LSTM(3, 5), "expected w_x of shape (3, 16), got (3, 20)."),
        (GRU(3, 4), GRU(5, 4), "expected w_x of shape (3, 12), got (5, 12)."),
        (Stack((GRU(3, 4), GRU(4, 4))), Stack((GRU(3, 4), GRU(4, 5))), "expected 1.w_x of shape"),
        (Stack((GRU(3, 4),)), GRU(3, 4), "The parameters do not fit Stack"),
        (Bidirectional(GRU(3, 4)), GRU(3, 4), "The parameters do not fit Bidirectional"),
    ],
)
def test_parameters_of_another_layer_are_refused(layer, of, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)):
        rnnjax.unroll(layer, parameters(of), jnp.zeros((5, 3)))


def test_a_missing_matrix_is_refused_and_a_missing_bias_is_none():
    cell = LSTM(3, 4)
    params = parameters(cell)
    rnnjax.unroll(cell, params._replace(b=None), jnp.zeros((5, 3)))
    with pytest.raises(ValueError, match=r"expected w_h of shape \(4, 16\), got None"):
        rnnjax.unroll(cell, params._replace(w_h=None), jnp.zeros((5, 3)))
