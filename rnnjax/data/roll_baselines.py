r"""What tables make of music, without a network: counts in the training pieces, and one more each.

Of piano rolls each key by itself, whatever was before, or given whether it sounded a frame before:

.. math:: p_k(x \mid x') = \frac{n_k(x', x) + 1}{n_k(x') + 2}

Of voices each given its own last note, and the place in the quarter too.
"""

from __future__ import annotations

import numpy as np

from rnnjax.data.music_pieces import Music, Pieces


def metrics(data: Music) -> dict[str, dict[str, float]]:
    """The test loss of each table: nats per frame of piano rolls, per note of voices."""
    if not data.pitches:
        return {
            "independent keys": _figures(key_loss(data, False)),
            "each key's own state before": _figures(key_loss(data, True)),
        }
    number = len(data.pitches)
    tables = {
        "each voice's own last note": 1,
        "own last note and place in the quarter": data.per_quarter,
    }
    return {
        name: _figures(voice_loss(data, places, number) / data.test.frames.shape[-1])
        for name, places in tables.items()
    }


def key_loss(data: Music, given_before: bool) -> float:
    """Of the keys of a piano roll, nats per predicted frame."""
    before, after = pairs(data.train)
    num_keys = after.shape[1]
    counts = np.ones((num_keys, 2, 2))
    keys = np.broadcast_to(np.arange(num_keys), after.shape)
    np.add.at(counts, (keys, before * given_before, after), 1)
    likely = counts / counts.sum(axis=-1, keepdims=True)
    before, after = pairs(data.test)
    keys = np.broadcast_to(np.arange(num_keys), after.shape)
    return float(-np.log(likely[keys, before * given_before, after]).sum(axis=1).mean())


def voice_loss(data: Music, num_places: int, num_symbols: int) -> float:
    """Of voices given their own last notes, nats per predicted frame.

    Args:
        data: four voices as symbols.
        num_places: in the quarter that are told apart; 1 for none.
        num_symbols: V.
    """
    num_voices = data.train.frames.shape[-1]
    counts = np.full((num_voices, num_places, num_symbols, num_symbols), 1 / num_symbols)

    def found(part: Pieces) -> tuple[np.ndarray, ...]:
        before, after = pairs(part)
        places = np.concatenate([np.arange(1, n) % num_places for n in part.lengths])
        return np.arange(num_voices), places[:, None], before, after

    np.add.at(counts, found(data.train), 1)
    likely = counts / counts.sum(axis=-1, keepdims=True)
    return float(-np.log(likely[found(data.test)]).sum(axis=1).mean())


def pairs(part: Pieces) -> tuple[np.ndarray, np.ndarray]:
    """All frames that have one behind, and those behind, ``[N, D]``."""
    pieces = [own.astype(np.int64) for own in part.each()]
    before, after = ([own[cut] for own in pieces] for cut in (slice(-1), slice(1, None)))
    return np.concatenate(before), np.concatenate(after)


def _figures(nats: float) -> dict[str, float]:
    return {"test_loss": nats}
