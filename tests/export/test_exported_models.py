"""Exported folders: what is in them is the model, and needs nothing of what trained it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import jax
import jax.export
import numpy as np
import pytest
import safetensors.numpy
from jax.extend.core import jaxpr_as_fun

import rnnjax
from rnnjax.bridges.named import to_named
from rnnjax.cells import LSTMParams
from rnnjax.errors import ExportError
from rnnjax.export import Array, Model, export_model, read_params
from rnnjax.export.comparison import largest_difference
from rnnjax.export.params import params_bytes
from rnnjax.export.portable import portable
from rnnjax.export.signature import arguments, arrays_of, axes_of, by_name, plain, symbolic
from rnnjax.export.stablehlo import stablehlo_function, to_stablehlo
from tests.cells_under_test import CELLS_UNDER_TEST
from tests.export.models_to_export import MODELS_TO_EXPORT
from tests.running import assert_close, quick_jit
from tests.slow import slow_but

SIZES = [(1, 1), (5, 3), (2, 50)]

every_model = pytest.mark.parametrize(
    "title", slow_but({"masked, both ways", "deep stream"}, MODELS_TO_EXPORT)
)


def drawn(model, batch, time, seed=1):
    rng = np.random.default_rng(seed)
    sizes = {"batch": batch, "time": time}
    return {name: array.draw(rng, sizes) for name, array in arrays_of(model.inputs).items()}


def outputs_of(model, arrays):
    """What the model itself gives, by name."""
    return jax.device_get(by_name(quick_jit(model.serve)(*arguments(model.inputs, arrays))))


@pytest.fixture(autouse=True, scope="module")
def no_onnx():
    """As where jax2onnx is not installed; for where it is there is `tests/live`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "jax2onnx", None)
        yield


TEXT = MODELS_TO_EXPORT["masked, both ways"]


@pytest.fixture(scope="module")
def exported_text(no_onnx, tmp_path_factory):
    """The folder with `TEXT`, and what the export said of it."""
    folder = tmp_path_factory.mktemp("exported") / "out"
    return folder, export_model(folder, TEXT)


@every_model
def test_stablehlo_takes_any_number_of_rows_and_steps(title):
    model = MODELS_TO_EXPORT[title]
    file = to_stablehlo(model.serve, model.inputs)
    exported = jax.export.deserialize(bytearray(file))
    assert exported.platforms == ("cpu", "cuda", "tpu")
    call = stablehlo_function(file, model.inputs)
    for batch, time in SIZES:
        arrays = drawn(model, batch, time)
        expected = outputs_of(model, arrays)
        assert np.abs(expected["logits"]).max() > 0.1
        assert_close(call(arrays), expected, tolerance=1e-6)


def test_what_the_mask_hides_does_not_matter():
    call = stablehlo_function(to_stablehlo(TEXT.serve, TEXT.inputs), TEXT.inputs)
    arrays = drawn(TEXT, 4, 9)
    hidden = arrays | {"tokens": np.where(arrays["mask"], arrays["tokens"], 0)}
    seen = arrays | {"tokens": np.where(arrays["mask"], 0, arrays["tokens"])}
    assert_close(call(hidden), call(arrays), tolerance=0.0)
    assert np.abs(call(seen)["logits"] - call(arrays)["logits"]).max() > 0.1


def test_a_stream_goes_on_where_it_was_cut():
    model = MODELS_TO_EXPORT["deep stream"]
    call = stablehlo_function(to_stablehlo(model.serve, model.inputs), model.inputs)
    whole = drawn(model, 3, 9)
    expected = call(whole)
    first = call(whole | {"bits": whole["bits"][:, :4]})
    carried = {name.removeprefix("next_"): a for name, a in first.items() if name != "logits"}
    second = call({"bits": whole["bits"][:, 4:], **carried})
    logits = np.concatenate((first["logits"], second["logits"]), axis=1)
    assert_close(logits, expected["logits"], tolerance=1e-6)
    assert_close(second | {"logits": 0}, expected | {"logits": 0}, tolerance=1e-6)
    without = call(whole | {"bits": whole["bits"][:, 4:]})
    assert np.abs(without["logits"] - second["logits"]).max() > 0.01


ELSEWHERE = """
import sys
from pathlib import Path

for name in ("rnnjax", "flax", "optax"):
    sys.modules[name] = None  # as where they are not installed
import jax
import jax.export
import numpy as np

folder = Path(sys.argv[1])
arrays = dict(np.load(folder / "inputs.npz"))
carry = tuple(
    {field: arrays[f"carry.{layer}.{field}"] for field in fields}
    for layer, fields in enumerate(("hc", "h"))
)
model = jax.export.deserialize(bytearray((folder / "model.stablehlo").read_bytes()))
outputs = model.call(arrays["bits"], carry)
np.savez(folder / "outputs.npz", logits=outputs["logits"], c=outputs["next_carry"][0]["c"])
"""


