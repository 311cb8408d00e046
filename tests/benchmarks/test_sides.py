"""rnnjax and both of Flax: the same outputs and gradients from the same weights."""

from typing import Any

import numpy as np
import pytest

from benchmarks import convert, peers
from benchmarks.agreement import compare
from benchmarks.peers import ours
from benchmarks.work import Row, Work
from tests.slow import slow_but

SETTINGS = peers.Settings(threads=1)
ROWS = [
    Row("rnn", "train", Work("rnn", "simple_rnn", 3, 4, 5, 6, two_biases=True)),
    Row(
        "text",
        "train",
        Work("text", "lstm", 3, 4, 5, 6, 1, num_words=7, dense_size=8, bidirectional=True),
    ),
    Row("layer", "train", Work("layer", "gru", 3, 4, 5, 6, every_step=True)),
    Row("forward", "forward", Work("forward", "lstm", 3, 4, 5, 6, every_step=True)),
    Row("lstm-stream", "stream", Work("stream", "lstm", 1, 1, 5, 6)),
    Row("gru-stream", "stream", Work("stream", "gru", 1, 1, 5, 6)),
]


def results(side, row):
    """What a worker writes down, under the common names."""
    weights = convert.to_side(side, row, convert.initial_weights(row))
    program = peers.load(side).build(row, weights, SETTINGS)
    outputs = {f"output.{i}": program.to_numpy(program.run()).copy() for i in range(3)}
    gradients = program.gradients()
    if row.kind == "train":
        gradients = convert.from_side(side, row, gradients)
    return outputs | {f"gradient.{name}": np.asarray(a) for name, a in gradients.items()}


BY_NAME = {row.name: row for row in ROWS}


@pytest.mark.parametrize("name", slow_but({"rnn", "gru-stream"}, BY_NAME))
def test_agreement(name):
    row = BY_NAME[name]
    reference = results("rnnjax", row)
    for side in ("flax_linen", "flax_nnx"):
        found = compare(row.kind, reference, results(side, row))
        assert found["disagrees"] is None, side
        assert found["differences"]["gradients"] < 1e-5
    if row.kind == "train":
        names = {name.partition(".")[2] for name in reference if name.startswith("gradient")}
        assert names == set(convert.initial_weights(row))
        assert reference["output.2"] < reference["output.0"]
    elif row.kind == "stream":
        assert np.abs(reference["output.1"] - reference["output.0"]).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rnn", "text", "layer"])
def test_the_loop_takes_the_same_steps(name):
    row = BY_NAME[name]
    weights = convert.to_side("rnnjax", row, convert.initial_weights(row))
    single = ours.build(row, weights, SETTINGS, in_loop=False)
    loop: Any = ours.build(row, weights, SETTINGS, in_loop=True)
    losses = [float(single.run()) for _ in range(12)]
    assert [float(loop.run()), float(loop.run())] == pytest.approx(losses[:2], rel=1e-5)
    assert float(loop.run_many(10)) == pytest.approx(losses[-1], rel=1e-4)
    found, expected = loop.gradients(), single.gradients()
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        np.testing.assert_allclose(found[name], gradient, atol=1e-6)


def test_rows_are_spread_over_devices_only_if_they_can_be_shared_out(monkeypatch):
    spread = []
    monkeypatch.setattr(ours.jax, "make_mesh", lambda *args, **kw: spread.append(args))
    settings = peers.Settings(threads=2, our_devices=2)
    ours.place_of(Work("odd", "gru", 3, 4, 5, 6), settings)
    assert not spread
    ours.place_of(Work("even", "gru", 4, 4, 5, 6), settings)
    assert spread == [((2,), ("rows",))]
