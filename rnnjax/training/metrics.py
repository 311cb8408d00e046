"""What tells how good parameters are."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class Metric:
    """A figure of a task, and which way it gets better.

    Args:
        name: such as "perplexity"; with its data in front, "test_perplexity", it stands in the
            files of a run.
        higher_is_better: as of an accuracy; of an error it is not.
    """

    name: str
    higher_is_better: bool = True

    def is_better(self, value: Any, other: Any) -> Any:
        """Whether a value is better than another, of arrays each by itself."""
        return value > other if self.higher_is_better else value < other

    def compare(self, own: Mapping[str, Any], baseline: Mapping[str, Any]) -> bool | None:
        """Whether the test figure among `own` beats that of a baseline, if both have one."""
        name = f"test_{self.name}"
        if name not in own or name not in baseline:
            return None
        return bool(self.is_better(own[name], baseline[name]))


LOSS = Metric("loss", higher_is_better=False)
"""What is minimised; every task has it."""

ACCURACY = Metric("accuracy")
"""The share of the examples whose class was found."""
