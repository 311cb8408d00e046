"""State dicts as training code leaves them: weights in other forms, other names, other places.

=============================================  ================================================
what the file has for ``weight_hh_l0``         and what is made of it
=============================================  ================================================
``weight_hh_l0_g``, ``weight_hh_l0_v``, or     the weight of the weight norm, g v / ‖v‖
``parametrizations.weight_hh_l0.original0``
and ``1``
``weight_hh_l0_orig``, ``weight_hh_l0_mask``   the pruned weight, their product
``weight_hh_l0_raw``, also beside the former   the weight before DropConnect, as in evaluation
``weight_hh``                                  that of a ``torch.nn.RNNCell``, as layer 0
=============================================  ================================================

Everything else is refused by its name, with what to do about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from rnnjax.interop.arrays import to_numpy

_NAME = re.compile(
    r"(?P<prefix>(?:.*?\.)??)(?P<form>parametrizations\.)?"
    r"(?P<weight>(?:weight|bias)_(?:ih|hh|hr)(?:_l\d+(?:_reverse)?)?)"
    r"(?P<rest>[._].+)?"
)
_PARAMETRIZED = "parametrizations"
_WEIGHT_NORM = ({"_g", "_v"}, {f"{_PARAMETRIZED}.original0", f"{_PARAMETRIZED}.original1"})
_WRAPPERS = {
    "module.": "torch.nn.DataParallel",
    "_orig_mod.": "torch.compile",
    "_fsdp_wrapped_module.": "FullyShardedDataParallel",
}
_MOST_LISTED = 6
_NEEDED = {"weight_ih_l0", "weight_hh_l0"}


class _Named(NamedTuple):
    """The name of a recurrent weight in some form."""

    prefix: str
    weight: str
    form: str
    """ "" for the weight itself."""


def plain_weights(state_dict: Mapping[Any, Any], prefix: str) -> dict[str, np.ndarray]:
    """All that a state dict has under a prefix, with recurrent weights in the form PyTorch runs.

    A weight norm is computed in float64 and rounded once, to the type of the weight.

    Args:
        state_dict: arrays or tensors by name.
        prefix: what the names begin with; it is taken off.

    Raises:
        ValueError: there is no recurrent layer, or one in a form that can't be undone.
    """
    if not isinstance(state_dict, Mapping):
        raise ValueError(
            f"A state dict is a mapping from names to arrays, not a {type(state_dict).__name__}; "
            "of a module it is module.state_dict(), and from_torch takes a module itself."
        )
    weights, others = _sorted_out(state_dict, prefix)
    if prefix.endswith("module."):
        # fastai has the raw weights beside the module inside, which holds what it dropped last.
        outside, _ = _sorted_out(state_dict, prefix.removesuffix("module."))
        for weight, forms in outside.items():
            if "_raw" in forms:
                weights.setdefault(weight, {})["_raw"] = forms["_raw"]
    if not weights.keys() >= _NEEDED:
        raise ValueError(_explain_absence(state_dict, prefix, weights, others))
    if strange := _explain_known(others):
        raise ValueError(f"Beside the recurrent weights the state dict has {strange}.")
    arrays = {weight: _undo(weight, forms) for weight, forms in weights.items()}
    return arrays | {name: _array(name, value) for name, value in others.items()}


def _sorted_out(
    state_dict: Mapping[Any, Any], prefix: str
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """What is under a prefix: the recurrent weights, each in its forms, and all else."""
    weights: dict[str, dict[str, Any]] = {}
    others: dict[str, Any] = {}
    for name, value in state_dict.items():
        if not isinstance(name, str) or not name.startswith(prefix):
            continue
        named = _parse(name.removeprefix(prefix))
        if named is None or named.prefix:
            others[name.removeprefix(prefix)] = value
            continue
        weight = named.weight if "_l" in named.weight else f"{named.weight}_l0"
        forms = weights.setdefault(weight, {})
        if named.form in forms:
            raise ValueError(
                f"Under the prefix {prefix!r} the state dict has both the {weight} of a layer and "
                f"the {weight.removesuffix('_l0')} of a cell."
            )
        forms[named.form] = value
    return weights, others


def _parse(name: str) -> _Named | None:
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    form = (match["form"] or "").rstrip(".") + (match["rest"] or "")
    return _Named(match["prefix"], match["weight"], form)


def _undo(weight: str, forms: Mapping[str, Any]) -> np.ndarray:
    """The weight itself, from the forms that it is there in."""
    found = set(forms)
    if "_raw" in found and found <= {"", "_raw"}:
        return _array(f"{weight}_raw", forms["_raw"])
    if found == {""}:
        return _array(weight, forms[""])
    arrays = {form: _array(weight + form, value) for form, value in forms.items()}
    if found in _WEIGHT_NORM:
        g, v = (arrays[form] for form in sorted(found))
        if g.shape in _shapes_of_g(v.shape):
            return _weight_norm(g, v)
    if found == {"_orig", "_mask"}:
        pruned, mask = arrays["_orig"], arrays["_mask"]
        return pruned * mask.astype(pruned.dtype)
    raise ValueError(_explain_form(weight, found))


def _shapes_of_g(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Those that the norm of a weight may have: of each row, of each column, of the whole."""
    axes = range(len(shape))
    return [tuple(n if i == kept else 1 for i, n in enumerate(shape)) for kept in axes] + [()]


