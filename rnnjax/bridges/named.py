"""Parameters of a layer as nested dicts, each array under its own name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax

from rnnjax.cell import Layer, Params, param_shapes

WHOLE = "value"
"""The name of parameters that are one bare array."""


def to_named(params: Params) -> dict[str, Any]:
    """The parameters of a layer by the names of their places, as Flax keeps parameters.

    Fields of NamedTuples go by their names and entries of tuples by their numbers; what is None is
    absent.

    Args:
        params: the parameters, their gradients, or any other tree of the same structure.

    Returns:
        Nested dicts with the leaves of `params`, for `from_named`.

    Raises:
        ValueError: two places have one name.

    >>> import rnnjax
    >>> layer = rnnjax.Stack((rnnjax.Bidirectional(rnnjax.GRU(3, 4)), rnnjax.LSTM(8, 4)))
    >>> named = to_named(layer.init(jax.random.key(0)))
    >>> sorted(named), sorted(named["0"]), sorted(named["1"])
    (['0', '1'], ['backward', 'forward'], ['b', 'w_h', 'w_x'])
    """
    named: dict[str, Any] = {}
    for path, leaf in jax.tree.leaves_with_path(params):
        *outer, last = _names(path)
        inner = named
        for name in outer:
            inner = inner.setdefault(name, {})
        if last in inner:
            raise ValueError(f"Two parameters have the one name {'/'.join((*outer, last))}.")
        inner[last] = leaf
    return named


def from_named(layer: Layer, named: Mapping[str, Any]) -> Params:
    """The parameters as the layer takes them: the inverse of `to_named`.

    Args:
        layer: whose parameters they are.
        named: nested dicts of any leaves, such as ``variables["params"]["rnn"]`` of a flax.linen
            model with an `rnnjax.bridges.linen.RNN` of the name "rnn".

    Returns:
        What ``layer.init`` gives, with these leaves.

    Raises:
        ValueError: a name is missing, or unknown.

    >>> import rnnjax
    >>> gru = rnnjax.GRU(3, 4)
    >>> from_named(gru, to_named(gru.init(jax.random.key(0)))).w_x.shape
    (3, 12)
    """
    paths, structure = jax.tree.flatten_with_path(param_shapes(layer))
    names = ["/".join(_names(path)) for path, _ in paths]
    found = dict(_flat(named))
    absent = [name for name in names if name not in found]
    unknown = sorted(found.keys() - set(names))
    if absent or unknown:
        have, lack = ", ".join(unknown), ", ".join(absent)
        raise ValueError(
            f"A {type(layer).__name__} has the parameters {', '.join(names)}, but these "
            f"{f'lack {lack}' if absent else ''}{' and ' if absent and unknown else ''}"
            f"{f'have also {have}' if unknown else ''}."
        )
    return jax.tree.unflatten(structure, [found[name] for name in names])


def _names(path: tuple[Any, ...]) -> list[str]:
    return [jax.tree_util.keystr((key,), simple=True) for key in path] or [WHOLE]


def _flat(named: Mapping[str, Any], start: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in named.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{start}{name}/")
        else:
            yield f"{start}{name}", value
