"""A sampler as StableHLO: keys go in as the numbers that they are made of."""

from __future__ import annotations

import functools

import jax
import jax.export
import numpy as np

from rnnjax.decoding import Sampling, sample
from tests.decoding.tiny import tiny_carry, tiny_params, tiny_step

V, B = 7, 3


def test_an_exported_sampler_writes_the_same_for_any_number_of_rows():
    def sampler(params, carry, first, key_data):
        step = functools.partial(tiny_step, params)
        sampling = Sampling(0.9, top_k=5, top_p=0.9)
        samples = sample(step, carry, first, key_data, num_steps=8, sampling=sampling, end=0)
        return samples.tokens, samples.log_probs, samples.lengths

    params, key_data = tiny_params(V), np.array([0, 5], np.uint32)
    (rows,) = jax.export.symbolic_shape("rows")
    carry, first = jax.tree.map(
        lambda a: jax.ShapeDtypeStruct((rows, *a.shape[1:]), a.dtype),
        (tiny_carry(B), np.zeros(B, np.int32)),
    )
    export = jax.export.export(jax.jit(sampler), platforms=("cpu", "cuda", "tpu"))
    restored = jax.export.deserialize(export(params, carry, first, key_data).serialize())
    arguments = params, tiny_carry(B), np.array([1, 2, 3], np.int32), key_data
    for found, expected in zip(restored.call(*arguments), sampler(*arguments), strict=True):
        np.testing.assert_array_equal(found, expected)
