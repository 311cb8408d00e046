"""PyTorch: ``nn.GRU`` that reads, an attention module, and a loop over what is written.

In two ways. "tutorial" is how the well-known tutorials write it: at each step a linear layer of
the state beside every place of the source, ``nn.GRU`` for a step of length one, and the last layer.
"ahead" is what can be got out of the same modules by hand: what the attention makes of the places
once, ``torch.gru_cell``, and where all symbols are known the last layer once.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from benchmarks.peers import Program, Settings
from benchmarks.peers.torch_side import TorchProgram, Updates
from benchmarks.translation.work import CLIP_NORM, END, START, TranslationWork, make_batch
from benchmarks.work import Row

F: Any = nn.functional
AHEAD = (False, True)


def variants(row: Row) -> list[dict[str, Any]]:
    """What is computed ahead; Adam as one kernel; whether beams are sorted one by one first."""
    if row.kind == "train":
        return [{"ahead": a, "fused": f} for a, f in itertools.product(AHEAD, (False, True))]
    if row.work.beam_size == 1:
        return [{"ahead": a} for a in AHEAD]
    return [{"ahead": a, "each_first": e} for a, e in itertools.product(AHEAD, (False, True))]


class Attention(nn.Module):
    """Additive scores of places ``[B, S, M]`` for states ``[B, H]``; gives what is read."""

    def __init__(self, work: TranslationWork, ahead: bool) -> None:
        super().__init__()
        self.hidden_size, self.ahead = work.hidden_size, ahead
        self.hidden = nn.Linear(work.hidden_size + work.memory_size, work.hidden_size)
        self.energy = nn.Linear(work.hidden_size, 1, bias=False)

    def keys(self, places: Any) -> Any:
        weight = self.hidden.weight[:, self.hidden_size :]
        return F.linear(places, weight, self.hidden.bias) if self.ahead else None

    def forward(self, state: Any, places: Any, keys: Any, mask: Any) -> Any:
        if self.ahead:
            query = F.linear(state, self.hidden.weight[:, : self.hidden_size])
            hidden = query[:, None] + keys
        else:
            repeated = state[:, None].expand(-1, places.shape[1], -1)
            hidden = self.hidden(torch.cat((repeated, places), dim=-1))
        scores = self.energy(torch.tanh(hidden))[..., 0].masked_fill(~mask, -1e10)
        return torch.bmm(scores.softmax(dim=-1)[:, None], places)[:, 0]


class Model(nn.Module):
    def __init__(self, work: TranslationWork, ahead: bool) -> None:
        super().__init__()
        self.ahead = ahead
        e, h, m = work.embedding_size, work.hidden_size, work.memory_size
        self.sources = nn.Embedding(work.num_words, e)
        self.targets = nn.Embedding(work.num_words, e)
        self.encoder = nn.GRU(e, h, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(m, h)
        self.attention = Attention(work, ahead)
        self.decoder = nn.GRU(e + m, h, batch_first=True)
        self.out = nn.Linear(work.features, work.num_words)

    def encode(self, sources: Any) -> tuple[Any, Any]:
        """The first state, and what each step reads: places, their keys, where they are."""
        places, last = self.encoder(self.sources(sources))
        state = torch.tanh(self.bridge(torch.cat((last[0], last[1]), dim=-1)))
        return state, (places, self.attention.keys(places), sources != 0)

    def step(self, embedded: Any, state: Any, known: Any) -> tuple[Any, Any]:
        """The next state, and what the last layer reads."""
        context = self.attention(state, *known)
        inputs = torch.cat((embedded, context), dim=-1)
        if self.ahead:
            gru = self.decoder
            weights = gru.weight_ih_l0, gru.weight_hh_l0, gru.bias_ih_l0, gru.bias_hh_l0
            state = torch.gru_cell(inputs, state, *weights)
        else:
            state = self.decoder(inputs[:, None], state[None])[1][0]
        return state, torch.cat((state, context, embedded), dim=-1)

    def loss(self, sources: Any, before: Any, targets: Any) -> Any:
        state, known = self.encode(sources)
        found = []
        if self.ahead:
            for embedded in self.targets(before).unbind(dim=1):
                state, features = self.step(embedded, state, known)
                found.append(features)
            logits = self.out(torch.stack(found, dim=1))
        else:
            for symbols in before.unbind(dim=1):
                state, features = self.step(self.targets(symbols), state, known)
                found.append(self.out(features))
            logits = torch.stack(found, dim=1)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=0)


class Search(TorchProgram):
    """The best translation of each source that a search finds, ``[B, T]``, and its score."""

    def __init__(
        self,
        row: Row,
        weights: dict[str, np.ndarray],
        settings: Settings,
        ahead: bool,
        each_first: bool = False,
    ) -> None:
        super().__init__(settings)
        self.work, self.each_first = row.work, each_first
        model = Model(row.work, ahead)
        model.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})
        self.model = model.to(self.device).eval()
        self.sources = self.put(make_batch(row)[0])

    @torch.inference_mode()
    def run(self) -> Any:
        return self.greedy() if self.work.beam_size == 1 else self.beams()

    def greedy(self) -> Any:
        model = self.model
        state, known = model.encode(self.sources)
        symbols = torch.full_like(self.sources[:, 0], START)
        has_ended = torch.zeros_like(symbols, dtype=torch.bool)
        score, written = torch.zeros_like(state[:, 0]), []
        for _ in range(self.work.steps):
            state, features = model.step(model.targets(symbols), state, known)
            best, symbols = F.log_softmax(model.out(features), dim=-1).max(dim=-1)
            symbols = symbols.masked_fill(has_ended, END)
            score = score + best.masked_fill(has_ended, 0)
            written.append(symbols)
            has_ended = has_ended | (symbols == END)
            if has_ended.all():
                break
        return torch.stack(written, dim=1), score

    def beams(self) -> Any:
        model, num, size = self.model, self.work.batch, self.work.beam_size
        state, known = model.encode(self.sources)
        state = state.repeat_interleave(size, dim=0)
        known = tuple(None if a is None else a.repeat_interleave(size, dim=0) for a in known)
        written = torch.full((num * size, 1), START, device=self.device)
        scores = torch.full((num, size), -torch.inf, device=self.device)
        scores[:, 0] = 0  # all begin alike, so one of them is enough
        has_ended = torch.zeros((num, size), dtype=torch.bool, device=self.device)
        only_end = torch.full((self.work.num_words,), -torch.inf, device=self.device)
        only_end[END] = 0
        first = size * torch.arange(num, device=self.device)[:, None]
        for _ in range(self.work.steps):
            state, features = model.step(model.targets(written[:, -1]), state, known)
            log_probs = F.log_softmax(model.out(features), dim=-1).view(num, size, -1)
            if has_ended.any():
                log_probs = torch.where(has_ended[..., None], only_end, log_probs)
            scores, beams, symbols = self.best(scores[..., None] + log_probs)
            rows = (first + beams).flatten()
            state = state.index_select(0, rows)
            written = written.index_select(0, rows)
            written = torch.cat((written, symbols.view(-1, 1)), dim=1)
            has_ended = has_ended.gather(1, beams) | (symbols == END)
            if has_ended.all():
                break
        return written.view(num, size, -1)[:, 0, 1:], scores[:, 0]

    def best(self, scores: Any) -> tuple[Any, Any, Any]:
        """Of continuations ``[B, K, V]`` the best K: their scores, whose they are, and symbols."""
        num, size, num_words = scores.shape
        if not self.each_first:
            scores, places = scores.view(num, -1).topk(size)
            return scores, places // num_words, places % num_words
        scores, symbols = scores.topk(size)
        scores, places = scores.view(num, -1).topk(size)
        return scores, places // size, symbols.view(num, -1).gather(1, places)

    def found(self, result: Any) -> list[np.ndarray]:
        tokens, scores = (self.to_numpy(each) for each in result)
        return [tokens.astype(np.int32), scores]


def build(row: Row, weights: dict[str, np.ndarray], settings: Settings, **variant: Any) -> Program:
    if row.kind == "answer":
        return Search(row, weights, settings, **variant)
    model = Model(row.work, variant["ahead"])
    return Updates(model, weights, make_batch(row), settings, variant["fused"], CLIP_NORM)
