"""What the experiment on pictures and words consists of: arrays, losses, scores, sheets."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax.data.codes import END, PAD, START, WordVocabulary
from rnnjax.data.described_pictures import DescribedPictures, Part
from rnnjax.data.description_metrics import nearest_picture, scores
from rnnjax.data.emoji import as_name
from rnnjax.data.scene_grammar import shares
from rnnjax.errors import UsageError
from rnnjax.experiment.building import applying
from rnnjax.models import PictureDescriber
from rnnjax.models.answers import How, answer_each
from rnnjax.reports.contact_sheet import attention_sheet, contact_sheet
from rnnjax.training.sequence_losses import mean_by_symbol, sums_by_row, symbol_losses

SCENES = ("mnist_scenes", "seven_segments")
"""Data whose descriptions are sentences of `rnnjax.data.scene_grammar`."""


class Examples(NamedTuple):
    """Pictures with all their descriptions as numbers, padded behind to one length."""

    pictures: np.ndarray
    """uint8 ``[N, height, width, channels]``."""
    before: np.ndarray
    """What stands before each number of the targets: int32 ``[N, R, T]``."""
    targets: np.ndarray
    """Words and an end; padding throughout where a picture has fewer than R descriptions."""


class Kind(NamedTuple):
    """What the parameters of a run mean nothing without, beside its words."""

    height: int
    width: int
    channels: int
    language: str

    @classmethod
    def from_json(cls, text: str) -> Kind:
        """Reads what `to_json` wrote."""
        return cls(**json.loads(text))

    def to_json(self) -> str:
        """As JSON text."""
        return json.dumps(self._asdict()) + "\n"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of a picture."""
        return self[:3]


def examples(part: Part, words: WordVocabulary, longest: int) -> Examples:
    """A part as arrays.

    Args:
        part: pictures with descriptions.
        words: their numbers.
        longest: the most numbers of a description, its end counted.

    Raises:
        UsageError: one is longer.
    """
    numbers = [[words.encode(text) for text in texts] for texts in part.descriptions]
    most = 1 + max(len(one) for several in numbers for one in several)
    if most > longest:
        raise UsageError(
            f"--max_length={longest}: a description has {most} words, its end counted; give "
            f"{most} or more."
        )
    shape = len(numbers), max(map(len, numbers)), most
    before, targets = (np.full(shape, PAD, np.int32) for _ in range(2))
    for i, several in enumerate(numbers):
        for j, one in enumerate(several):
            before[i, j, : len(one) + 1] = [START, *one]
            targets[i, j, : len(one) + 1] = [*one, END]
    return Examples(part.pictures, before, targets)


def learning(config: Any, model: PictureDescriber) -> tuple[Any, Callable[..., Any]]:
    """The loss to learn by, and one with each picture's sum and number of symbols ``[B, 2]``.

    Learnt from is one description of each picture, drawn anew at each step; the second loss is of
    all of them.

    Args:
        config: the settings.
        model: of pictures and words.
    """
    apply = applying(config, model)

    def loss(params: Any, carry: Any, batch: Examples, key: jax.Array) -> tuple[jax.Array, Any]:
        drawing, dropping = jax.random.split(key)
        number = (batch.targets[:, :, 0] != PAD).sum(axis=1)
        which = jax.random.randint(drawing, number.shape, 0, number)[:, None, None]
        before, targets = (
            jnp.take_along_axis(array, which, axis=1)[:, 0]
            for array in (batch.before, batch.targets)
        )
        how: Any = {"training": True, "rngs": {"dropout": dropping}}
        each = symbol_losses(apply(params, batch.pictures, before, **how), targets)
        return mean_by_symbol(each, targets != PAD), carry

    def sums(params: Any, batch: Examples) -> jax.Array:
        each = []
        for j in range(batch.targets.shape[1]):
            targets = jnp.asarray(batch.targets)[:, j]
            losses = symbol_losses(apply(params, batch.pictures, batch.before[:, j]), targets)
            each.append(sums_by_row(losses, targets != PAD))
        return sum(each)  # pyright: ignore[reportReturnType]  # R is at least 1

    return loss, sums


