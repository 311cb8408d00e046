"""What the fields of cells and combinators may hold, whichever class has them."""

# NumPy arrays go where JAX arrays are declared.
# pyright: reportArgumentType=false

from __future__ import annotations

import dataclasses
import fractions
import re

import jax.numpy as jnp
import numpy as np
import pytest

import rnnjax
from rnnjax import CELLS, GRU, LSTM, LSTMP, Cell
from rnnjax.hyperparameters import Activation, Flag, Rate, Size, check_hyperparameters, rules

ARGUMENTS = {
    **{cell: (3, 4) for cell in CELLS.values()},
    LSTMP: (3, 4, 2),
    **{cell: (3,) for cell in (rnnjax.CausalConv, rnnjax.S4D, rnnjax.S6, rnnjax.Window)},
    rnnjax.EALSTM: (3, 4, 1),
    **{
        cell: (3, 4, (5, 5), (3, 3))
        for cell in (rnnjax.ConvRNN, rnnjax.ConvLSTM, rnnjax.ConvGRU, rnnjax.ConvSTAR)
    },
    rnnjax.FFM: (3, 4, 2, 5),
    rnnjax.GRUD: (6, 4),
    rnnjax.HiPPOLegS: (3, 4),
    rnnjax.HiPPORNN: (3, 4),
    rnnjax.LegendreMemory: (3, 4, 10.0),
    rnnjax.LMU: (3, 4, 2, 10.0),
    rnnjax.MassConservingLSTM: (3, 4, 1),
    rnnjax.RGLRU: (4,),
    rnnjax.SSD: (8,),
    rnnjax.Bidirectional: (LSTM(3, 4),),
    rnnjax.Reversed: (LSTM(3, 4),),
    rnnjax.OneHot: (LSTM(3, 4),),
    rnnjax.Residual: (LSTM(3, 3),),
    rnnjax.LearnedCarry: (LSTM(3, 4),),
    rnnjax.Dropout: (LSTM(3, 4),),
    rnnjax.Zoneout: (LSTM(3, 4),),
    rnnjax.Dilated: (LSTM(3, 4), 2),
    rnnjax.Momentum: (LSTM(3, 4),),
    rnnjax.Skip: (LSTM(3, 4),),
    rnnjax.FastSlow: ((LSTM(3, 4), LSTM(5, 4)), LSTM(4, 5)),
    rnnjax.Grouped: (LSTM(3, 4), 2),
    rnnjax.Stack: ((LSTM(3, 4),),),
}
"""What builds each kind of layer."""

BAD = {
    "input_size": [0, -1, True, 2.0, "3", None, np.float64(3), jnp.float32(3)],
    "space": [(), 3, "33", (0,), [-1], (2.0,), (True,), None],
    "use_bias": ["False", "", 0, 1, None, 0.0, [], np.int64(1), np.array([True])],
    "dropout": [-0.1, 1, 1.0, float("nan"), float("inf"), True, False, "0.5", None, 1 + 0j],
    "epsilon": [0, -1.0, float("nan"), float("inf"), True, "1e-5", None],
    "activation": ["tahn", "", None, 3, True, ["tanh"], b"tanh"],
    "highway_bias": [float("nan"), float("inf"), True, "1", None],
    "merge": ["add", None, 1, ("sum",)],
    "layer": [None, "lstm", LSTM, 3],
    "layers": [None, (), [], LSTM(3, 4), "lstm", (LSTM,), (None,)],
}
"""Values that a field must not hold; fields of one kind stand behind one of them."""

KINDS = {
    "hidden_size": "input_size",
    "projection_size": "input_size",
    "reset_after": "use_bias",
    "recurrent_activation": "activation",
    "initialization": "activation",
    "forward": "layer",
    "slow": "layer",
    "fast": "layers",
    **dict.fromkeys(("inputs", "state", "update", "weights", "h", "c"), "dropout"),
}

BY_RULE = {
    "_size": "input_size",
    "_sizes": "space",
    "_flag": "use_bias",
    "_rate": "dropout",
    "_positive": "epsilon",
    "_real": "highway_bias",
    "check": "activation",
}
"""And those of other kinds of cells, behind one of the same rule."""

