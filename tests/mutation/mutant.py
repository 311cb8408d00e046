"""What a mutant is."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """The source with a fault in one line."""

    name: str
    file: str
    """Path from the root of the repository."""
    old: str
    """What is replaced: a text without a line break, which is in the file exactly once."""
    new: str
    broken: str
    """What is wrong then."""
    first: tuple[str, ...] = ()
    """Test files to be tried before the others."""
    keyword: str = ""
    """Which of their tests, as for ``pytest -k``."""

    def applied(self, source: str) -> str:
        """The file's text with the fault."""
        return source.replace(self.old, self.new)
