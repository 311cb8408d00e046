"""PyTorch's adaptive softmax beside this library's, from the same weights."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
import torch  # pyright: ignore[reportMissingImports]

from rnnjax.models import AdaptiveEmbedding, AdaptiveSoftmax, adaptive_softmax
from tests.running import assert_close

V, D, CUTOFFS = 40, 12, (6, 20)


def weights_of(module: Any, what: str) -> dict[str, Any]:
    """The weights of a `torch.nn.AdaptiveLogSoftmaxWithLoss`, or their gradients, as ours."""

    def array(weight: Any) -> np.ndarray:
        return getattr(weight, what).numpy(force=True)

    head = array(module.head.weight)
    words = {"table_0": head[: CUTOFFS[0]]}
    for i, (projection, table) in enumerate(module.tail, start=1):
        words |= {f"projection_{i}": array(projection.weight), f"table_{i}": array(table.weight)}
    bias = {} if module.head.bias is None else {"bias": array(module.head.bias)}
    return {"clusters": head[CUTOFFS[0] :], "words": words, **bias}


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("div_value", [2.0, 3.0])
def test_losses_probabilities_and_gradients(bias, div_value, monkeypatch):
    monkeypatch.setattr(adaptive_softmax, "BLOCK", 8)
    generator = torch.Generator().manual_seed(0)
    theirs = torch.nn.AdaptiveLogSoftmaxWithLoss(
        D, V, list(CUTOFFS), div_value, head_bias=bias, dtype=torch.float64
    )
    for weight in theirs.parameters():
        weight.data.copy_(torch.randn(weight.shape, generator=generator))
    ys = torch.randn(50, D, generator=generator, dtype=torch.float64).requires_grad_()
    targets = torch.randint(V, (50,), generator=generator)
    losses = -theirs(ys, targets).output
    factors = torch.randn(50, generator=generator, dtype=torch.float64)
    (losses * factors).sum().backward()

    ours = AdaptiveSoftmax(AdaptiveEmbedding(V, D, CUTOFFS, div_value), use_bias=bias)

    def compute(params: Any, xs: Any) -> Any:
        return ours.apply({"params": params}, xs, targets.numpy(), method="losses")

    params, xs = weights_of(theirs, "data"), ys.numpy(force=True)
    found, pull = jax.vjp(jax.jit(compute), params, xs)
    assert_close(found, losses.numpy(force=True))
    assert_close(pull(factors.numpy()), (weights_of(theirs, "grad"), ys.grad.numpy()))
    logs = jax.jit(ours.apply)({"params": params}, xs)
    assert_close(logs, theirs.log_prob(ys).numpy(force=True))
