"""Many texts as two plain arrays, decoded one at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import overload

import numpy as np

from rnnjax.data.ragged import Ragged


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class PackedTexts(Sequence[str]):
    """Texts kept end to end as UTF-8: a fraction of the memory of as many strings.

    Attributes:
        utf8: The bytes of each text; `values` is uint8.

    >>> texts = PackedTexts.pack(["Très bien!", "Bad."])
    >>> texts[0], texts[-1], texts[:1], len(texts)
    ('Très bien!', 'Bad.', ['Très bien!'], 2)
    """

    utf8: Ragged

    @classmethod
    def pack(cls, texts: Iterable[str | bytes]) -> PackedTexts:
        """Lays texts end to end.

        Args:
            texts: Strings, or their UTF-8.
        """
        encoded = [text.encode() if isinstance(text, str) else text for text in texts]
        offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
        return cls(Ragged(np.frombuffer(b"".join(encoded), np.uint8), offsets))

    def __repr__(self) -> str:
        return f"<{len(self):,} texts of {self.utf8.values.size:,} bytes>"

    def __len__(self) -> int:
        return len(self.utf8)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[row] for row in range(len(self))[index]]
        return self.utf8[index].tobytes().decode()
