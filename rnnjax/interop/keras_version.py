"""Whether a layer is of Keras 2 or 3, which have other functions and defaults under one name."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

VERSIONS = (2, 3)

# Options that one version writes into every configuration, and the other one never.
_MARKS = {2: {"implementation", "time_major"}, 3: {"seed"}}
# Those that both had at the end, but Keras 2 beside its marks only.
_MARKS_OF_LATE = {"zero_output_for_mask"}


def version_of(
    config: Mapping[str, Any], layer: Any = None, stated: int | str | None = None
) -> int | None:
    """2 or 3, as the user states it or the object tells; None where nothing does.

    Args:
        config: of the layer: ``{"class_name": ..., "config": ...}``.
        layer: the object that it is of, if there is one.
        stated: what the user says: 2, 3, or a whole version such as "2.15.0".

    Raises:
        ValueError: what is stated is no such version, or the object tells another one.
    """
    told = _of_class(type(layer)) or _of_config(config)
    if stated is None:
        return told
    version = _major(stated)
    if version not in VERSIONS:
        raise ValueError(f"keras_version must be 2 or 3, or such as '2.15.0', not {stated!r}.")
    if told not in (None, version):
        raise ValueError(
            f"keras_version={stated!r} was given, but this {config['class_name']} is one of Keras "
            f"{told}; leave keras_version out."
        )
    return version


def check_is_known(version: int | None, owner: str, what: str) -> int:
    """The version; a `ValueError` that asks for it where it is None and makes a difference."""
    if version is None:
        raise ValueError(
            f"{owner} {what}, and nothing here tells which Keras it is of; add keras_version=2 "
            "(all before Keras 3; TensorFlow before 2.16; tf_keras) or keras_version=3."
        )
    return version


def _major(version: Any) -> int | None:
    first = str(version).partition(".")[0]
    return int(first) if first.isdecimal() else None


def _of_class(kind: type) -> int | None:
    for base in kind.__mro__:
        package = base.__module__.partition(".")[0]
        # TensorFlow's own copy was never that of Keras 3, which it imports.
        if package in ("tf_keras", "tensorflow"):
            return 2
        if package == "keras":
            return _major(getattr(sys.modules.get("keras"), "__version__", None))
    return None


def _of_config(config: Mapping[str, Any]) -> int | None:
    """What a configuration tells by the version that it names, or by the options that it has."""
    named = config.get("keras_version")
    if named is not None:
        return _major(named)
    options = [set(part) for part in _options(config)]
    for version, marks in _MARKS.items():
        if any(marks & names for names in options):
            return version
    return 3 if any(_MARKS_OF_LATE & names for names in options) else None


def _options(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    options = config.get("config", {})
    yield options
    for name in ("layer", "backward_layer"):
        if isinstance(options.get(name), Mapping):
            yield from _options(options[name])
