"""Symbols as frequent as those of texts."""

from __future__ import annotations

import numpy as np


def drawn(rng: np.random.Generator, num_symbols: int, shape: tuple[int, ...]) -> np.ndarray:
    """Symbols, the k-th as frequent as 1 / k (Zipf's law), int32."""
    share = 1 / np.arange(1, num_symbols + 1)
    return rng.choice(num_symbols, shape, p=share / share.sum()).astype(np.int32)
