"""Perplexity with the model's own symbols, beside a loop over whole targets so far."""

# linen's `apply` returns a union.
# pyright: reportArgumentType=false

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import rnnjax.experiment as xp
from rnnjax.data.codes import PAD, START
from rnnjax.experiment import encoder_decoder as ed
from rnnjax.training.lengths import batches_by_length
from tests.experiment.test_encoder_decoder import ENCODING, PAIRS
from tests.running import quick_jit

pytestmark = pytest.mark.usefixtures("x64")


def written_out(model: Any, params: Any, arrays: ed.Arrays) -> float:
    """The mean loss, by the logits of whole targets that grow by the likeliest symbol."""
    run = quick_jit(lambda *read: model.apply({"params": params}, *read))
    written = np.full((len(arrays.targets), 10), START)
    losses = []
    for t, targets in enumerate(arrays.targets.T):
        of_step = np.asarray(run(arrays.sources, arrays.sources > 0, written[:, :-1]))[:, t]
        assert of_step.dtype == np.float64
        own = np.log(np.exp(of_step).sum(axis=1)) - of_step[range(len(targets)), targets]
        losses += own[targets != PAD].tolist()
        written[:, t + 1] = of_step.argmax(axis=1)
    return float(np.mean(losses))


def test_the_model_reads_what_it_wrote():
    config = ed.Config(
        cell="simple_rnn",
        bidirectional=False,
        hidden_size=3,
        embedding_size=2,
        max_length=9,
        precision="f64",
    )
    model = ed.build_model(config, len(ENCODING.source), len(ENCODING.target))
    arrays = ENCODING.arrays(PAIRS, longest=9)
    shapes = jax.eval_shape(xp.initializing(model, *ed.A_PAIR), jax.random.key(0))
    rng = np.random.default_rng(3)
    params = jax.tree.map(lambda a: 2 * rng.normal(size=a.shape), shapes)
    layout = xp.Layout.single()
    _, cut = batches_by_length(arrays.lengths, 9, 2, 1, multiple=4)
    _, sums = ed.learning(config, layout, model, cut, 1)
    found = ed.scoring_fed_back(sums, model, arrays, layout, "test")(params)
    loss = written_out(model, params, arrays)
    np.testing.assert_allclose(found["test_fed_back_loss"], loss, rtol=1e-10)
    np.testing.assert_allclose(found["test_fed_back_perplexity"], np.exp(loss), rtol=1e-10)
