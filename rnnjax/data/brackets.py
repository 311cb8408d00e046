"""Brackets of three kinds that are closed in the order of their opening, for a language model.

They stand in for a text where none can be had, and test what a text cannot: the best possible loss
is known to every digit. Inside of brackets the next symbol opens, with any of the three kinds, or
closes what was opened last, with probability 1/2 each; outside it opens, and at `MAX_DEPTH` it
closes. To know which bracket closes, a model has to remember all that are open.
"""

from __future__ import annotations

import functools
import math

import numpy as np

SYMBOLS = "([{)]}"
KINDS = 3
MAX_DEPTH = 8


def generate(num_symbols: int, seed: int) -> str:
    """Writes so many symbols; equal seeds write the same.

    Raises:
        ValueError: For less than one symbol, or a negative seed.

    >>> generate(24, seed=0)
    '[{[]}]{}({([(([[]()(){}]'
    """
    if num_symbols < 1 or seed < 0:
        raise ValueError(
            f"num_symbols is {num_symbols} and seed {seed}: ask for one symbol or more, with a "
            "seed of at least 0."
        )
    rng = np.random.default_rng(seed)
    opens = rng.integers(2, size=num_symbols).tolist()
    kinds = rng.integers(KINDS, size=num_symbols).tolist()
    written, open_kinds = [], []
    for open_, kind in zip(opens, kinds, strict=True):
        depth = len(open_kinds)
        if depth == 0 or (open_ and depth < MAX_DEPTH):
            open_kinds.append(kind)
            written.append(SYMBOLS[kind])
        else:
            written.append(SYMBOLS[KINDS + open_kinds.pop()])
    return "".join(written)


@functools.cache
def best_loss() -> float:
    r"""The entropy of the next symbol for who knows all before it, in nats.

    .. math:: \sum_d \pi_d\, h_d, \qquad h_0 = \ln 3,\; h_8 = 0,\;
              h_d = \ln 2 + \tfrac12 \ln 3 \text{ between}

    The depth walks up and down at random, reflected at both ends, so that it is 0 or 8 at a
    sixteenth of the symbols each, and at an eighth at each depth between.

    >>> round(best_loss(), 4)
    1.1558
    """
    at_an_end = 1 / (2 * MAX_DEPTH)
    between = 1 - 2 * at_an_end
    return at_an_end * math.log(KINDS) + between * (math.log(2) + math.log(KINDS) / 2)
