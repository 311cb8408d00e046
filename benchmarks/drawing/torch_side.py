"""PyTorch: ``nn.LSTM``, a linear layer, and the mixture's density written with tensors.

In two ways. "plain" is the density as the papers write it, with each covariance's determinant and
the distance by it; "sums" is that of sums alone, as `rnnjax.models.mixture_density` has it.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from benchmarks.drawing.work import CLIP_NORM, END, FLOOR, NUM_FEATURES, DrawingWork, make_batch
from benchmarks.peers import Program, Settings
from benchmarks.peers.torch_side import Updates
from benchmarks.work import Row

F: Any = nn.functional
WAYS = ("plain", "sums")


def variants(row: Row) -> list[dict[str, Any]]:
    """How the density is written; Adam as one kernel."""
    del row
    return [{"way": w, "fused": f} for w, f in itertools.product(WAYS, (False, True))]


class Model(nn.Module):
    def __init__(self, work: DrawingWork, way: str) -> None:
        super().__init__()
        self.way = way
        self.rnn = nn.LSTM(NUM_FEATURES, work.hidden_size, batch_first=True)
        self.out = nn.Linear(work.hidden_size, work.outputs)

    def loss(self, offsets: Any, pens: Any) -> Any:
        features = torch.cat((offsets, F.one_hot(pens, 3).to(offsets.dtype)), dim=-1)
        start = torch.zeros_like(features[:, :1])
        start[..., 2 + END] = 1
        ys, _ = self.rnn(torch.cat((start, features[:, :-1]), dim=1))
        outputs = self.out(ys)
        pen = F.cross_entropy(outputs[..., :3].flatten(0, 1), pens.flatten())
        mixture = outputs[..., 3:].chunk(6, dim=-1)
        density = plain if self.way == "plain" else sums
        return pen - density(mixture, offsets).mean()


def plain(mixture: Any, offsets: Any) -> Any:
    """Log densities ``[B, T]`` by the formula of an inverse covariance."""
    weights, mean_x, mean_y, log_x, log_y, tilt = mixture
    x, y = offsets[..., :1] - mean_x, offsets[..., 1:] - mean_y
    one, other = torch.exp(log_x), torch.exp(log_y)
    a, b = one**2 + FLOOR**2, other**2 + FLOOR**2
    c = torch.tanh(tilt) * one * other
    determinant = a * b - c**2
    distance = (b * x**2 - 2 * c * x * y + a * y**2) / determinant
    logs = -0.5 * (distance + torch.log(determinant)) - math.log(2 * math.pi)
    return torch.logsumexp(F.log_softmax(weights, dim=-1) + logs, dim=-1)


def sums(mixture: Any, offsets: Any) -> Any:
    """The same without differences of what is nearly equal."""
    weights, mean_x, mean_y, log_x, log_y, tilt = mixture
    x, y = offsets[..., :1] - mean_x, offsets[..., 1:] - mean_y
    one, other = torch.exp(log_x), torch.exp(log_y)
    up, down = torch.sigmoid(2 * tilt), torch.sigmoid(-2 * tilt)
    spread_x, spread_y, square = one**2, other**2, FLOOR**2
    determinant = 4 * up * down * spread_x * spread_y
    determinant = determinant + square * (spread_x + spread_y) + square**2
    p, q = other * x, one * y
    distance = up * (p - q) ** 2 + down * (p + q) ** 2 + square * (x**2 + y**2)
    logs = -0.5 * (distance / determinant + torch.log(determinant)) - math.log(2 * math.pi)
    return torch.logsumexp(weights + logs, dim=-1) - torch.logsumexp(weights, dim=-1)


def build(row: Row, weights: dict[str, np.ndarray], settings: Settings, **variant: Any) -> Program:
    model = Model(row.work, variant["way"])
    return Updates(model, weights, make_batch(row), settings, variant["fused"], CLIP_NORM)