def _weight_norm(g: np.ndarray, v: np.ndarray) -> np.ndarray:
    wide_g, wide_v = g.astype(np.float64), v.astype(np.float64)
    # The axes that g has in full are those along which each entry has a norm of its own.
    axes = tuple(i for i in range(v.ndim) if g.ndim == 0 or g.shape[i] != v.shape[i])
    norms = np.sqrt(np.sum(wide_v**2, axis=axes, keepdims=True))
    with np.errstate(divide="ignore", invalid="ignore"):  # a zero row is NaN in PyTorch, too
        return (wide_v * (wide_g / norms)).astype(v.dtype)


def _explain_form(weight: str, forms: set[str]) -> str:
    """What to say of a weight that is there in a form that can't be undone."""
    listed = ", ".join(_written(weight, form) for form in sorted(forms))
    if any("lora" in form for form in forms):
        return (
            f"{weight} has parts of LoRA beside it ({listed}); merge them into the weight before "
            "saving, in peft by merge_and_unload()."
        )
    spectral = {"_u", "_orig"} <= forms or any(form.endswith("._u") for form in forms)
    what = "a spectral norm" if spectral else "a form that is not known here"
    remove = (
        f"torch.nn.utils.parametrize.remove_parametrizations(module, {weight!r})"
        if any(form.startswith(_PARAMETRIZED) for form in forms)
        else f"torch.nn.utils.remove_spectral_norm(module, {weight!r})"
        if spectral
        else f"undoing what put it there, so that there is a {weight}"
    )
    return f"{weight} is stored in {what} ({listed}); save it after {remove}."


def _written(weight: str, form: str) -> str:
    if form.startswith(_PARAMETRIZED):
        return f"{_PARAMETRIZED}.{weight}{form.removeprefix(_PARAMETRIZED)}"
    return weight + form


def _explain_absence(
    state_dict: Mapping[Any, Any],
    prefix: str,
    weights: Mapping[str, Any],
    others: Mapping[str, Any],
) -> str:
    """What to say when a state dict holds no whole recurrent layer under a prefix."""
    start = (
        "Every recurrent layer of PyTorch has a weight_ih_l0 and a weight_hh_l0; the state dict "
    )
    if partly := sorted(_NEEDED & weights.keys()):
        start += f"has only {partly[0]} under the prefix {prefix!r}"
    else:
        start += f"has none under the prefix {prefix!r}"
    places = dict(_nested(state_dict))
    here = [found for found in places.pop((), []) if found != prefix]
    if here:
        wrappers = sorted({what for mark, what in _WRAPPERS.items() if mark in " ".join(here)})
        by = f", a part of which {' and '.join(wrappers)} put there" if wrappers else ""
        return (
            f"{start}, but there are some under {_listed(map(repr, here))}{by}; pass "
            f"{'it' if len(here) == 1 else 'one of these'} as prefix."
        )
    if places:
        deeper = [
            f"state_dict{''.join(f'[{key!r}]' for key in keys)} (there under "
            f"{_listed(map(repr, found))})"
            for keys, found in places.items()
        ]
        return f"{start}, but there are some inside of it: pass {_listed(deeper, ' or ')}."
    names = [str(name) for name in ({**weights, **others} or state_dict)]
    if known := _explain_known(names):
        return f"{start}, but it has {known}."
    return f"{start}; {f'it has {_listed(names)}' if names else 'it is empty'}."


def _explain_known(names: Iterable[str]) -> str | None:
    """What some of these names are known to belong to, if any."""
    names = list(names)
    for mark, what in _KNOWN.items():
        if any(mark in name for name in names):
            return what
    return None


_QUANTIZED = (
    "parts of a quantized module, which can't be undone; save it before torch.ao.quantization "
    "converts it"
)
_KNOWN = {
    "_packed_params": _QUANTIZED,
    "_all_weight_values": _QUANTIZED,
    "flat_param": "a flat parameter of FullyShardedDataParallel; save it with "
    "StateDictType.FULL_STATE_DICT",
    "param_groups": "what an optimizer keeps, which has no names; pass the state dict of the "
    "module",
    "shadow_params": "a moving average without names; save the module with the average copied "
    "into it",
    "lora_": "parts of LoRA; merge them into the weights before saving, in peft by "
    "merge_and_unload()",
}


def _nested(node: Mapping[Any, Any], keys: tuple[Any, ...] = ()) -> Iterator[tuple[Any, list[str]]]:
    """Every mapping that has recurrent weights, by its keys, with the prefixes of these."""
    parsed = (_parse(name) for name in node if isinstance(name, str))
    found = sorted({named.prefix for named in parsed if named and named.weight[:6] == "weight"})
    if found:
        yield keys, found
    for key, value in node.items():
        if isinstance(value, Mapping):
            yield from _nested(value, (*keys, key))


def _listed(things: Any, between: str = ", ") -> str:
    things = list(things)
    more = len(things) - _MOST_LISTED
    return between.join(things[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


def _array(name: str, value: Any) -> np.ndarray:
    if isinstance(value, Mapping | str | bytes) or value is None:
        raise ValueError(f"The state dict has a {type(value).__name__} for {name}, not an array.")
    try:
        array = to_numpy(value)
    except Exception as error:  # A tensor may be on no device, quantized or sparse.
        raise ValueError(f"{name} of the state dict can't be read: {error}") from error
    if array.dtype == object:
        raise ValueError(f"The state dict has a {type(value).__name__} for {name}, not an array.")
    return array
