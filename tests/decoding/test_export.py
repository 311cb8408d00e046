"""A sampler as StableHLO: keys go in as the numbers that they are made of."""

from __future__ import annotations

import functools

import jax
import jax.export
import numpy as np

from rnnjax.decoding import Sampling, sample
from tests.decoding.tiny import tiny_carry, tiny_params, tiny_step

V, B = 7, 3


def test_an_exported_sampler_writes_the_same():
    def sampler(params, carry, first, key_data):
        step = functools.partial(tiny_step, params)
        sampling = Sampling(0.9, top_k=5, top_p=0.9)
        samples = sample(step, carry, first, key_data, num_steps=8, sampling=sampling, end=0)
        return samples.tokens, samples.log_probs, samples.lengths

    arguments = tiny_params(V), tiny_carry(B), np.array([1, 2, 3]), np.array([0, 5], np.uint32)
    exported = jax.export.export(jax.jit(sampler), platforms=("cpu", "cuda", "tpu"))(*arguments)
    restored = jax.export.deserialize(exported.serialize())
    found, expected = restored.call(*arguments), jax.jit(sampler)(*arguments)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)
