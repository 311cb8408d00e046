"""PyTorch: ``nn.LSTM`` with two layers, ``nn.AdaptiveLogSoftmaxWithLoss``, a loop that writes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from benchmarks.language.work import LanguageWork, make_batch
from benchmarks.peers import Program, Settings
from benchmarks.peers.torch_side import TorchProgram, Updates
from benchmarks.work import Row

F: Any = nn.functional


def variants(row: Row) -> list[dict[str, Any]]:
    """Adam as one kernel or not, time or texts first.

    Who writes may call ``nn.LSTM`` for each symbol, or the cells, or the functions that they are
    made of, with a row of the lowest layer's products for each symbol.
    """
    if row.kind == "sample":
        return [{"way": way} for way in WAYS]
    both = (False, True)
    return [{"fused": f, "batch_first": b} for f, b in itertools.product(both, both)]


class Model(nn.Module):
    def __init__(self, work: LanguageWork, batch_first: bool) -> None:
        super().__init__()
        self.batch_first = batch_first
        self.is_embedded = bool(work.embedding_size)
        if self.is_embedded:
            self.embedding = nn.Embedding(work.num_symbols, work.embedding_size)
        else:
            # Looking up rows of it is quicker than `F.one_hot`, whose numbers are integers.
            self.register_buffer("vectors", torch.eye(work.num_symbols), persistent=False)
        self.rnn = nn.LSTM(
            work.input_size, work.hidden_size, work.num_layers, batch_first=batch_first
        )
        self.is_adaptive = bool(work.cutoffs)
        if self.is_adaptive:
            self.softmax = nn.AdaptiveLogSoftmaxWithLoss(
                work.hidden_size, work.num_symbols, list(work.cutoffs), work.div_value, True
            )
        else:
            self.out = nn.Linear(work.hidden_size, work.num_symbols)

    def inputs(self, symbols: Any) -> Any:
        return self.embedding(symbols) if self.is_embedded else F.embedding(symbols, self.vectors)

    def loss(self, x: Any, y: Any) -> Any:
        if not self.batch_first:
            x, y = x.T, y.T
        ys = self.rnn(self.inputs(x))[0].flatten(0, 1)
        y = y.flatten()
        return self.softmax(ys, y).loss if self.is_adaptive else F.cross_entropy(self.out(ys), y)


class Sampler(TorchProgram):
    """So many symbols of each text, each drawn from what `step` says."""

    def __init__(
        self, row: Row, weights: dict[str, np.ndarray], settings: Settings, way: str
    ) -> None:
        super().__init__(settings)
        self.work = row.work
        model = Model(row.work, batch_first=False)
        model.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})
        self.model = model.to(self.device).eval()
        self.step = WAYS[way](self)

    def beginning(self) -> tuple[Any, Any]:
        shape = self.work.num_layers, self.work.batch, self.work.hidden_size
        return torch.zeros(shape, device=self.device), torch.zeros(shape, device=self.device)

    @torch.inference_mode()
    def run(self) -> Any:
        state, drawn = self.beginning(), []
        symbols = torch.zeros(self.work.batch, dtype=torch.int64, device=self.device)
        for _ in range(self.work.steps):
            logits, state = self.step(symbols, state)
            symbols = torch.multinomial(logits.softmax(-1), 1)[:, 0]
            drawn.append(symbols)
        return torch.stack(drawn)

    @torch.inference_mode()
    def read(self, symbols: np.ndarray) -> np.ndarray:
        state, found = self.beginning(), []
        for each in self.put(symbols):
            logits, state = self.step(each, state)
            found.append(logits)
        return torch.stack(found).cpu().numpy()


def _by_module(sampler: Sampler) -> Any:
    model = sampler.model

    def step(symbols: Any, state: Any) -> Any:
        ys, state = model.rnn(model.inputs(symbols)[None], state)
        return model.out(ys[0]), state

    return step


def _by_cells(sampler: Sampler) -> Any:
    model, cells = sampler.model, []
    for i in range(sampler.work.num_layers):
        size = sampler.work.hidden_size if i else sampler.work.input_size
        cell = nn.LSTMCell(size, sampler.work.hidden_size).to(sampler.device)
        ending = f"_l{i}"
        state = model.rnn.state_dict()
        cell.load_state_dict(
            {n.removesuffix(ending): a for n, a in state.items() if n.endswith(ending)}
        )
        cells.append(cell)

    def step(symbols: Any, state: Any) -> Any:
        y, after = model.inputs(symbols), []
        for cell, h, c in zip(cells, *state, strict=True):
            y, c = cell(y, (h, c))
            after.append((y, c))
        return model.out(y), tuple(zip(*after, strict=True))

    return step


def _by_functions(sampler: Sampler) -> Any:
    model = sampler.model
    named = {name: p.detach() for name, p in model.rnn.named_parameters()}
    layers = []
    for i in range(sampler.work.num_layers):
        w_x, w_h, b_x, b_h = (
            named[f"{name}_l{i}"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
        layers.append((w_x.T.contiguous(), w_h.T.contiguous(), b_x + b_h))
    table = layers[0][0] + layers[0][2]

    def step(symbols: Any, state: Any) -> Any:
        x, after = None, []
        for (w_x, w_h, b), h, c in zip(layers, *state, strict=True):
            z = F.embedding(symbols, table) if x is None else torch.addmm(b, x, w_x)
            i, f, g, o = torch.addmm(z, h, w_h).chunk(4, dim=-1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            x = o.sigmoid() * c.tanh()
            after.append((x, c))
        return model.out(x), tuple(zip(*after, strict=True))

    return step


WAYS = {"module": _by_module, "cells": _by_cells, "functions": _by_functions}


def build(row: Row, weights: dict[str, np.ndarray], settings: Settings, **variant: Any) -> Program:
    if row.kind == "sample":
        return Sampler(row, weights, settings, **variant)
    model = Model(row.work, variant["batch_first"])
    return Updates(model, weights, make_batch(row), settings, variant["fused"])
