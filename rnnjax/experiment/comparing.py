"""What `experiments/text_similarity.py` tells of sentences, in a report and on request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rnnjax.data.sentence_pairs import Scored, encoded, words_of
from rnnjax.errors import UsageError
from rnnjax.experiment import sentences
from rnnjax.models import PairScorer
from rnnjax.training.similarity_losses import as_scores

NUM_SHOWN = 5
BETWEEN = "|"


class Trained(NamedTuple):
    """What a run has learnt."""

    model: PairScorer
    params: Any
    words: tuple[str, ...]
    """By their numbers; the first stands for those that are not known."""
    max_length: int


def reading(model: PairScorer) -> Callable[..., np.ndarray]:
    """``read(params, numbers, mask)``: the vectors ``[B, O]`` of sentences ``[B, T]``."""
    run = jax.jit(
        lambda params, *sentence: model.apply(
            {"params": params}, *sentence, method=PairScorer.sentences
        )
    )
    return lambda params, *sentence: np.asarray(run(params, *sentence))


def furthest(console: Console, part: Scored, found: np.ndarray) -> list[dict[str, Any]]:
    """Shows the pairs whose scores ``[N]`` are furthest from people's, and gives them."""
    table = Table(title=Text("furthest from people", "table.title"))
    for column in ("people", "model", "sentences"):
        table.add_column(column)
    told = []
    for i in np.argsort(-np.abs(found - part.scores))[:NUM_SHOWN].tolist():
        score, own = float(part.scores[i]), float(found[i])
        pair = [part.first[i], part.second[i]]
        table.add_row(f"{score:.1f}", f"{own:.1f}", Text("\n".join(pair)))
        told.append({"people": score, "model": own, "sentences": pair})
    console.print(table)
    return told


def compare(console: Console, own: Trained, given: str) -> None:
    """Shows the score of each pair that a flag gives, with "|" between its sentences.

    Raises:
        UsageError: there are not two sentences, or one has no word that the run knows.
    """
    score = jax.jit(
        lambda params, *sides: as_scores(own.model.apply({"params": params}, *sides))  # type: ignore[arg-type]
    )
    for lines in sentences.given(given, "--compare"):
        for line in lines:
            pair = [part.strip() for part in line.split(BETWEEN)]
            if len(pair) != 2:
                raise UsageError(
                    f'--compare: {line[:60]!r} must be two sentences with "{BETWEEN}" between.'
                )
            coded = [array for one in pair for array in _coded(own, [one], "--compare")]
            found = float(score(own.params, *coded)[0])
            console.print(f"{found:.2f}  {pair[0]} {BETWEEN} {pair[1]}", highlight=False)


def nearest(console: Console, own: Trained, sentence: str, part: Scored) -> None:
    """Shows the sentences of some pairs that are most like one.

    Raises:
        UsageError: it has no word that the run knows.
    """
    known = sorted({*part.first, *part.second})
    read = reading(own.model)
    asked = read(own.params, *_coded(own, [sentence], "--nearest"))
    vectors = read(own.params, *encoded(known, own.words, own.max_length))
    found = np.asarray(
        as_scores(
            own.model.apply(  # type: ignore[arg-type]
                {"params": own.params}, np.broadcast_to(asked, vectors.shape), vectors,
                method=PairScorer.compared,
            )
        )
    )  # fmt: skip
    for i in np.argsort(-found, kind="stable")[: 2 * NUM_SHOWN].tolist():
        console.print(f"{found[i]:.2f}  {known[i]}", highlight=False)


def _coded(own: Trained, given: Sequence[str], flag: str) -> tuple[np.ndarray, np.ndarray]:
    known = set(own.words)
    for sentence in given:
        if not known.intersection(words_of(sentence)):
            raise UsageError(
                f"{flag}: none of the words of {sentence[:60]!r} is known to the run, which "
                f"has {len(known) - 1:,} words of its data; ask with some of these."
            )
    return encoded(given, own.words, own.max_length)
