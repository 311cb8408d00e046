"""Which run something belongs to."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Collection, Mapping
from typing import Any

RUN_ID, ADOPTED, SETTINGS = "run_id", "adopted_checkpoints", "settings"
"""What ``config.json`` and the records of checkpoints have of it."""


@dataclasses.dataclass(frozen=True)
class Identity:
    """A run, as its folder and each of its checkpoints name it.

    Args:
        run_id: no other run has it; None for one that was begun before runs had one.
        settings: on which its outcome depends, by name; none where only the run itself is known.
        adopted: the names of the checkpoints that it had before it was given its id.
    """

    run_id: str | None
    settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    adopted: tuple[str, ...] = ()

    @classmethod
    def new(cls, settings: Mapping[str, Any] | None = None) -> Identity:
        """That of a run that begins."""
        return cls(uuid.uuid4().hex, _as_json(settings or {}))

    @classmethod
    def recorded(cls, config: Mapping[str, Any], settings: Mapping[str, Any]) -> Identity:
        """That of a run with this ``config.json``."""
        adopted = config.get(ADOPTED, [])
        names = tuple(adopted) if isinstance(adopted, list) else ()
        return cls(config.get(RUN_ID), _as_json(settings), names)

    @property
    def record(self) -> dict[str, Any]:
        """What a checkpoint says of it."""
        return {RUN_ID: self.run_id, SETTINGS: dict(self.settings)}

    def owns(self, record: Mapping[str, Any]) -> bool:
        """Whether a checkpoint with this record was surely written by this run."""
        return self.run_id is not None and record.get(RUN_ID) == self.run_id

    def objection(self, name: str, record: Mapping[str, Any]) -> str | None:
        """Why this run can't go on from a checkpoint; None where it can.

        Args:
            name: of the checkpoint.
            record: of the checkpoint.
        """
        run_id = record.get(RUN_ID)
        if run_id != self.run_id and not (run_id is None and name in self.adopted):
            return "is another run's"
        there = record.get(SETTINGS)
        if run_id is not None and self.settings and isinstance(there, Mapping):
            differing = differences(there, self.settings, ())
            if differing:
                return f"is of a run with other settings: {shown(differing)}"
        return None


MOST_SHOWN = 10
"""Differences that a sentence names."""


def shown(differing: list[tuple[str, Any, Any]]) -> str:
    """What `differences` found, in words; the first ones where there are many."""
    told = [
        f"{_brief(name)} is {_brief(old)} there and {_brief(new)} here"
        for name, old, new in differing[:MOST_SHOWN]
    ]
    if len(differing) > MOST_SHOWN:
        told.append(f"and {len(differing) - MOST_SHOWN} more")
    return "; ".join(told)


def _brief(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:197]}..."


def differences(
    old: Mapping[str, Any], new: Mapping[str, Any], free: Collection[str]
) -> list[tuple[str, Any, Any]]:
    """Names with their two values, where these differ and may not.

    Args:
        old: the values there.
        new: the values here.
        free: the names that may differ.
    """
    # Not by the union of two sets, to keep the order in which the settings are declared.
    names = [name for name in {**new, **old} if name not in free]
    pairs = [(name, old.get(name, "absent"), new.get(name, "absent")) for name in names]
    return [(name, a, b) for name, a, b in pairs if a != b]


def _as_json(settings: Mapping[str, Any]) -> dict[str, Any]:
    """As they come back from a file, where a tuple is a list."""
    return json.loads(json.dumps(dict(settings)))
