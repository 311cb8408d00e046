"""PyTorch: ``nn.RNN``, ``LSTM`` and ``GRU``, and ``LSTMCell`` and ``GRUCell`` for single steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from benchmarks.peers import Program, Settings
from benchmarks.work import Row, Work, make_batch


def prepare(settings: Settings) -> None:
    torch.set_num_threads(settings.threads)
    torch.backends.cuda.matmul.allow_tf32 = settings.precision == "tf32"
    torch.backends.cudnn.allow_tf32 = settings.precision == "tf32"


def variants(row: Row) -> list[dict[str, Any]]:
    """Adam as one kernel for all weights, or as PyTorch takes it by itself."""
    return [{"fused": False}, {"fused": True}] if row.kind == "train" else [{}]


class Model(nn.Module):
    def __init__(self, work: Work) -> None:
        super().__init__()
        self.work = work
        if work.num_words:
            self.embedding = nn.Embedding(work.num_words, work.input_size)
        kind = {"simple_rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[work.cell]
        self.rnn = kind(
            work.input_size, work.hidden_size, batch_first=True, bidirectional=work.bidirectional
        )
        width = work.hidden_size * len(work.directions)
        if work.dense_size:
            self.dense = nn.Linear(width, work.dense_size)
            width = work.dense_size
        self.out = nn.Linear(width, work.outputs)

    def forward(self, x: Any) -> Any:
        work = self.work
        ys, state = self.rnn(self.embedding(x) if work.num_words else x)
        if not work.every_step:
            last = state[0] if work.cell == "lstm" else state
            ys = torch.cat(tuple(last), dim=-1) if work.bidirectional else last[0]
        if work.dense_size:
            ys = torch.relu(self.dense(ys))
        logits = self.out(ys)
        return logits[..., 0] if work.outputs == 1 else logits

    def loss(self, x: Any, y: Any) -> Any:
        logits = self(x)
        if self.work.outputs == 1:
            return nn.functional.binary_cross_entropy_with_logits(logits, y)
        return nn.functional.cross_entropy(logits.flatten(0, -2), y.flatten())


class TorchProgram:
    def __init__(self, settings: Settings) -> None:
        self.device = torch.device("cuda" if settings.device == "gpu" else "cpu")

    def put(self, array: np.ndarray) -> Any:
        # Labels of classes have to be int64.
        tensor = torch.from_numpy(array)
        return (tensor.long() if array.dtype == np.int32 else tensor).to(self.device)

    def wait(self, result: Any) -> None:
        del result
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def to_numpy(self, result: Any) -> np.ndarray:
        return result.detach().cpu().numpy()

    def gradients(self) -> dict[str, np.ndarray]:
        return {}


class Forward(TorchProgram):
    def __init__(self, row: Row, weights: dict[str, np.ndarray], settings: Settings) -> None:
        super().__init__(settings)
        self.model = Model(row.work).to(self.device)
        self.model.load_state_dict({name: torch.tensor(a) for name, a in weights.items()})
        self.x = self.put(make_batch(row)[0])

    @torch.inference_mode()
    def run(self) -> Any:
        return self.model(self.x)


class Updates(TorchProgram):
    """Loss, gradient and Adam's update, given a module with ``loss(*batch)``."""

    def __init__(
        self,
        model: Any,
        weights: dict[str, np.ndarray],
        batch: Any,
        settings: Settings,
        fused: bool,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(settings)
        self.weights = {name: torch.tensor(array) for name, array in weights.items()}
        self.model = model.to(self.device)
        self.model.load_state_dict(self.weights)
        self.batch = tuple(map(self.put, batch))
        self.clip_norm = clip_norm
        self.optimizer = torch.optim.Adam(self.model.parameters(), 1e-3, fused=fused)

    def loss(self) -> Any:
        return self.model.loss(*self.batch)

    def run(self) -> Any:
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss()
        loss.backward()
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()
        return loss

    def gradients(self) -> dict[str, np.ndarray]:
        self.model.load_state_dict(self.weights)
        self.optimizer.zero_grad(set_to_none=True)
        self.loss().backward()
        named = self.model.named_parameters()
        return {name: p.grad.cpu().numpy().copy() for name, p in named}


class Stream(TorchProgram):
    def __init__(self, row: Row, weights: dict[str, np.ndarray], settings: Settings) -> None:
        super().__init__(settings)
        work = row.work
        kind = {"gru": nn.GRUCell, "lstm": nn.LSTMCell}[work.cell]
        self.cell = kind(work.input_size, work.hidden_size).to(self.device)
        names = {name: name.removeprefix("rnn.").removesuffix("_l0") for name in weights}
        self.cell.load_state_dict({names[n]: torch.tensor(a) for n, a in weights.items()})
        self.is_lstm = work.cell == "lstm"
        zeros = torch.zeros(work.batch, work.hidden_size, device=self.device)
        self.state = (zeros, zeros) if self.is_lstm else zeros
        self.x = self.put(make_batch(row)[0])

    @torch.inference_mode()
    def run(self) -> Any:
        self.state = self.cell(self.x, self.state)
        return self.state[0] if self.is_lstm else self.state


def build(row: Row, weights: dict[str, np.ndarray], settings: Settings, **variant: Any) -> Program:
    if row.kind == "train":
        return Updates(Model(row.work), weights, make_batch(row), settings, **variant)
    kind: Any = {"forward": Forward, "stream": Stream}[row.kind]
    return kind(row, weights, settings)