def how_to_describe(config: Any) -> How:
    """The search that --beam_size and --length_penalty ask for."""
    return How(START, END, config.max_length, config.beam_size, config.length_penalty)


def describing(
    config: Any, model: PictureDescriber, words: WordVocabulary, beam_size: int | None = None
) -> Callable[[Any, np.ndarray], list[str]]:
    """What is written of pictures, ``describe(params, pictures)``.

    Args:
        config: the settings.
        model: of pictures and words.
        words: that it knows.
        beam_size: in the place of that of the settings.
    """
    how = how_to_describe(config)
    ask = functools.partial(
        answer_each, model, start=how.start, end=how.end, max_steps=how.max_steps,
        beam_size=beam_size or how.beam_size, length_penalty=how.length_penalty,
    )  # fmt: skip

    def describe(params: Any, pictures: np.ndarray) -> list[str]:
        found = ask(params, pictures).tokens
        return [words.decode(best) for best, *_ in found]

    return describe


def judged(data: DescribedPictures, part: Part, written: Sequence[str]) -> dict[str, float]:
    """`rnnjax.data.description_metrics.scores`; of scenes also what of the sentences is right."""
    found = scores(written, part.descriptions)
    if data.name in SCENES:
        found |= shares(written, [texts[0] for texts in part.descriptions])
    return found


def further(
    data: DescribedPictures, written: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """How good each further test is, and what the nearest training picture reaches on it.

    Args:
        data: of the run.
        written: of each further test, by its name.
    """
    told = {}
    for name, part in data.tests.items():
        near = nearest_picture(part, data.train)
        told[name] = judged(data, part, written[name])
        told[name] |= {f"nearest_{kind}": value for kind, value in near.items()}
    return told


def looks(
    model: PictureDescriber, params: Any, picture: np.ndarray, numbers: Sequence[int]
) -> np.ndarray:
    """Where each word was looked for, ``[T, h, w]``, and the end as the last one.

    Args:
        model: one with attention.
        params: its parameters.
        picture: ``[height, width, channels]``.
        numbers: T - 1 of words that were written of it.
    """
    encoded, carry = _applied(model, "encode", params, picture[None])
    found = []
    for number in (START, *numbers):
        carry, _, weights = _applied(model, "step", params, encoded, carry, np.array([number]))
        found.append(np.asarray(weights, np.float64)[0])
    height, width = (-(-side // 2 ** len(model.channels)) for side in picture.shape[:2])
    return np.stack(found).reshape(-1, height, width)


@functools.partial(jax.jit, static_argnums=(0, 1))
def _applied(model: Any, method: str, params: Any, *given: Any) -> Any:
    return model.apply({"params": params}, *given, method=method)


def draw_looks(
    path: Path, model: PictureDescriber, params: Any, picture: np.ndarray, text: str,
    words: WordVocabulary, kind: Kind,
) -> str | None:  # fmt: skip
    """Draws where each word of a description was looked for; gives a sentence where it can't."""
    numbers = words.encode(text).tolist()
    weights = looks(model, params, picture, numbers)
    shown = [words.symbols[number] for number in numbers] + ["(end)"]
    return attention_sheet(path, as_name(text, kind.language), picture, shown, weights)


def draw_sheet(
    path: Path, title: str, part: Part, written: Mapping[str, Sequence[str]], kind: Kind,
    each: int = 12,
) -> str | None:  # fmt: skip
    """Draws pictures of which the first writer was right, and as many of which not; half of each.

    Args:
        path: of the PNG.
        title: above it.
        part: pictures and what is right.
        written: of all of them, by who wrote it.
        kind: whose language it is.
        each: the most of either.
    """
    first = next(iter(written.values()))
    right = np.array([t in texts for t, texts in zip(first, part.descriptions, strict=True)])
    kept = [np.flatnonzero(right == is_right)[:each] for is_right in (True, False)]
    shown: list[int] = np.concatenate(kept).tolist()
    chosen = part.chosen(np.array(shown))
    named = [[as_name(text, kind.language) for text in texts] for texts in chosen.descriptions]
    said = {who: [as_name(what[i], kind.language) for i in shown] for who, what in written.items()}
    return contact_sheet(path, title, chosen.pictures, named, said)
