"""The settings of each run of a comparison, as the task's own script would have them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from rnnjax.experiment.command_line import of_one_length
from rnnjax.training.settings import Config


def settings_of_run(config: Config, task_config: type[Config], changes: Mapping[str, Any]) -> Any:
    """What a run has that differs from the others in some settings.

    Args:
        config: the settings of the comparison.
        task_config: the type of those of the task.
        changes: settings by name.

    Raises:
        UsageError: the task's script would refuse them.
    """
    # --task is the experiment here; one that has such a setting of its own is told by changes.
    names = [field.name for field in dataclasses.fields(task_config) if field.name != "task"]
    return task_config(**{n: getattr(config, n) for n in names} | of_one_length(changes))
