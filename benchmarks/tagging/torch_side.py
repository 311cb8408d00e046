"""PyTorch: ``nn.LSTM`` of several layers, a linear layer, and its own losses."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from benchmarks.peers import Program, Settings
from benchmarks.peers.torch_side import Updates
from benchmarks.tagging.work import CLIP_NORM, NUM_LABELS, TaggingWork, make_batch
from benchmarks.work import Row

F: Any = nn.functional


def variants(row: Row) -> list[dict[str, Any]]:
    """Adam as one kernel, or not."""
    del row
    return [{"fused": False}, {"fused": True}]


class Model(nn.Module):
    def __init__(self, work: TaggingWork) -> None:
        super().__init__()
        self.work = work
        self.rnn = nn.LSTM(
            work.input_size, work.hidden_size, work.num_layers, batch_first=True,
            bidirectional=work.bidirectional,
        )  # fmt: skip
        self.out = nn.Linear(work.hidden_size * work.num_directions, work.outputs)

    def loss(self, xs: Any, targets: Any) -> Any:
        logits = self.out(self.rnn(xs)[0])
        if self.work.loss == "keys":
            nats = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
            return nats.sum(dim=-1).mean()
        each = F.ctc_loss(
            F.log_softmax(logits, dim=-1).transpose(0, 1), targets,
            torch.full((len(xs),), xs.shape[1]), torch.full((len(xs),), NUM_LABELS),
            blank=self.work.outputs - 1, reduction="none",
        )  # fmt: skip
        return each.mean()


def build(row: Row, weights: dict[str, np.ndarray], settings: Settings, **variant: Any) -> Program:
    return Updates(Model(row.work), weights, make_batch(row), settings, variant["fused"], CLIP_NORM)
