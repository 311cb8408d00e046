"""What a classifier says while a sequence grows."""

from typing import Any

import jax
import numpy as np

from rnnjax import GRU, Bidirectional
from rnnjax.analysis.growing import by_beginning
from rnnjax.models import SequenceClassifier
from tests.running import quick_jit


def test_each_beginning_is_judged_as_if_nothing_followed():
    model = SequenceClassifier(Bidirectional(GRU(2, 3)), 4)
    sequence = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    params = model.init(jax.random.key(0), sequence[None])["params"]

    @quick_jit
    def logits(params, xs, mask):
        return model.apply({"params": params}, xs, mask=mask)

    found = by_beginning(logits, params, sequence)
    assert found.shape == (5, 4)
    for t in range(1, 6):
        alone: Any = model.apply({"params": params}, sequence[None, :t])
        np.testing.assert_allclose(found[t - 1], jax.nn.softmax(alone)[0], rtol=1e-5)
