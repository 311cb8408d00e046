r"""Made-up voices, which a program can tell apart as well as is possible.

Each voice k is a stationary process, every one of its D coefficients by itself:

.. math:: x_t = \mu_k + \phi_k (x_{t-1} - \mu_k) + \sqrt{1 - \phi_k^2}\; \epsilon_t,
          \qquad \epsilon_t \sim N(0, 1), \quad x_0 \sim N(\mu_k, 1)

Voices share means in pairs and differ there in :math:`\phi` alone: how fast they change, which no
mean over time shows. The law is known, so the likeliest voice of a sequence can be computed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rnnjax.data.labelled_sequences import LabelledSequences, Sequences

NUM_VOICES, NUM_COEFFICIENTS, SHORTEST, LONGEST = 8, 4, 7, 29
NUM_TRAIN, NUM_TEST = 4000, 400


class Voices(NamedTuple):
    """The law of some voices."""

    means: np.ndarray
    """``[K, D]``."""
    decays: np.ndarray
    """``[K]``."""

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Voices:
        """Pairs of voices with one mean."""
        pairs = rng.normal(size=(NUM_VOICES // 2, NUM_COEFFICIENTS))
        return cls(np.repeat(pairs, 2, axis=0), np.tile([0.0, 0.8], NUM_VOICES // 2))

    def speak(self, rng: np.random.Generator, voices: np.ndarray, length: int) -> np.ndarray:
        """A sequence ``[length, D]`` of each of the voices ``[N]``: ``[N, length, D]``."""
        means, decays = self.means[voices], self.decays[voices][:, None]
        noise = rng.normal(size=(length, *means.shape))
        spoken = [noise[0]]
        for step in noise[1:]:
            spoken.append(decays * spoken[-1] + np.sqrt(1 - decays**2) * step)
        return means[:, None] + np.stack(spoken, axis=1)

    def log_likelihoods(self, sequence: np.ndarray) -> np.ndarray:
        """Of a sequence ``[T, D]`` under each voice, ``[K]``."""
        apart = sequence[None] - self.means[:, None]
        decays = self.decays[:, None, None]
        variance = 1 - decays**2
        errors = (apart[:, 1:] - decays * apart[:, :-1]) ** 2 / variance + np.log(variance)
        return -0.5 * ((apart[:, 0] ** 2).sum(axis=-1) + errors.sum(axis=(1, 2)))


def stand_in(warning: str | None = None, *, seed: int = 0) -> LabelledSequences:
    """Sequences of made-up voices, with the accuracy of the likeliest voice on the test.

    Args:
        warning: of the data set.
        seed: other seeds have other voices.
    """
    rng = np.random.default_rng(seed)
    voices = Voices.drawn(rng)
    labels = np.arange(NUM_TRAIN + NUM_TEST) % NUM_VOICES
    lengths = rng.integers(SHORTEST, LONGEST + 1, len(labels))
    spoken = voices.speak(rng, labels, LONGEST).astype(np.float32)
    sequences = [own[:length] for own, length in zip(spoken, lengths, strict=True)]
    likeliest = [int(voices.log_likelihoods(one).argmax()) for one in sequences[NUM_TRAIN:]]
    best = float(np.mean(np.equal(likeliest, labels[NUM_TRAIN:])))
    every = Sequences.of(sequences, labels.tolist(), LONGEST)
    places = np.arange(len(labels))
    return LabelledSequences(
        "drifting_voices", "made up by a program", "none needed",
        tuple(f"voice {k + 1}" for k in range(NUM_VOICES)),
        every.chosen(places < NUM_TRAIN), every.chosen(places >= NUM_TRAIN), warning, best,
    )  # fmt: skip
