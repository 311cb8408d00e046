"""How often something happens: every so many steps, or every so many seconds."""

from __future__ import annotations

import dataclasses
import math
import re
import reprlib

_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclasses.dataclass(frozen=True)
class Interval:
    """A number of training steps or a time.

    Args:
        steps: training steps between two events, or
        seconds: the time between them.
    """

    steps: int | None = None
    seconds: float | None = None

    @classmethod
    def parse(cls, text: str) -> Interval:
        """Reads "500" (steps), "30s", "5m" or "1h".

        Raises:
            ValueError: it is none of these.

        >>> Interval.parse("500"), Interval.parse("5m")
        (Interval(steps=500, seconds=None), Interval(steps=None, seconds=300))
        """
        found = re.fullmatch(r"([0-9]{1,12})([smh]?)", text)
        if found is None or not int(found[1]):
            raise ValueError(
                f"{reprlib.repr(text)} is no interval; give a number of steps, such as 500, or a "
                "time, such as 30s, 5m or 1h."
            )
        number, unit = int(found[1]), found[2]
        return cls(seconds=number * _SECONDS[unit]) if unit else cls(steps=number)

    def next_step(self, done: int) -> float:
        """After how many steps it is due next, when `done` are done; infinite for a time."""
        return math.inf if self.steps is None else (done // self.steps + 1) * self.steps

    def is_due(self, done: int, seconds: float) -> bool:
        """Whether it is due after `done` steps and so many seconds since it last happened."""
        if self.steps is not None:
            return done > 0 and done % self.steps == 0
        return seconds >= (self.seconds or 0)
