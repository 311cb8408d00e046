"""Pieces of words by byte pair encoding: frequent words are whole, rare ones are put together.

Sennrich, Haddow, Birch: Neural Machine Translation of Rare Words with Subword Units, ACL 2016.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np

from rnnjax.data.codes import SPECIAL, UNKNOWN, several, spoken
from rnnjax.errors import UsageError
from rnnjax.storage import typed_json

INSTALL = "pip install -e '.[translation]'"
MIN_COUNT = 2
"""A pair that occurs only once is not merged."""

# No token can hold it, so that no piece is called so.
_UNKNOWN_PIECE = "\n"


@dataclasses.dataclass(frozen=True)
class Subwords:
    """`rnnjax.data.codes.Codes` of pieces of words. The first piece of a word begins with a blank.

    Every text of the characters that were learnt from is coded without a loss; of another character
    a piece is unknown. Learnt on the texts of two languages together, the codes serve both. Equal
    texts give equal codes.

    Args:
        alphabet: The characters, the blank among them, in order.
        merges: Which two pieces become one, in the order in which they do.

    Raises:
        UsageError: At the first use: the library tokenizers is not installed.
        ValueError: A merge is of pieces that no earlier one made.
    """

    alphabet: tuple[str, ...]
    merges: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        known = set(self.alphabet)
        for left, right in self.merges:
            if not {left, right} <= known:
                raise ValueError(f"The pieces {left!r} and {right!r} merge before they are there.")
            known.add(left + right)

    @classmethod
    def learnt(cls, texts: Iterable[str], num_merges: int) -> Subwords:
        """Merges again and again the two neighbouring pieces that are neighbours most often.

        Args:
            texts: The training texts alone, of one language or of both.
            num_merges: How often; fewer times where no pair occurs `MIN_COUNT` times any more.

        Raises:
            UsageError: The library tokenizers is not installed.
            ValueError: There is no text, or `num_merges` is below 0.
        """
        prepared = [_with_blanks(text) for text in several(texts)]
        alphabet = sorted(set().union(*prepared))
        if num_merges < 0 or not alphabet:
            raise ValueError(
                f"num_merges is {num_merges}, and there are {len(alphabet)} characters: give texts "
                "to learn from, and merge 0 times or more."
            )
        tokenizers = _library()
        tokenizer = _splitting(tokenizers, tokenizers.models.BPE())
        # Two merges that make the same piece count as one there; so what comes later is cut off.
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=len(alphabet) + num_merges, min_frequency=MIN_COUNT, show_progress=False
        )
        tokenizer.train_from_iterator(prepared, trainer)
        merges = json.loads(tokenizer.to_str())["model"]["merges"]
        return cls(tuple(alphabet), tuple((left, right) for left, right in merges[:num_merges]))

    @property
    def symbols(self) -> tuple[str, ...]:
        """`SPECIAL`, the characters, and the pieces as they were merged, by number."""
        return self._symbols

    @cached_property
    def _symbols(self) -> tuple[str, ...]:
        return (*SPECIAL, *dict.fromkeys((*self.alphabet, *map("".join, self.merges))))

    def __len__(self) -> int:
        return len(self.symbols)

    def __repr__(self) -> str:
        return f"<{len(self):,} pieces of words by {len(self.merges):,} merges>"

    def encode(self, text: str) -> np.ndarray:
        """A text as numbers of pieces, int32 ``[N]``; a new character becomes `UNKNOWN`."""
        return np.array(self._tokenizer.encode(_with_blanks(text)).ids, np.int32)

    def decode(self, numbers: Iterable[int]) -> str:
        """Numbers up to the first `END` as words between blanks, without padding and start.

        Raises:
            ValueError: There is no such number.
        """
        pieces = "".join(self.symbols[number] for number in spoken(numbers, len(self)))
        return " ".join(pieces.split())

    def to_json(self) -> str:
        """These codes as JSON text, for `from_json`."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Subwords:
        """Reads what `to_json` wrote.

        Raises:
            ValueError: It is something else.
        """
        shape = typed_json.Fields({"alphabet": list[str], "merges": list[tuple[str, str]]})
        try:
            found = typed_json.parse(text, shape)
        except typed_json.ShapeError as error:
            raise ValueError(f"The text is not pieces of words in JSON ({error}).") from error
        return cls(tuple(found["alphabet"]), tuple(map(tuple, found["merges"])))

    @cached_property
    def _tokenizer(self) -> Any:
        tokenizers = _library()
        pieces = enumerate(self.symbols[len(SPECIAL) :], start=len(SPECIAL))
        numbers = {_UNKNOWN_PIECE: UNKNOWN, **{piece: number for number, piece in pieces}}
        model = tokenizers.models.BPE(numbers, list(self.merges), unk_token=_UNKNOWN_PIECE)
        return _splitting(tokenizers, model)


def _with_blanks(text: str) -> str:
    return "".join(f" {word}" for word in text.split())


def _splitting(tokenizers: Any, model: Any) -> Any:
    """A tokenizer that never merges beyond the blank in front of a word."""
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Split(" ", "merged_with_next")
    return tokenizer


def _library() -> Any:
    try:
        import tokenizers  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise UsageError(
            "Pieces of words need the library tokenizers, which is not installed; "
            f"{INSTALL} brings it, or take whole words."
        ) from None
    return tokenizers
