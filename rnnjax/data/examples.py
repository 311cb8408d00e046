"""The features of a data set, as TFDS describes them and as its records hold them.

TFDS imports the Python class that a folder names for a feature. Here the features are known
beforehand, a folder only has to agree, and nothing that it names is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from rnnjax.data.reading import UnusableError, member

_CLASSES = "tensorflow_datasets.core.features"


class Feature(NamedTuple):
    """One feature of an example.

    Attributes:
        class_name: The class that TFDS records for it.
        kind: What a record holds of it: one value of ``bytes`` or ``int``.
    """

    class_name: str
    kind: type[bytes] | type[int]


IMAGE = Feature(f"{_CLASSES}.image_feature.Image", bytes)
LABEL = Feature(f"{_CLASSES}.class_label_feature.ClassLabel", int)
TEXT = Feature(f"{_CLASSES}.text_feature.Text", bytes)

_LISTS = {bytes: "bytes_list", int: "int64_list"}


def check_features(features: Mapping[str, Feature], described: Any) -> None:
    """Refuses a ``features.json`` that does not describe these features.

    Others beside them are not read, and so may be anything.

    Args:
        features: The features by name.
        described: The contents of the file, as today's TFDS writes it or as it did before 4.5.

    Raises:
        UnusableError: It says something else.
    """
    legacy = isinstance(described, dict) and "type" in described
    if legacy:
        class_key, found = "type", member(described, "content", dict)
    else:
        class_key = "pythonClassName"
        found = member(member(described, "featuresDict", dict), "features", dict)
    for name, feature in features.items():
        class_name = member(member(found, name, dict), class_key, str)
        if class_name != feature.class_name:
            raise UnusableError(
                f"{name!r} is said to be of the class {class_name[:100]!r}, where "
                f"{feature.class_name!r} was expected"
            )


def decode_example(features: Mapping[str, Feature], record: bytes) -> dict[str, Any]:
    """Returns the values of a record, a serialised ``tf.train.Example``, by name.

    Args:
        features: The features by name; others in the record are left alone.
        record: The record; bytes are handed over as they are stored, an image as a PNG file.

    Raises:
        UnusableError: It lacks a feature, or has not one value of it of the right kind.
        Exception: It is no such record.
    """
    # TFDS takes a third of a second to import, which a start from the cache has no need of.
    from tensorflow_datasets.proto import tf_example_pb2

    example: Any = tf_example_pb2
    stored = example.Example.FromString(record).features.feature
    values = {}
    for name, feature in features.items():
        if name not in stored:
            raise UnusableError(f"it has no {name!r}")
        expected = _LISTS[feature.kind]
        kind = stored[name].WhichOneof("kind")
        found = getattr(stored[name], kind).value if kind else ()
        if len(found) != 1 or kind != expected:
            raise UnusableError(
                f"its {name!r} is {len(found):,} values in {kind or 'no list'}, where one in "
                f"{expected} was expected"
            )
        values[name] = found[0]
    return values
