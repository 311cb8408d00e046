"""Sentences that a user types or pipes in, as they come and never more than a few at a time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from rich.console import Console

from rnnjax.data.ragged import Padded
from rnnjax.data.text import check_sentence
from rnnjax.errors import UsageError

AT_ONCE = 64
"""Sentences that are judged together."""

LONGEST = 2**20
"""Bytes of a line; what has no end is no sentence."""

_BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


def checked(sentence: str | bytes, flag: str) -> str:
    """A sentence as text.

    Args:
        sentence: as it was given; a byte order mark at its beginning is none of its letters.
        flag: where it came from, for the message.

    Raises:
        UsageError: it is no text, or holds no word.
    """
    try:
        return check_sentence(sentence).removeprefix(_BYTE_ORDER_MARK)
    except ValueError as error:
        raise UsageError(f"{flag}: {error}") from None


def from_lines(stream: Any, flag: str) -> Iterator[list[str]]:
    """The sentences of a stream, one in each line, as soon as they are there; blank lines are none.

    Args:
        stream: of bytes, such as standard input.
        flag: that has asked for it, for messages.

    Yields:
        At most `AT_ONCE` sentences.

    Raises:
        UsageError: there is none at all; or a line is no text, or holds no word: all before it
            are given first.
    """
    found = False
    for lines in _as_they_come(stream, flag):
        batch: list[str] = []
        for number, line in lines:
            if not line.removeprefix(_BYTE_ORDER_MARK.encode()).strip():
                continue
            try:
                batch.append(checked(line, f"{flag}: line {number}"))
            except UsageError:
                if batch:
                    yield batch
                raise
            found = True
            if len(batch) == AT_ONCE:
                yield batch
                batch = []
        if batch:
            yield batch
    if not found:
        raise UsageError(f"{flag}: there is nothing to judge on standard input.")


def _as_they_come(stream: Any, flag: str) -> Iterator[list[tuple[int, bytes]]]:
    """Lines with their numbers, those together that are there at the same time."""
    number, rest = 1, b""
    while True:
        try:
            piece = stream.read1(2**16)
        except OSError as error:
            raise UsageError(f"{flag}: standard input can't be read ({error.strerror}).") from None
        *whole, rest = (rest + piece).split(b"\n")
        lines = [*whole, rest] if not piece else whole
        if lines:
            yield list(enumerate(lines, number))
        number += len(lines)
        if not piece:
            return
        if len(rest) > LONGEST:
            raise UsageError(f"{flag}: line {number} is longer than {LONGEST:,} bytes.")


def judge(
    console: Console,
    batches: Iterable[Sequence[str]],
    probabilities: Callable[[Sequence[str]], Iterable[float]],
    classes: Sequence[str],
) -> None:
    """Shows what a model says of sentences, a line for each, as they come.

    Args:
        console: where.
        batches: of sentences.
        probabilities: gives that of the second class for each sentence of a batch.
        classes: the names of both.
    """
    for sentences in batches:
        for sentence, p in zip(sentences, probabilities(sentences), strict=True):
            judged = f"{classes[int(p > 0.5)]:12} {max(p, 1 - p):6.1%}"
            console.print(f"{judged}  {sentence}", soft_wrap=True)


def given(value: str | None, flag: str) -> Iterable[Sequence[str]]:
    """What a flag gives to judge: itself, or with "-" the lines of standard input.

    Raises:
        UsageError: as `checked`, and `from_lines` as they come.
    """
    if value == "-":
        return from_lines(sys.stdin.buffer, flag)
    return [[checked(str(value), flag)]]


def reader(
    model: nn.Module,
    params: Any,
    encode: Callable[[Sequence[str]], Padded],
    *,
    with_mask: bool,
) -> Callable[[Sequence[str]], list[float]]:
    """A trained classifier of texts as a function of sentences: the probability of label 1.

    Of at most `AT_ONCE` sentences, so that its memory has a bound; it is compiled for that number,
    and for a single one.

    Args:
        model: gives one logit for each text.
        params: its parameters.
        encode: makes indices of words of sentences.
        with_mask: whether the model was trained to leave out padding.
    """

    @jax.jit
    def read(params: Any, tokens: jax.Array, mask: jax.Array | None) -> jax.Array:
        logits: Any = model.apply({"params": params}, tokens, mask=mask)
        return jax.nn.sigmoid(logits)

    def probabilities(sentences: Sequence[str]) -> list[float]:
        filling = [""] * (AT_ONCE - len(sentences) if len(sentences) > 1 else 0)
        texts = encode([*sentences, *filling])
        found = read(params, jnp.asarray(texts.tokens), texts.mask if with_mask else None)
        return found.tolist()[: len(sentences)]

    return probabilities
