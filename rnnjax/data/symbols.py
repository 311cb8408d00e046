"""The symbols that a language model reads and writes: bytes, characters or words."""

from __future__ import annotations

import collections
import dataclasses
import json
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from types import MappingProxyType

import numpy as np

from rnnjax.storage import typed_json

END_OF_LINE = "<eos>"
UNKNOWN = "<unk>"
START = "<start>"
_SIGN = re.compile(r"<\w+>|.", re.DOTALL)


def _bytes(text: str) -> Sequence[str]:
    return text.encode().decode("latin-1")


def _from_bytes(symbols: Iterable[str]) -> str:
    return "".join(symbols).encode("latin-1").decode(errors="replace")


def _words(text: str) -> Sequence[str]:
    *lines, rest = text.split("\n")
    words = [word for line in lines for word in (*line.split(), END_OF_LINE)]
    return words + rest.split()


def _from_words(symbols: Iterable[str]) -> str:
    text = " ".join(symbols).replace(f" {END_OF_LINE}", "\n").replace(END_OF_LINE, "\n")
    return text.replace("\n ", "\n")


UNITS = MappingProxyType(
    {
        "byte": (_bytes, _from_bytes),
        "character": (lambda text: text, "".join),
        "word": (_words, _from_words),
        "sign": (_SIGN.findall, "".join),
    }
)
"""How a text is taken apart into symbols of a unit, and put together again."""


@dataclasses.dataclass(frozen=True)
class Symbols:
    r"""An alphabet, or a vocabulary: every symbol has a number.

    A text is taken apart into bytes (each written as the character of its number), characters, or
    words: what stands between blanks, and `END_OF_LINE` where a line ends. Signs are characters
    and names in angle brackets, such as those that poems of a kind begin with.

    Attributes:
        unit: "byte", "character", "word" or "sign".
        symbols: The symbols, by number.

    >>> letters = Symbols.of("character", "hello")
    >>> letters.symbols, letters.encode("hole").tolist()
    (('e', 'h', 'l', 'o'), [1, 3, 2, 0])
    >>> words = Symbols.of("word", "a rose is <unk>\n")
    >>> words.decode(words.encode("a rose is\n a daisy\n"))
    'a rose is\na <unk>\n'
    """

    unit: str
    symbols: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise ValueError(f"There is no unit {self.unit!r}; take one of {', '.join(UNITS)}.")
        if not self.symbols or len(set(self.symbols)) < len(self.symbols):
            raise ValueError("Symbols: there must be at least one symbol, and none of them twice.")

    @classmethod
    def of(cls, unit: str, text: str) -> Symbols:
        """Those that occur in a text: words and signs the most frequent first, others in order.

        Args:
            unit: As the attribute.
            text: The training text alone: held-out texts must not shape the vocabulary.

        Raises:
            ValueError: There is none in it.
        """
        found = UNITS[unit][0](text)
        if unit in ("word", "sign"):
            return cls(unit, tuple(word for word, _ in collections.Counter(found).most_common()))
        return cls(unit, tuple(sorted(set(found))))

    def __len__(self) -> int:
        return len(self.symbols)

    def __repr__(self) -> str:
        return f"<{len(self):,} {self.unit}s: {' '.join(map(repr, self.symbols[:3]))} …>"

    @property
    def starts(self) -> tuple[int, ...]:
        """Numbers of what something new begins with: signs such as ``<5>``, the word `START`."""
        pattern = {"sign": r"<\d+>", "word": START}.get(self.unit)
        if pattern is None:
            return ()
        return tuple(n for n, s in enumerate(self.symbols) if re.fullmatch(pattern, s))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {symbol: number for number, symbol in enumerate(self.symbols)}

    def number(self, symbol: str) -> int:
        """Of one symbol.

        Raises:
            KeyError: It is none of these.
        """
        return self._numbers[symbol]

    def encode(self, text: str) -> np.ndarray:
        """A text as numbers, int32 ``[N]``; what is none of these as `UNKNOWN`, if that is one.

        Raises:
            ValueError: It holds a symbol that is none of these, and there is no `UNKNOWN`.
        """
        found, numbers = UNITS[self.unit][0](text), self._numbers
        unknown = numbers.get(UNKNOWN)
        if unknown is None:
            strange = [s for s in dict.fromkeys(found) if s not in numbers]
            if strange:
                raise ValueError(
                    f"{self._told(strange)} not among the {len(self):,} {self.unit}s that the "
                    "training text has; leave what it never saw out."
                )
        return np.fromiter((numbers.get(s, unknown) for s in found), np.int32, len(found))

    def decode(self, numbers: Iterable[int]) -> str:
        """Numbers as a text; bytes that are no UTF-8 show as U+FFFD."""
        return UNITS[self.unit][1](self.symbols[number] for number in map(int, numbers))

    def _told(self, strange: Sequence[str]) -> str:
        shown = ", ".join(map(ascii if self.unit == "byte" else repr, strange[:5]))
        more = f" and {len(strange) - 5} more" if len(strange) > 5 else ""
        return f"{shown}{more} {'is' if len(strange) == 1 else 'are'}"

    def to_json(self) -> str:
        """These symbols as JSON text, for `from_json`."""
        return json.dumps({"unit": self.unit, "symbols": self.symbols}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Symbols:
        """Reads what `to_json` wrote.

        Raises:
            ValueError: It is something else.
        """
        try:
            shape = typed_json.Fields({"unit": str, "symbols": list[str]})
            found = typed_json.parse(text, shape)
        except typed_json.ShapeError as error:
            raise ValueError(f"The text is not a list of symbols in JSON ({error}).") from error
        return cls(found["unit"], tuple(found["symbols"]))