def test_another_process_needs_no_rnnjax(tmp_path):
    model = MODELS_TO_EXPORT["deep stream"]
    (tmp_path / "model.stablehlo").write_bytes(to_stablehlo(model.serve, model.inputs))
    arrays = drawn(model, 3, 5)
    np.savez(tmp_path / "inputs.npz", allow_pickle=False, **arrays)
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    expected = outputs_of(model, arrays)
    with np.load(tmp_path / "outputs.npz") as found:
        assert_close(found["logits"], expected["logits"], tolerance=1e-6)
        assert_close(found["c"], expected["next_carry.0.c"], tolerance=1e-6)


def test_the_folder_holds_everything_and_describes_it(exported_text):
    folder, exported = exported_text
    assert exported.left_out == (
        "model.onnx is left out: jax2onnx is not installed; pip install -e '.[export]' brings it."
    )
    assert list(exported.differences) == ["model.stablehlo"]
    names = sorted(path.name for path in folder.iterdir())
    assert names == exported.files
    assert set(names) >= {"model.stablehlo", "params.safetensors", "vocabulary.json", "README.md"}
    said = json.loads((folder / "export.json").read_text())
    assert said["inputs"][1] == {
        "name": "mask",
        "shape": ["batch", "time"],
        "dtype": "bool",
        "meaning": "where there are words",
    }
    (output,) = said["outputs"]
    assert (output["name"], output["shape"], output["dtype"]) == ("logits", ["batch"], "float32")
    readme = (folder / "README.md").read_text()
    assert "Rare words are index 2." in readme
    assert "onnxruntime" not in readme


def test_what_the_folders_readme_says_works(exported_text, monkeypatch):
    folder, _ = exported_text
    monkeypatch.chdir(folder)
    blocks = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    defined: dict[str, Any] = drawn(TEXT, 3, 4)
    expected = outputs_of(TEXT, defined)
    for block in blocks:
        exec(block, defined)
    assert_close(jax.device_get(defined["outputs"]), expected, tolerance=1e-6)
    assert_close(defined["params"], by_name(TEXT.params), tolerance=0.0)


def test_parameters_are_named_by_their_places_and_come_back(tmp_path):
    model = MODELS_TO_EXPORT["not masked"]
    path = tmp_path / "params.safetensors"
    path.write_bytes(params_bytes(model.params))
    arrays = safetensors.numpy.load_file(path)
    rnn = model.params["rnn"]
    assert_close(arrays["rnn.layer.w_x"], rnn["layer"]["w_x"], tolerance=0.0)
    assert_close(arrays["rnn.carry.h"], rnn["carry"]["h"], tolerance=0.0)
    shapes = jax.eval_shape(lambda: model.params)
    again = read_params(path, shapes)
    assert_close(again, model.params, tolerance=0.0)
    layer = rnnjax.LSTM(4, 6)
    wanted = jax.eval_shape(layer.init, jax.random.key(0))
    part = read_params(path, wanted, prefix="rnn.layer.")
    assert isinstance(part, LSTMParams)
    assert_close(to_named(part), rnn["layer"], tolerance=0.0)
    with pytest.raises(ValueError, match=r"another model: rnn\.backward\.b is absent there"):
        read_params(path, TEXT.params)


