"""How good translations are: BLEU, by sacrebleu."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from rnnjax.errors import UsageError

INSTALL = "pip install -e '.[translation]'"


class Bleu(NamedTuple):
    """A score from 0 to 100, and the signature that says how it was computed."""

    score: float
    signature: str


def bleu(answers: Sequence[str], references: Sequence[Sequence[str]]) -> Bleu:
    """Of a corpus whose words stand between blanks, as they are.

    Args:
        answers: one for each source.
        references: the right ones of each source, as many for every source.

    Raises:
        UsageError: sacrebleu is not installed.

    >>> round(bleu(["a man walks his dog"], [["a man walks his dog"]]).score, 6)
    100.0

    Source: K. Papineni et al., "BLEU", ACL 2002; M. Post, "A call for clarity in reporting BLEU
    scores", arXiv:1804.08771.
    """
    measure = _measure()
    rows = max(map(len, references))
    by_place = [[own[k] if k < len(own) else None for own in references] for k in range(rows)]
    score = measure.corpus_score(list(answers), by_place)
    return Bleu(float(score.score), str(measure.get_signature()))


def _measure() -> Any:
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError:
        raise UsageError(
            f"BLEU needs the library sacrebleu, which is not installed; {INSTALL} brings it."
        ) from None
    return BLEU(tokenize="none", force=True)
