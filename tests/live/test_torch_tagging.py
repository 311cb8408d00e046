"""PyTorch's side of the benchmark of tagging computes what ours does."""

import numpy as np
import pytest

from benchmarks.agreement import compare
from benchmarks.peers import Settings, load
from benchmarks.tagging import convert
from tests.benchmarks.tagging.test_tagging_work import CTC, KEYS


def results(side, row, **variant):
    given = convert.to_side(side, row, convert.initial_weights(row))
    program = load(side, row).build(row, given, Settings(threads=1), **variant)
    gradients = convert.from_side(side, row, program.gradients())
    found = {f"gradient.{name}": np.asarray(a) for name, a in gradients.items()}
    return found | {f"output.{i}": program.to_numpy(program.run()).copy() for i in range(3)}


@pytest.mark.parametrize("row", [KEYS, CTC], ids=lambda row: row.name)
def test_a_training_step(row):
    ours = results("rnnjax", row, in_loop=False)
    for fused in (False, True):
        agreement = compare("train", ours, results("torch", row, fused=fused))
        assert agreement["disagrees"] is None
        assert agreement["differences"]["gradients"] < 1e-5
