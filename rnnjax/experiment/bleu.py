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
    measure = _measure(tokenize="none", force=True)
    rows = max(map(len, references))
    by_place = [[own[k] if k < len(own) else None for own in references] for k in range(rows)]
    return _scored(measure, answers, by_place)


def raw_bleu(answers: Sequence[str], references: Sequence[str], language: str) -> Bleu:
    """Of a corpus against texts as people write them, which sacrebleu splits by itself ("13a").

    Answers are put together as Moses took its texts apart, and case is left out of account.

    Args:
        answers: tokens of Moses between blanks, one text for each source.
        references: one for each source.
        language: of both: "en", "de" or "fr".

    Raises:
        UsageError: sacrebleu or sacremoses is not installed.
    """
    return _scored(_measure(lowercase=True), detokenised(answers, language), [list(references)])


def detokenised(texts: Sequence[str], language: str) -> list[str]:
    """Texts without the blanks and escapes that Moses writes between tokens, by sacremoses.

    Args:
        texts: tokens of Moses between blanks.
        language: "en", "de" or "fr".

    Raises:
        UsageError: sacremoses is not installed.

    >>> detokenised(["a man &apos;s t @-@ shirt , he says .", "( &quot; no &quot; )"], "en")
    ["a man's t-shirt, he says.", '("no")']
    """
    try:
        from sacremoses import MosesDetokenizer  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise UsageError(
            "BLEU against raw texts needs the library sacremoses, which is not installed; "
            f"{INSTALL} brings it."
        ) from None
    put_together = MosesDetokenizer(lang=language).detokenize
    return [put_together(text.split()) for text in texts]


def _scored(measure: Any, answers: Sequence[str], references: Sequence[Sequence[Any]]) -> Bleu:
    """The references by place: the first of all sources, then the second ones."""
    score = measure.corpus_score(list(answers), references)
    return Bleu(float(score.score), str(measure.get_signature()))


def _measure(**options: Any) -> Any:
    try:
        from sacrebleu.metrics.bleu import BLEU
    except ImportError:
        raise UsageError(
            f"BLEU needs the library sacrebleu, which is not installed; {INSTALL} brings it."
        ) from None
    return BLEU(**options)
