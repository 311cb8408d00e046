from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import rnnjax
from experiments.comparison.group import Plan
from experiments.comparison.questions import state
from rnnjax.bridges.named import from_named
from rnnjax.errors import UsageError
from tests.experiments.comparison.asking import SMALL, study_of


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    study = study_of("state", tmp_path_factory.mktemp("state"), **SMALL)
    return study, state.answer(study)


@pytest.mark.slow
def test_the_gradients_are_those_of_the_loss_that_was_trained(asked):
    study, answer = asked
    (group,) = study.run([Plan("gru", {"cell": "gru"})])
    params, problem = group.params_of(0, 1), group.problem
    images = jnp.swapaxes(problem.read(problem.test_inputs[:200]), 0, 1)
    layer, dense = problem.model.layer, params["to_logits"]
    cell = from_named(layer, params["rnn"])

    @jax.jit
    @jax.grad
    def of_the_rest(carry):
        y = rnnjax.unroll_last(layer, cell, images[1:], carry)[1]
        logits = y @ dense["kernel"] + dense["bias"][None]
        labels = jnp.asarray(problem.test_labels[:200])
        return optax.softmax_cross_entropy_with_integer_labels(logits, labels).sum()

    after_one = rnnjax.unroll(layer, cell, images[:1])[0]
    expected = np.linalg.norm(of_the_rest(after_one).h, axis=-1)
    norms = state._norms(state._trace(group, params))
    np.testing.assert_allclose(norms[0], expected, rtol=1e-4)
    reach = np.median(np.log10(norms[0] / norms[-1]))
    row = next(row for row in answer.tables[0].rows if row[0] == "gru")
    assert row[4].values[1] == pytest.approx(reach, rel=1e-6)


@pytest.mark.slow
def test_every_cell_is_drawn_and_compared(asked):
    _, answer = asked
    assert [row[0] for row in answer.tables[0].rows] == list(state.CELLS)
    assert [figure.name for figure in answer.figures] == ["states", "gradients"]
    titles = [axes.get_title() for axes in answer.figures[0].drawing.axes]
    assert titles[: 1 + len(state.CELLS)] == ["input", *state.CELLS]
    assert any(
        s.startswith("lstm: the gradient at the first of 8 states") for s in answer.sentences
    )
    assert "seed by seed" in " ".join(answer.sentences)


def test_bits_are_no_picture(tmp_path):
    with pytest.raises(UsageError, match="can't be asked of binary_sequence, because"):
        state.answer(study_of("state", tmp_path, "binary_sequence"))
