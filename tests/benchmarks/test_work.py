"""The works have the sizes of the articles."""

import dataclasses
import json

import numpy as np
import pytest

from benchmarks.work import (
    ARTICLES,
    GPU_LAYERS,
    Row,
    UnknownWorkError,
    default_names,
    make_batch,
    num_params,
    rows_named,
)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("keras50", 4_460),
        ("keras32", 2_282),
        ("torch32", 2_314),
        ("bilstm64", 377_985),
        ("lstm100", 213_301),
    ],
)
def test_parameter_counts(name, size):
    (work,) = (work for work in ARTICLES if work.name == name)
    assert num_params(work) == size


@pytest.mark.parametrize(
    ("name", "batch", "steps"),
    [("keras50", 50, 28), ("torch32", 64, 28), ("bilstm64", 64, 256), ("lstm100", 64, 500)],
)
def test_batches(name, batch, steps):
    training, evaluation = rows_named([name])
    assert (training.kind, evaluation.kind) == ("train", "forward")
    x, y = make_batch(training)
    assert x.shape[:2] == (batch, steps)
    assert y.shape == (batch,)
    assert 2 <= len(np.unique(y)) <= training.work.outputs + 1
    assert len(make_batch(evaluation)[0]) == evaluation.work.eval_batch
    assert all((a == b).all() for a, b in zip(make_batch(training), (x, y), strict=True))


def test_any_sizes_of_a_layer():
    (row,) = rows_named(["gru-3x5x7.train"])
    x, y = make_batch(row)
    assert (row.work.cell, x.shape, y.shape) == ("gru", (3, 5, 7), (3, 5))


def test_a_row_is_named_once_and_survives_json():
    rows = rows_named([*default_names("cpu"), "keras50.train"])
    names = [row.name for row in rows]
    assert len(names) == len(set(names)) == 2 * 5 + 2 * 6 + 2 + 4 + 3 + 1 + 2
    for row in rows:
        assert Row.from_json(json.loads(json.dumps(dataclasses.asdict(row)))) == row


def test_the_layers_for_a_gpu():
    assert default_names("gpu") == GPU_LAYERS
    sizes = {
        (row.work.batch, row.work.steps, row.work.hidden_size) for row in rows_named(GPU_LAYERS)
    }
    assert sizes == {(b, 1024, h) for b in (16, 64) for h in (64, 256, 768, 1024)}


@pytest.mark.parametrize("name", ["keras51", "lstm-0x3x4", "keras50.stream", "rnn-2x3x4", ""])
def test_unknown_work(name):
    with pytest.raises(
        UnknownWorkError, match=f"--work={name} is unknown; expected one of: keras50"
    ):
        rows_named([name])