@pytest.mark.parametrize("kind", ["file", "full folder", "below a file"])
def test_a_folder_that_cannot_be_taken_is_refused(tmp_path, kind):
    folder = tmp_path / "out"
    if kind == "full folder":
        folder.mkdir()
        (folder / "thesis.txt").write_text("mine")
    else:
        folder.write_text("mine")
    folder = folder / "deeper" if kind == "below a file" else folder
    before = sorted(tmp_path.rglob("*"))
    message = {
        "file": "can't be a folder for the files (Not a directory)",
        "full folder": "is not empty; name a folder that does not exist yet",
        "below a file": "can't be written (Not a directory)",
    }[kind]
    with pytest.raises(ExportError) as error:
        export_model(folder, MODELS_TO_EXPORT["stream"])
    assert message in str(error.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_exported_function_that_is_off_is_found():
    model = MODELS_TO_EXPORT["stream"]
    inputs = model.inputs

    def changed(by: float, where: str):
        def call(arrays):
            outputs = outputs_of(model, arrays)
            return outputs | {where: outputs[where] + np.float32(by)}

        return call

    assert largest_difference(changed(0.0, "logits"), model.serve, inputs) < 1e-6
    assert largest_difference(changed(3e-6, "logits"), model.serve, inputs) > 2e-6
    with pytest.raises(ExportError, match=r"other next_carry\.h than the model"):
        largest_difference(changed(1e-3, "next_carry.h"), model.serve, inputs)


def test_one_name_for_an_input_and_an_output_is_refused():
    with pytest.raises(ValueError, match="x can't name an input and an output"):
        Model(
            title="twice",
            apply=lambda params, x: {"x": x},
            params={},
            inputs={"x": Array(("batch",), "float32")},
            outputs={"x": "the same"},
        )


@pytest.mark.parametrize(
    "name",
    slow_but({"masked, both ways, last"}, ["images", "masked, both ways, last", "deep stream"]),
)
def test_the_portable_form_is_the_model_without_backward_loops_and_calls(name):
    model = MODELS_TO_EXPORT[name]
    shapes = symbolic(model.inputs)

    def by_names(*leaves):
        named = dict(zip(shapes, leaves, strict=True))
        return by_name(model.serve(*arguments(model.inputs, named)))

    flat = portable(by_names, *shapes.values())
    loops = [eqn for eqn in flat.jaxpr.eqns if eqn.primitive.name == "scan"]
    assert loops
    assert not any(eqn.params["reverse"] for eqn in loops)
    text = str(flat)
    for call in ("pjit", "jit[", "custom_jvp", "custom_vjp"):
        assert call not in text
    arrays = drawn(model, 2, 3)
    names = sorted(outputs_of(model, arrays))
    fixed = portable(by_names, *(jax.ShapeDtypeStruct(a.shape, a.dtype) for a in arrays.values()))
    found = jax.device_get(jaxpr_as_fun(fixed)(*arrays.values()))
    assert_close(dict(zip(names, found, strict=True)), outputs_of(model, arrays), tolerance=1e-6)


def test_inputs_in_their_order_and_axes_by_name():
    inputs = {"tokens": Array(("batch", "time"), "int32"), "mask": Array(("batch", "time"), "bool")}
    assert list(symbolic(inputs)) == ["tokens", "mask"]
    assert axes_of(inputs) == ["batch", "time"]
    assert arguments(inputs, {"mask": 1, "tokens": 2}) == [2, 1]


def test_plain_trees_have_the_same_names():
    carry = rnnjax.Bidirectional(rnnjax.LSTM(2, 3)).initial_carry()
    assert plain((carry, None))[0]["forward"].keys() == {"h", "c"}
    assert by_name(plain((carry, None))).keys() == by_name((carry, None)).keys()


LAYERS = {case.name: case.make() for case in CELLS_UNDER_TEST} | {
    "both ways": rnnjax.Bidirectional(rnnjax.LSTM(2, 3)),
    "learned": rnnjax.LearnedCarry(rnnjax.GRU(2, 3)),
}


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_functions_of_parameters_and_carries_can_be_written_to_files(layer):
    params = jax.eval_shape(layer.init, jax.random.key(0))
    carry = jax.eval_shape(layer.initial_carry)
    exported = jax.export.export(jax.jit(lambda *both: both))(params, carry)
    restored = jax.export.deserialize(exported.serialize())
    assert restored.out_tree == jax.tree.structure((params, carry))


def test_the_number_of_steps_may_be_a_symbol_in_gradients_too():
    layer = rnnjax.Reversed(rnnjax.GRU(2, 3))
    params = jax.device_get(layer.init(jax.random.key(0)))
    time, batch = jax.export.symbolic_shape("time, batch")
    xs = jax.ShapeDtypeStruct((time, batch, 2), np.float32)
    mask = jax.ShapeDtypeStruct((time, batch), np.bool_)

    def gradients(params, xs, mask):
        def loss(params):
            return (rnnjax.unroll(layer, params, xs, mask=mask)[1] ** 2).sum()

        return jax.value_and_grad(loss)(params)

    exported = jax.export.export(jax.jit(gradients))(params, xs, mask)
    rng = np.random.default_rng(0)
    for steps in (1, 40):
        arrays = rng.standard_normal((steps, 3, 2)).astype(np.float32), rng.random((steps, 3)) < 0.7
        expected = quick_jit(gradients)(params, *arrays)
        assert_close(exported.call(params, *arrays), expected, tolerance=1e-4)


def test_rematerialisation_needs_a_number_of_steps():
    cell = rnnjax.GRU(2, 3)
    (time,) = jax.export.symbolic_shape("time")
    xs = jax.ShapeDtypeStruct((time, 2), np.float32)
    run = jax.jit(lambda params, xs: rnnjax.unroll(cell, params, xs, remat_chunk="auto"))
    with pytest.raises(ValueError, match="wants a number of time steps, not the symbol time"):
        jax.export.export(run)(jax.eval_shape(cell.init, jax.random.key(0)), xs)
