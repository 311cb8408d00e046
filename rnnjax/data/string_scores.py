"""How good answers to strings of digits are, and how well they are placed in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from rnnjax.data.edit_distance import alignment, error_rates


def rates(answers: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Edits over the digits of all references, and the share of strings without any.

    Args:
        answers: Digits between blanks.
        references: Likewise, as many.

    >>> rates(["1 2", "3"], ["1 2", "3 4"])
    {'digit_error': 0.25, 'string_accuracy': 0.5}
    """
    found = error_rates(answers, [[reference] for reference in references])
    return {"digit_error": found.tokens, "string_accuracy": 1 - found.texts}


def distances(
    answers: Sequence[str],
    times: Sequence[Sequence[float]],
    references: Sequence[str],
    begins: np.ndarray,
    ends: np.ndarray,
) -> np.ndarray:
    """How far outside of its digit each right answer is placed, in seconds; 0 inside.

    Answers are paired with the digits of the reference by the fewest edits; those that are wrong
    or too many have no digit of their own and are left out.

    Args:
        answers: Digits between blanks, N.
        times: Of each of them, in seconds.
        references: As for `rates`.
        begins: When each digit of a reference begins, in seconds, ``[N, at least as many]``.
        ends: When it ends.
    """
    found = []
    for row, (reference, answer) in enumerate(zip(references, answers, strict=True)):
        for i, j in _paired(reference.split(), answer.split()):
            time = times[row][j]
            found.append(max(begins[row, i] - time, time - ends[row, i], 0.0))
    return np.array(found)


def _paired(reference: list[str], answer: list[str]) -> Iterator[tuple[int, int]]:
    """The places of each digit of the reference and of the equal one that answers it."""
    i = j = 0
    for right, own in alignment(reference, answer):
        if right is not None and right == own:
            yield i, j
        i, j = i + (right is not None), j + (own is not None)
