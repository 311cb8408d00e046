"""What turns a step function's outputs into sequences: sampling, streaming, beam search.

A step function reads one token per row and gives what it thinks of the next one:
``step(carry, tokens [B]) -> (carry, logits [B, V])``, where the carry is any pytree of arrays
``[B, ...]``. Axis letters are those of `rnnjax.cell`, and ``V`` is the number of tokens.
"""

from __future__ import annotations

from rnnjax.decoding.beams import Beams, beam_search
from rnnjax.decoding.constraints import allow
from rnnjax.decoding.feeding_back import feed_back
from rnnjax.decoding.prompts import prime
from rnnjax.decoding.sampling import Sampling
from rnnjax.decoding.writing import Samples, SamplingState, resume, sample, stream

__all__ = [
    "Beams",
    "Samples",
    "Sampling",
    "SamplingState",
    "allow",
    "beam_search",
    "feed_back",
    "prime",
    "resume",
    "sample",
    "stream",
]