FIELDS = [(layer, field.name) for layer in ARGUMENTS for field in dataclasses.fields(layer)]


def build(kind, /, **fields):
    names = [field.name for field in dataclasses.fields(kind)]
    given = dict(zip(names, ARGUMENTS[kind], strict=False))
    return kind(**{**given, **fields})


def test_every_kind_of_layer_is_here():
    public = [getattr(rnnjax, name) for name in rnnjax.__all__]
    layers = {kind for kind in public if dataclasses.is_dataclass(kind)}
    assert layers == set(ARGUMENTS)


@pytest.mark.parametrize(("layer", "name"), FIELDS)
def test_every_field_has_a_rule(layer, name):
    assert name in rules(layer)


@pytest.mark.parametrize(("layer", "name"), FIELDS)
def test_what_a_field_can_not_hold_is_refused_by_one_sentence(layer, name):
    rule = rules(layer)[name]
    kind = KINDS.get(name, name if name != "backward" else "layer")
    for value in BAD[kind if kind in BAD else BY_RULE[rule.check.__name__]]:
        if value is None and rule.or_none:
            continue  # it stands for what the others say
        with pytest.raises(ValueError, match=rf"^{layer.__name__}: .*\.$") as error:
            build(layer, **{name: value})
        assert "\n" not in str(error.value)
        assert name in str(error.value) or re.search("layer|cells", str(error.value))


@pytest.mark.parametrize(("layer", "name"), FIELDS)
def test_numbers_of_numpy_become_plain_ones(layer, name):
    plain = getattr(build(layer), name)
    other = {bool: np.bool_, int: np.int64, float: np.float32, str: np.str_}.get(type(plain))
    if other is not None:
        again = build(layer, **{name: other(plain)})
        assert type(getattr(again, name)) is type(plain)
        if type(plain) is not float or plain == 0:
            assert repr(again) == repr(build(layer))
            assert hash(again) == hash(build(layer))


def test_rates_may_be_any_real_number():
    assert rnnjax.Dropout(LSTM(3, 4), inputs=fractions.Fraction(1, 4)).inputs == 0.25
    assert type(rnnjax.Zoneout(LSTM(3, 4), h=0).h) is float


def test_a_bool_of_numpy_is_taken_for_what_it_is():
    assert GRU(3, 4, use_bias=np.False_) == GRU(3, 4, use_bias=False)


@dataclasses.dataclass(frozen=True)
class Own(LSTM):
    """A cell that a user makes out of one of ours, with fields of kinds that have a rule."""

    leak: Rate = 0.1
    clipped: Flag = False
    more: Size | None = None
    squash: Activation = "tanh"
    anything: object = None


@pytest.mark.parametrize(
    "bad",
    [{"leak": 2}, {"clipped": "no"}, {"more": 0}, {"squash": "x"}, {"use_bias": "False"}],
    ids=lambda bad: next(iter(bad)),
)
def test_the_fields_of_own_cells_are_checked_by_the_same_rules(bad):
    assert Own(3, 4, anything="x", more=np.int32(2)) == Own(3, 4, anything="x", more=2)
    with pytest.raises(ValueError, match=rf"^Own: (unknown )?{next(iter(bad))} "):
        Own(3, 4, **bad)


def test_own_cells_may_be_annotated_with_what_is_not_there_at_run_time():
    class Odd:
        size: Size
        table: NotImported  # noqa: F821  # pyright: ignore[reportUndefinedVariable]

    class OddCell(LSTM, Odd):
        pass

    with pytest.raises(ValueError, match="use_bias"):
        OddCell(3, 4, use_bias="False")


def test_a_class_without_rules_is_left_alone():
    @dataclasses.dataclass(frozen=True)
    class Plain:
        use_bias: bool = True

    plain = Plain("False")
    check_hyperparameters(plain)
    assert plain.use_bias == "False"
    assert issubclass(LSTM, Cell)
