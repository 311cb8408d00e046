"""``--export``: the model of a run in a folder of its own."""

import json

import jax
import jax.export
import numpy as np
import pytest

from experiments import binary_sequence, mnist_rnn
from rnnjax.experiment.saved import saved_config
from rnnjax.export.signature import by_name
from tests.experiments.starting import assert_refused, start

QUICK = ["--steps=20", "--eval_every=20"]


def load(folder):
    return jax.export.deserialize(bytearray((folder / "model.stablehlo").read_bytes()))


@pytest.fixture(scope="module")
def digits_run(tmp_path_factory):
    run = tmp_path_factory.mktemp("digits") / "run"
    done = start("mnist_rnn", "--dataset=digits", "--hidden_size=8", *QUICK, f"--workdir={run}")
    assert done.returncode == 0, done.stderr
    return run


@pytest.mark.slow
def test_images(digits_run, tmp_path):
    before = sorted(digits_run.rglob("*"))
    out = tmp_path / "out"
    done = start("mnist_rnn", f"--workdir={digits_run}", f"--export={out}")
    assert done.returncode == 0, done.stderr
    assert f"written to {out}" in done.stdout
    assert sorted(digits_run.rglob("*")) == before
    said = json.loads((out / "export.json").read_text())
    assert said["labels"] == list("0123456789")
    config = mnist_rnn.Config(workdir=str(digits_run), eval_only=True)
    model = mnist_rnn.trained_model(saved_config(config))
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8)).astype(np.uint8)
    expected = jax.device_get(model.serve(images)["logits"])
    assert expected.std() > 0.1
    np.testing.assert_allclose(load(out).call(images)["logits"], expected, atol=1e-6)


@pytest.mark.slow
def test_a_stream(tmp_path):
    run, out = tmp_path / "run", tmp_path / "out"
    done = start("binary_sequence", "--num_layers=2", *QUICK, f"--workdir={run}")
    assert done.returncode == 0, done.stderr
    done = start("binary_sequence", f"--workdir={run}", f"--export={out}")
    assert done.returncode == 0, done.stderr
    config = binary_sequence.Config(workdir=str(run), eval_only=True)
    model = binary_sequence.trained_model(saved_config(config))
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (3, 50)).astype(np.int32)
    carry = tuple({"h": rng.standard_normal((3, 6)).astype(np.float32)} for _ in range(2))
    given = model.inputs["carry"]
    carries = jax.tree.unflatten(jax.tree.structure(given), jax.tree.leaves(carry))
    expected = by_name(model.serve(bits, carries))
    found = by_name(load(out).call(bits, carry))
    assert found.keys() == expected.keys() == {"logits", "next_carry.0.h", "next_carry.1.h"}
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=1e-6)


@pytest.mark.slow
def test_mistakes_end_with_one_sentence_and_code_2(digits_run, tmp_path):
    run = f"--workdir={digits_run}"
    (tmp_path / "thesis.txt").write_text("mine")
    assert_refused(start("mnist_rnn", run, f"--export={tmp_path}"), "is not empty")
    nothing = start("mnist_rnn", f"--workdir={tmp_path}", f"--export={tmp_path / 'out'}")
    assert_refused(nothing, "holds no run")
    assert_refused(start("mnist_rnn", f"--export={tmp_path / 'out'}"), "--export needs --workdir")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
