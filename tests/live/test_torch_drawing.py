"""Every way in which PyTorch's side of the benchmark writes drawing computes what ours does."""

import numpy as np

from benchmarks.agreement import compare
from benchmarks.drawing import convert
from benchmarks.drawing.work import DrawingWork
from benchmarks.peers import Settings, load
from benchmarks.work import Row

ROW = Row("training", "train", DrawingWork("small", 3, 5, 6, 4))


def results(side, **variant):
    given = convert.to_side(side, ROW, convert.initial_weights(ROW))
    program = load(side, ROW).build(ROW, given, Settings(threads=1), **variant)
    gradients = convert.from_side(side, ROW, program.gradients())
    found = {f"gradient.{name}": np.asarray(a) for name, a in gradients.items()}
    return found | {f"output.{i}": program.to_numpy(program.run()).copy() for i in range(3)}


def test_a_training_step():
    ours = results("rnnjax", in_loop=False)
    for way, fused in (("plain", False), ("sums", True)):
        agreement = compare("train", ours, results("torch", way=way, fused=fused))
        assert agreement["disagrees"] is None
        assert agreement["differences"]["gradients"] < 1e-5
