"""What sequence-to-sequence models learn from: sources, and the right answers to each of them."""

from __future__ import annotations

from typing import NamedTuple


class Pairs(NamedTuple):
    """Sources and their right answers, texts whose tokens stand between single blanks.

    Attributes:
        sources: One text each.
        references: All right answers to each source, at least one, the most usual one first.
        raw_references: Of each source the answer as people write it, with capitals and without
            blanks between word and comma, for measures that split words by themselves; None where
            there are no such texts.

    >>> pairs = Pairs(("a", "b"), (("x", "y"), ("z",)))
    >>> pairs.examples()
    [('a', 'x'), ('a', 'y'), ('b', 'z')]
    """

    sources: tuple[str, ...]
    references: tuple[tuple[str, ...], ...]
    raw_references: tuple[str, ...] | None = None

    def examples(self) -> list[tuple[str, str]]:
        """One (source, target) for each reference, in the order in which they stand."""
        both = zip(self.sources, self.references, strict=True)
        return [(source, target) for source, targets in both for target in targets]


class PairDataset(NamedTuple):
    """Pairs in three parts.

    Attributes:
        name: The data really used.
        origin: One phrase that says where it came from.
        licence: One phrase that says who may do what with it.
        source_language: A word for what the sources are written in: "German", "letters".
        target_language: Likewise of the references.
        train: What is learnt from.
        validation: What settings and the time to stop are chosen on.
        test: What is looked at in the end.
        warning: Where other data than was asked for stand in, the sentence that says so.
        best_exact: The share of test sources that the best possible model answers with one of the
            references, where that is known.
    """

    name: str
    origin: str
    licence: str
    source_language: str
    target_language: str
    train: Pairs
    validation: Pairs
    test: Pairs
    warning: str | None = None
    best_exact: float | None = None

    def described(self) -> str:
        """How large the parts are, from what into what, and the licence."""
        parts = {"train": self.train, "validate": self.validation, "test": self.test}
        told = ", ".join(f"{_counted(part)} to {what}" for what, part in parts.items())
        return (
            f"pairs    {told}; {self.source_language} to {self.target_language}\n"
            f"licence  {self.licence}"
        )


def normalized(line: str) -> str:
    r"""A line with single blanks between its tokens, and none around them.

    >>> normalized(" ein  hund .\r")
    'ein hund .'
    """
    return " ".join(line.split())


def _counted(pairs: Pairs) -> str:
    answers = sum(map(len, pairs.references))
    more = f" (with {answers:,} answers)" if answers > len(pairs.sources) else ""
    return f"{len(pairs.sources):,}{more}"
