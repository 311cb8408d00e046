"""State dicts as found in the wild: undone exactly, or named with what to do."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax import LSTM
from rnnjax.interop import torch
from tests.running import assert_close

WEIGHTS = ("weight_ih_l0", "weight_hh_l0")
NEW = "parametrizations."


def lstm(dtype: Any = np.float32, ending="_l0", **more):
    """The state dict of an LSTM with three inputs and two units."""
    rng = np.random.default_rng(0)
    shapes = {"weight_ih": (8, 3), "weight_hh": (8, 2), "bias_ih": (8,), "bias_hh": (8,)}
    arrays = {n + ending: rng.standard_normal(s).astype(dtype) for n, s in shapes.items()}
    return arrays | more


def under(prefix, arrays):
    return {prefix + name: array for name, array in arrays.items()}


def rewritten(form, names=WEIGHTS, arrays=None):
    """A state dict with some weights in another form, which `form` gives for each."""
    arrays = dict(lstm() if arrays is None else arrays)
    for name in names:
        arrays |= form(name, arrays.pop(name))
    return arrays


def norm_of(w, kept):
    axes = tuple(i for i in range(2) if i != kept)
    return np.sqrt((w.astype(np.float64) ** 2).sum(axes, keepdims=True))


def weight_norm(style, kept=0):
    """The weight norm of old or new style of a weight whose direction is scaled as it likes."""

    def form(name, w):
        g = norm_of(w, kept).astype(w.dtype)
        v = (3 * w.astype(np.float64)).astype(w.dtype)
        g = g[0, 0] if kept is None else g
        if style == "old":
            return {f"{name}_g": g, f"{name}_v": v}
        return {f"{NEW}{name}.original0": g, f"{NEW}{name}.original1": v}

    return form


@pytest.mark.parametrize("names", [WEIGHTS, WEIGHTS[:1], WEIGHTS[1:]])
@pytest.mark.parametrize("kept", [0, 1, None])
@pytest.mark.parametrize("style", ["old", "new"])
def test_a_weight_norm_is_computed(style, kept, names):
    found = rewritten(weight_norm(style, kept), names)
    for prefix in ("", "encoder.rnn."):
        layer, params = torch.from_state_dict(under(prefix, found), prefix)
        expected = torch.from_state_dict(lstm())
        assert layer == expected[0]
        assert params.w_h.dtype == jnp.float32
        # g and v are rounded once each, and the weight once more.
        for ours, theirs in zip(params, expected[1], strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=4e-7)


@pytest.mark.parametrize("dtype", [np.float16, jnp.bfloat16])
def test_a_weight_norm_of_half_precision_is_rounded_once(dtype):
    found = rewritten(weight_norm("new"), arrays=lstm(dtype))
    w_h = torch.from_state_dict(found)[1].w_h
    g, v = (found[f"{NEW}weight_hh_l0.original{k}"].astype(np.float64) for k in (0, 1))
    exact = v * g / np.sqrt((v**2).sum(1, keepdims=True))
    assert w_h.dtype == dtype
    np.testing.assert_array_equal(w_h, exact.astype(dtype).T)


def test_layers_and_directions_are_undone_each():
    arrays = {}
    for ending, inputs in (("_l0", 3), ("_l0_reverse", 3), ("_l1", 4), ("_l1_reverse", 4)):
        w = np.random.default_rng(len(ending)).standard_normal((8, inputs)).astype("f")
        arrays |= lstm(ending=ending) | {f"weight_ih{ending}": w}
    names = [name for name in arrays if name.startswith("weight")]
    found = rewritten(
        weight_norm("old"), names[::2], rewritten(weight_norm("new"), names[1::2], arrays)
    )
    layer, params = torch.from_state_dict(found)
    expected = torch.from_state_dict(arrays)
    assert layer == expected[0]
    assert_close(params, expected[1], tolerance=1e-6)


def test_pruned_weights_are_multiplied_by_their_masks():
    mask = np.arange(16).reshape(8, 2) % 3 > 0
    found = rewritten(
        lambda name, w: {f"{name}_orig": w, f"{name}_mask": mask.astype("f")}, WEIGHTS[1:]
    )
    params = torch.from_state_dict(found)[1]
    np.testing.assert_array_equal(params.w_h, (lstm()["weight_hh_l0"] * mask).T)


def test_a_weight_of_which_some_were_dropped_is_the_raw_one():
    expected = torch.from_state_dict(lstm())[1]
    raw = {"weight_hh_l0_raw": lstm()["weight_hh_l0"]}
    dropped = {"weight_hh_l0": np.zeros((8, 2), "f")}
    without = {name: array for name, array in lstm().items() if name != "weight_hh_l0"}
    for found, prefix in (
        (without | raw, ""),
        (without | raw | dropped, ""),
        # As fastai has it: the module inside holds what was dropped last.
        (under("module.", without | dropped) | raw, "module."),
        (under("rnns.0.module.", without | dropped) | under("rnns.0.", raw), "rnns.0.module."),
        (under("rnns.0.module.", without) | under("rnns.0.", raw), "rnns.0.module."),
    ):
        assert_close(torch.from_state_dict(found, prefix)[1], expected, tolerance=0)


def test_a_cell_of_pytorch_is_one_layer():
    layer, params = torch.from_state_dict(under("cell.", lstm(ending="")), "cell.")
    assert layer == LSTM(3, 2, initialization="torch")
    assert_close(params, torch.from_state_dict(lstm())[1], tolerance=0)
    normed = rewritten(weight_norm("old"), ["weight_hh"], lstm(ending=""))
    assert_close(torch.from_state_dict(normed)[1], params, tolerance=1e-6)
    with pytest.raises(ValueError, match="both the weight_ih_l0 of a layer and the weight_ih of"):
        torch.from_state_dict(lstm() | lstm(ending=""))


def spectral(name, w):
    return {f"{name}_orig": w, f"{name}_u": w[:, 0], f"{name}_v": w[0]}


def new_spectral(name, w):
    return {f"{NEW}{name}.original": w, f"{NEW}{name}.0._u": w[:, 0], f"{NEW}{name}.0._v": w[0]}


def lora(name, w):
    return {name: w, f"{name}.lora_A": w, f"{name}.lora_B": w}


def low_rank(name, w):
    return {f"{NEW}{name}.original0": w[:, :1], f"{NEW}{name}.original1": w[:1]}


OPTIMIZER = {"state": {0: {"step": 3, "exp_avg": np.ones(3)}}, "param_groups": [{"lr": 0.1}]}


@pytest.mark.parametrize(
    ("found", "messages"),
    [
        ({}, ["has none under the prefix ''; it is empty"]),
        ({"head.weight": np.ones(3), "head.bias": 1}, ["it has head.weight, head.bias"]),
        (under("module.", lstm()), ["'module.', a part", "DataParallel", "pass it as prefix"]),
        (under("_orig_mod.rnn.", lstm()), ["'_orig_mod.rnn.'", "torch.compile put there"]),
        (
            under("module._orig_mod.", lstm()),
            ["'module._orig_mod.'", "torch.compile and torch.nn.DataParallel"],
        ),
        (under("model.encoder.", lstm()), ["under 'model.encoder.'; pass it as prefix"]),
        (
            under("a.", lstm()) | under("b.", lstm(ending="")),
            ["under 'a.', 'b.'; pass one of these"],
        ),
        (under("a.", rewritten(weight_norm("old"))), ["there are some under 'a.'; pass it"]),
        (under("a.", rewritten(weight_norm("new"))), ["there are some under 'a.'; pass it"]),
        (under("a.", rewritten(new_spectral)), ["there are some under 'a.'; pass it"]),
        (
            {"epoch": 3, "state_dict": under("model.", lstm()), "optimizer": OPTIMIZER},
            ["pass state_dict['state_dict'] (there under 'model.')"],
        ),
        (
            {"model": lstm(), "ema": {"decay": 0.9, "shadow": under("rnn.", lstm())}},
            ["state_dict['model'] (there under '') or state_dict['ema']['shadow'] (there under"],
        ),
        (OPTIMIZER, ["what an optimizer keeps", "pass the state dict of the module"]),
        ({"decay": 0.9, "shadow_params": [np.ones(3)]}, ["moving average without names"]),
        (
            {"rnn._all_weight_values.0.param": (), "rnn.scale": 1.0},
            ["parts of a quantized module", "before torch.ao.quantization"],
        ),
        ({"fc._packed_params._packed_params": ()}, ["parts of a quantized module"]),
        ({"_fsdp_wrapped_module._flat_param": np.ones(9)}, ["FULL_STATE_DICT"]),
        ({"rnn.lora_A.w": np.ones(9)}, ["parts of LoRA; merge them"]),
        (
            rewritten(spectral),
            ["a spectral norm (weight_ih_l0_orig, weight_ih_l0_u, weight_ih_l0_v)", "remove_spec"],
        ),
        (
            rewritten(new_spectral, WEIGHTS[1:]),
            [
                "spectral norm (parametrizations.weight_hh_l0.0._u, parametrizations.weight_hh_l0",
                "remove_parametrizations(module, 'weight_hh_l0')",
            ],
        ),
        (
            rewritten(low_rank, WEIGHTS[1:]),
            ["a form that is not known", "remove_parametrizations(module, 'weight_hh_l0')"],
        ),
        (rewritten(lora, WEIGHTS[1:]), ["weight_hh_l0 has parts of LoRA beside it", "merge"]),
        (lstm() | under("lora_A.", lstm()), ["Beside the recurrent weights", "parts of LoRA"]),
        (lstm(weight_hh_l0_ema=np.ones(3)), ["not known here (weight_hh_l0, weight_hh_l0_ema)"]),
        (rewritten(lambda name, w: {f"{name}_g": w}, WEIGHTS[1:]), ["not known", "weight_hh_l0_g"]),
        (rewritten(lambda name, w: {}, WEIGHTS[1:]), ["has only weight_ih_l0 under the prefix ''"]),
        (lstm(weight_hh_l0=None), ["has a NoneType for weight_hh_l0, not an array"]),
        (lstm(bias_hh_l0={"a": 1}), ["has a dict for bias_hh_l0, not an array"]),
        (lstm(head=object()), ["has a object for head, not an array"]),
        ([("weight_ih_l0", np.ones(3))], ["a mapping from names to arrays, not a list"]),
    ],
)
def test_what_can_not_be_read_is_named_with_what_to_do(found, messages):
    with pytest.raises(ValueError, match=r"\A[^\n]*\Z") as error:
        torch.from_state_dict(found)
    for message in messages:
        assert message in str(error.value)


def test_a_tensor_that_can_not_be_read_is_named():
    class Meta:
        def detach(self):
            raise NotImplementedError("Cannot copy out of meta tensor")

    with pytest.raises(ValueError, match="weight_hh_l0 of the state dict can't be read: Cannot co"):
        torch.from_state_dict(lstm(weight_hh_l0=Meta()))


def test_a_compiled_module_is_the_module_inside():
    class Inner:
        mode = "LSTM"

        def state_dict(self):
            return lstm()

    class Compiled:
        _orig_mod = Inner()

    assert_close(torch.from_torch(Compiled())[1], torch.from_torch(Inner())[1], tolerance=0)
