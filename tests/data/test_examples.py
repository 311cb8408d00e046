from __future__ import annotations

from typing import Any

import pytest

from rnnjax.data.examples import IMAGE, LABEL, TEXT, check_features, decode_example
from rnnjax.data.reading import UnusableError

FEATURES = {"text": TEXT, "label": LABEL}


def record(**features: list[Any]) -> bytes:
    """A serialised example; floats stand for a list of floats, None for no list at all."""
    from tensorflow_datasets.proto import tf_example_pb2

    example: Any = getattr(tf_example_pb2, "Example")()  # noqa: B009
    for name, values in features.items():
        stored = example.features.feature[name]
        for value in values:
            lists = {bytes: "bytes_list", int: "int64_list", float: "float_list"}
            getattr(stored, lists[type(value)]).value.append(value)
    return example.SerializeToString()


def test_values_are_handed_over_by_name() -> None:
    stored = record(text=[b"\xff"], label=[-(2**63)], other=[1.5])
    assert decode_example(FEATURES, stored) == {"text": b"\xff", "label": -(2**63)}


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ({}, "no 'text'"),
        ({"text": [b"a"]}, "no 'label'"),
        ({"text": [b"a"], "label": []}, "its 'label' is 0 values in no list"),
        ({"text": [b"a"], "label": [1, 0]}, "its 'label' is 2 values in int64_list, where one"),
        ({"text": [b"a"], "label": [1.5]}, "its 'label' is 1 values in float_list"),
        ({"text": [b"a"], "label": [b"1"]}, "its 'label' is 1 values in bytes_list"),
        ({"text": [b"a", b"b"], "label": [1]}, "its 'text' is 2 values"),
        ({"text": [3], "label": [1]}, "its 'text' is 1 values in int64_list"),
    ],
)
def test_record_without_one_value_of_the_kind_is_refused(
    features: dict[str, list[Any]], message: str
) -> None:
    with pytest.raises(UnusableError, match=message):
        decode_example(FEATURES, record(**features))


def described(label: Any = None) -> dict[str, Any]:
    return {
        "pythonClassName": "anything.At",
        "featuresDict": {
            "features": {
                "image": {"pythonClassName": IMAGE.class_name, "image": {}},
                "label": {"pythonClassName": LABEL.class_name} if label is None else label,
                "more": {"pythonClassName": "elsewhere.Feature"},
            }
        },
    }


def test_described_features_are_known_by_their_classes() -> None:
    check_features({"image": IMAGE, "label": LABEL}, described())
    legacy = {name: {"type": LABEL.class_name, "content": {}} for name in ("label", "more")}
    check_features({"label": LABEL}, {"type": "anything.At", "content": legacy})


@pytest.mark.parametrize(
    "label",
    [
        {"pythonClassName": "elsewhere.ClassLabel"},
        {"pythonClassName": "ClassLabel"},
        {"pythonClassName": IMAGE.class_name},
        {"pythonClassName": [LABEL.class_name]},
        {"pythonClassName": True},
        {},
        [],
        "label",
    ],
)
def test_other_classes_are_refused(label: Any) -> None:
    with pytest.raises(UnusableError, match=r"label|pythonClassName"):
        check_features({"image": IMAGE, "label": LABEL}, described(label))
