"""ONNX graphs by jax2onnx, run by onnxruntime, against the models."""

from __future__ import annotations

import re
from typing import Any

import jax
import numpy as np
import onnxruntime  # pyright: ignore[reportMissingImports]
import pytest

import rnnjax
from rnnjax.cells import BASIC
from rnnjax.errors import ExportError
from rnnjax.export import Array, Model, export_model
from rnnjax.export.onnx import onnx_function, to_onnx
from tests.cells_under_test import random_like
from tests.export.models_to_export import MODELS_TO_EXPORT
from tests.export.test_exported_models import SIZES, drawn, outputs_of
from tests.running import assert_close, init

# Those of jax2onnx and what it imports.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.mark.parametrize("model", MODELS_TO_EXPORT.values(), ids=lambda model: model.title)
def test_models(model, tmp_path, monkeypatch, capfd):
    exported = export_model(tmp_path, model)
    assert exported.left_out is None
    assert exported.differences["model.onnx"] <= 1e-5
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert capfd.readouterr() == ("", ""), "a user would read this at every start"
    rows_and_steps = ["batch", 7] if model.title == "images" else ["batch", "time"]
    assert session.get_inputs()[0].name == next(iter(model.inputs))
    assert session.get_inputs()[0].shape[:2] == rows_and_steps
    for value in session.get_outputs():
        every_step = model.title.endswith("stream") and value.name == "logits"
        assert value.shape[:2][: 1 + every_step] == ["batch", "time"][: 1 + every_step]
    call = onnx_function((tmp_path / "model.onnx").read_bytes())
    for batch, time in SIZES:
        arrays = drawn(model, batch, time, seed=2)
        assert_close(call(arrays), outputs_of(model, arrays), tolerance=1e-5)
    if model.title.endswith("stream"):
        return  # the names of a carry's parts are no variables
    # What the folder's README says.
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (tmp_path / "README.md").read_text(), re.DOTALL)
    (block,) = [block for block in blocks if "onnxruntime" in block]
    defined: dict[str, Any] = drawn(model, 3, 4)
    expected = outputs_of(model, defined)
    exec(block, defined)
    assert_close(defined["outputs"][0], expected["logits"], tolerance=1e-5)


NO_ONNX = {
    "clockwork_rnn", "exp_rnn", "nested_lstm", "nn_rnn", "phased_lstm", "ret_net", "urnn",
}  # fmt: skip
"""Cells with an operation that jax2onnx can't convert: a remainder, a loop within the loop, a
Fourier transform, a stack."""


@pytest.mark.parametrize("name", sorted(rnnjax.CELLS))
def test_every_cell_both_ways_with_a_mask(name):
    cell: Any = rnnjax.CELLS[name]
    layer = rnnjax.Bidirectional(cell(5, 16))
    params = init(layer, jax.random.key(0))
    if name in BASIC:  # with random ones some of the others grow beyond all numbers
        params = random_like(np.random.default_rng(0), params, 0.4)

    def apply(params, xs, mask):
        carry, ys = rnnjax.unroll(layer, params, xs, mask=mask)
        return {"carry": carry, "ys": ys}

    model = Model(
        title=name,
        apply=apply,
        params=params,
        inputs={
            "xs": Array(("time", "batch", 5), "float32"),
            "mask": Array(("time", "batch"), "bool"),
        },
        outputs={"carry": "", "ys": ""},
    )
    if name in NO_ONNX:
        with pytest.raises(ExportError, match="jax2onnx can't convert this model"):
            to_onnx(model.serve, model.inputs)
        return
    call = onnx_function(to_onnx(model.serve, model.inputs))
    for batch, time in SIZES:
        arrays = drawn(model, batch, time)
        assert_close(call(arrays), outputs_of(model, arrays), tolerance=1e-5)


def test_the_axes_of_an_output_straight_from_a_loop_keep_their_names():
    cell = rnnjax.GRU(2, 3)
    params = cell.init(jax.random.key(0))

    def outputs(xs):
        return {"ys": rnnjax.unroll(cell, params, xs)[1]}

    file = to_onnx(outputs, {"xs": Array(("time", "batch", 2), "float32")})
    (ys,) = onnxruntime.InferenceSession(file).get_outputs()
    assert (ys.name, ys.shape) == ("ys", ["time", "batch", 3])
