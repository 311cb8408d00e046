"""Scenes of one or two digits in the four quarters of a canvas, with true sentences about them.

After alignDRAW's captioned MNIST (Mansimov, Parisotto, Ba, Salakhutdinov: Generating Images from
Captions with Attention, arXiv:1511.02793, 2016), with quarters instead of free places, so that the
truth is exact: `rnnjax.data.scene_grammar`.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence

import numpy as np

from rnnjax.data import mnist
from rnnjax.data.described_pictures import DescribedPictures, Part
from rnnjax.data.scene_grammar import sentences
from rnnjax.data.seven_segments import seven_segment_digits
from rnnjax.data.source import Progress

HELD_OUT_PAIRS = ((0, 6), (3, 8), (5, 2), (7, 1))
"""Pairs that no training scene has, the digit first that is read first."""
UNSEEN_PAIRS = "unseen pairs"
SIZES = {"train": 20_000, "validation": 1_000, "test": 2_000, UNSEEN_PAIRS: 2_000}
SHARE_OF_PAIRS = 0.75
"""Of scenes with two digits, where there are some with one."""
VALIDATING_DIGITS = 1 / 12
"""The share of the training digits, their last, that only validation scenes are made of."""
STAND_IN_DIGITS = {"train": 6_000, "test": 2_000}

_ALL_PAIRS = tuple((a, b) for a in range(10) for b in range(10))
_QUARTERS = np.array(list(itertools.combinations(range(4), 2)))


def scenes(
    images: np.ndarray,
    labels: np.ndarray,
    number: int,
    seed: int | Sequence[int],
    pairs: Sequence[tuple[int, int]] = _ALL_PAIRS,
    share_of_pairs: float = SHARE_OF_PAIRS,
) -> Part:
    """Draws scenes of given digits.

    Whether there are two digits, which (of all ten or of the pairs), in which quarters and which
    image of each is drawn uniformly; equal seeds draw the same.

    Args:
        images: of digits, uint8 ``[M, S, S]``.
        labels: of them, int ``[M]``; all ten must be there.
        number: N of scenes.
        seed: or several numbers that are one together.
        pairs: that may occur, the digit first that is read first.
        share_of_pairs: the probability of two digits.

    Returns:
        Pictures uint8 ``[N, 2 S, 2 S, 1]``, and of each one true sentence, or both.

    Raises:
        ValueError: A digit has no image, or there is not a label to each image, or no scene.
    """
    counts = np.bincount(labels, minlength=10)
    if len(labels) != len(images) or len(counts) != 10 or not counts.all() or number < 1:
        raise ValueError(
            f"{number} scenes of {len(images)} images with {len(labels)} labels, of which there "
            f"are {counts.tolist()} from 0 on: ask for one or more, of images of all ten digits."
        )
    rng = np.random.default_rng(seed)
    is_pair = rng.random(number) < share_of_pairs
    digits = np.asarray(pairs)[rng.integers(len(pairs), size=number)]
    digits[~is_pair, 0] = rng.integers(10, size=np.count_nonzero(~is_pair))
    quarters = _QUARTERS[rng.integers(len(_QUARTERS), size=number)]
    quarters[~is_pair, 0] = rng.integers(4, size=np.count_nonzero(~is_pair))

    by_label, starts = np.argsort(labels, kind="stable"), np.cumsum(counts) - counts
    within = np.floor(rng.random((number, 2)) * counts[digits]).astype(int)
    chosen = by_label[starts[digits] + within]
    side = images.shape[1]
    canvas = np.zeros((number, 2, side, 2, side), np.uint8)
    for which, there in enumerate((np.ones(number, bool), is_pair)):
        rows, columns = np.divmod(quarters[there, which], 2)
        canvas[np.flatnonzero(there), rows, :, columns] = images[chosen[there, which]]
    places = np.stack([digits, quarters], axis=2).tolist()
    described = tuple(
        sentences([(digit, quarter) for digit, quarter in scene[: 1 + two]])
        for scene, two in zip(places, is_pair.tolist(), strict=True)
    )
    return Part(canvas.reshape(number, 2 * side, 2 * side, 1), described)


def scenes_of(
    name: str,
    train: tuple[np.ndarray, np.ndarray],
    test: tuple[np.ndarray, np.ndarray],
    origin: str,
    licence: str,
    *,
    sizes: dict[str, int] | None = None,
    seed: int = 0,
    warning: str | None = None,
) -> DescribedPictures:
    """Scenes of training digits to learn from and to validate, of test digits to test.

    None of them has one of `HELD_OUT_PAIRS`, and a further test, `UNSEEN_PAIRS`, no others.

    Args:
        name: of the data.
        train: images uint8 ``[M, S, S]`` and labels ``[M]``; the last twelfth only validates.
        test: likewise.
        origin: where the digits came from.
        licence: theirs.
        sizes: the number of scenes by part, by default `SIZES`.
        seed: of all draws.
        warning: as of `DescribedPictures`.

    Raises:
        ValueError: As for `scenes`.
    """
    images, labels = train
    cut = len(images) - round(VALIDATING_DIGITS * len(images))
    seen = [pair for pair in _ALL_PAIRS if pair not in HELD_OUT_PAIRS]
    sizes = SIZES if sizes is None else sizes
    unseen = scenes(*test, sizes[UNSEEN_PAIRS], (seed, 3), HELD_OUT_PAIRS, share_of_pairs=1.0)
    return DescribedPictures(
        name,
        train=scenes(images[:cut], labels[:cut], sizes["train"], (seed, 0), seen),
        validation=scenes(images[cut:], labels[cut:], sizes["validation"], (seed, 1), seen),
        test=scenes(*test, sizes["test"], (seed, 2), seen),
        tests={UNSEEN_PAIRS: unseen},
        origin=origin,
        licence=licence,
        warning=warning,
    )


def load(
    data_dir: str | os.PathLike[str] | None = None,
    *,
    seed: int = 0,
    cache_dir: str | os.PathLike[str] | None = None,
    timeout: float = 4.0,
    progress: Progress | None = None,
) -> DescribedPictures:
    """Returns scenes of MNIST's digits, 56 x 56; arguments and errors as of `rnnjax.data.mnist`.

    Args:
        data_dir: Where MNIST is.
        seed: Of the scenes.
        cache_dir: As for MNIST.
        timeout: As for MNIST.
        progress: As for MNIST.
    """
    digits = mnist.load("mnist", data_dir, cache_dir=cache_dir, timeout=timeout, progress=progress)
    return scenes_of(
        "mnist_scenes",
        (digits.train_images, digits.train_labels),
        (digits.test_images, digits.test_labels),
        f"scenes of MNIST's digits, {digits.origin}",
        "CC BY-SA 3.0 (MNIST: LeCun, Cortes and Burges)",
        seed=seed,
    )


def stand_in(
    warning: str | None = None, *, sizes: dict[str, int] | None = None, seed: int = 0
) -> DescribedPictures:
    """Scenes of seven-segment digits, for which nothing needs to be had; the best share is 1."""
    train, test = (
        seven_segment_digits(number, (seed, i)) for i, number in enumerate(STAND_IN_DIGITS.values())
    )
    return scenes_of(
        "seven_segments", train, test, "digits of seven segments, drawn by a program",
        "none needed", sizes=sizes, seed=seed, warning=warning,
    )  # fmt: skip
