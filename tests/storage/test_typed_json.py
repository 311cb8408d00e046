"""JSON with a shape: what fits comes back as it was, and anything else is one sentence."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rnnjax.storage.typed_json import DEEPEST, Fields, ShapeError, check, parse, strict, to_text

LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(
    LEAVES, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3)
)
SHAPES = st.recursive(
    st.sampled_from([int, float, str, bool, Any, int | None, float | list[float], str | None]),
    lambda s: (
        s.map(lambda t: list[t])
        | s.map(lambda t: dict[str, t])
        | st.tuples(s, s).map(lambda pair: tuple[pair])
        | st.builds(Fields, st.dictionaries(st.text(max_size=2), s, max_size=2))
    ),
    max_leaves=4,
)


def not_strict(token):
    raise AssertionError(f"{token} is no JSON")


@given(VALUES)
def test_what_is_written_every_reader_takes_and_loses_nothing(value):
    def with_numbers(found, like):
        if isinstance(like, float):
            return check(found, float)
        if isinstance(like, dict):
            return {name: with_numbers(found[name], like[name]) for name in like}
        if isinstance(like, list):
            return [with_numbers(f, item) for f, item in zip(found, like, strict=True)]
        return found

    text = to_text(value)
    found = json.loads(text, parse_constant=not_strict)
    assert text.isascii()
    assert repr(with_numbers(found, value)) == repr(value)


@given(VALUES, SHAPES)
def test_anything_has_the_shape_or_is_refused_in_one_line(value, shape):
    try:
        found = check(strict(value), shape)
    except ShapeError as error:
        refusal = str(error)
    else:
        assert to_text(found) == to_text(value)
        return
    assert "\n" not in refusal
    assert "expected " in refusal
    assert len(refusal) < 500


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        (int, [0, -5, 2**63 - 1], [True, 1.0, "1", None, 2**63, [], {}]),
        (float, [0.5, 3, -0.0], [True, "x", "nan", None, [1.0], 10**400]),
        (bool, [True, False], [0, 1, "true", None]),
        (str, ["", "x"], [1, None, ["x"]]),
        (str | None, [None, "x"], [0, []]),
        (float | list[float], [1.5, [1, 2.5], []], ["x", [None], None]),
        (list[int], [[], [1, 2]], [{}, [1.5], "12", None]),
        (tuple[int, str], [[1, "a"]], [[1], [1, 2], [1, "a", 2], None]),
        (dict[str, float], [{}, {"a": 1}], [[], {"a": "x"}, None]),
        (Fields({"a": int}, {"b": str}), [{"a": 1}, {"a": 1, "b": "x", "c": []}],
         [{}, {"a": None}, {"a": 1, "b": 2}, [], None]),
        (Fields(others=float), [{}, {"a": 1.5}], [{"a": []}]),
    ],
)  # fmt: skip
def test_shapes(shape, good, bad):
    for value in good:
        assert check(value, shape) == value
        assert type(check(value, shape)) is type(value)
    for value in bad:
        with pytest.raises(ShapeError, match=r"expected .*, found "):
            check(value, shape)


def test_numbers_that_json_does_not_have():
    assert to_text([math.nan, math.inf, -math.inf]) == '["NaN", "Infinity", "-Infinity"]'
    found = check(["NaN", "Infinity", "-Infinity"], list[float])
    assert math.isnan(found[0])
    assert found[1:] == [math.inf, -math.inf]
    assert math.isnan(parse('{"a": NaN}', dict[str, float])["a"]), "as older files have it"
    assert parse("100000000000000000000", float) == 1e20


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"settings": {"rate": "x"}}, 'settings.rate: expected a number, found "x"'),
        ({"settings": {}}, "settings.rate: expected a number, found nothing"),
        ({"settings": None}, "settings: expected an object, found null"),
        ({"settings": {"rate": 1}, "runs": [[], [2, "3"]]}, "runs[1][1]: expected a number"),
        ([], "expected an object, found []"),
    ],
)  # fmt: skip
def test_the_place_is_named(value, message):
    settings = Fields({"rate": float})
    shape = Fields({"settings": settings}, {"runs": list[list[float]]})
    with pytest.raises(ShapeError) as error:
        check(value, shape)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "it is no JSON (line 1: "),
        (b'{\n"a": 1,}', "it is no JSON (line 2: "),
        (b"\x80abc", "it is no text in UTF-8 (byte 0)"),
        (b"[" * 100_000, "it is nested too deep"),
        (b"[" * 100_000 + b"]" * 100_000, "it is nested too deep"),
        (b'{"a":' * (DEEPEST + 1) + b"1" + b"}" * (DEEPEST + 1), "it is nested too deep"),
        (b"9" * 5000, "it holds a number of too many digits"),
    ],
)  # fmt: skip
def test_texts_that_are_no_json(text, message):
    with pytest.raises(ShapeError) as error:
        parse(text)
    assert str(error.value).startswith(message)


def test_what_other_programs_write_is_read():
    assert parse(b"\xef\xbb\xbf" + '{"a": "ä"}\r\n'.encode()) == {"a": "ä"}
    assert parse(b"[" * DEEPEST + b"]" * DEEPEST) is not None
