"""The translation that is measured, in NumPy and float64, one sentence at a time."""

from typing import Any

import numpy as np

from benchmarks.translation.work import START


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru(w, name, h, x, more: Any = 0):
    n = len(w[f"{name}.w_h"])
    z = x @ w[f"{name}.w_x"] + w[f"{name}.b"] + more
    u = h @ w[f"{name}.w_h"] + w[f"{name}.b_h"]
    reset, update = sigmoid(z[:n] + u[:n]), sigmoid(z[n : 2 * n] + u[n : 2 * n])
    return (1 - update) * np.tanh(z[2 * n :] + reset * u[2 * n :]) + update * h


class Sentence:
    """One source in NumPy, float64: the state at first, and one step of the decoder."""

    def __init__(self, weights, source):
        w = self.w = {name: a.astype(np.float64) for name, a in weights.items()}
        xs, size = w["sources.embedding"][source], len(w["write.cell.w_h"])
        states: Any = {}
        for name, order in (("forward", xs), ("backward", xs[::-1])):
            states[name] = [np.zeros(size)]
            for x in order:
                states[name].append(gru(w, f"read.{name}", states[name][-1], x))
        ends = np.concatenate([states[name][-1] for name in ("forward", "backward")])
        both = states["forward"][1:], states["backward"][:0:-1]
        self.places = np.concatenate(both, axis=1)
        self.first = np.tanh(ends @ w["bridge_0.kernel"] + w["bridge_0.bias"])

    def step(self, h, symbol):
        w = self.w
        keys = self.places @ w["write.attention.w_m"] + w["write.attention.b"]
        energies = np.tanh(h @ w["write.attention.w_q"] + keys) @ w["write.attention.v"]
        shares = np.exp(energies) / np.exp(energies).sum()
        context, x = shares @ self.places, w["targets.embedding"][symbol]
        h = gru(w, "write.cell", h, x, context @ w["write.more"])
        features = np.concatenate((h, context, x))
        logits = features @ w["to_logits.kernel"] + w["to_logits.bias"]
        return h, logits - np.logaddexp.reduce(logits)


def search(weights, source, beam_size, num_steps):
    sentence = Sentence(weights, source)
    beams: Any = [(0.0, [START], sentence.first)]
    for _ in range(num_steps):
        grown = []
        for score, written, h in beams:
            after, log_probs = sentence.step(h, written[-1])
            grown += [(score + p, [*written, i], after) for i, p in enumerate(log_probs)]
        beams = sorted(grown, key=lambda beam: -beam[0])[:beam_size]
    return beams[0][1][1:], beams[0][0]
