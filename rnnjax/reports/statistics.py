"""Numbers of several seeds, as one number with its spread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Metrics = dict[str, Any]
"""Numbers by name. Where there are several seeds these are means; standard deviations by name are
under "sd", and lists with the number of each seed under "seeds"."""


def summarise(values: Mapping[str, Any]) -> Metrics:
    """Makes `Metrics` of single numbers, or of arrays ``[S]`` with one for each seed.

    >>> summarise({"loss": np.array([1.0, 3.0])})
    {'loss': 2.0, 'sd': {'loss': 1.4142135623730951}, 'seeds': {'loss': [1.0, 3.0]}}
    >>> summarise({"loss": 2.5})
    {'loss': 2.5}
    """
    metrics: Metrics = {}
    lists: dict[str, list[float]] = {}
    deviations: dict[str, float] = {}
    for name, value in values.items():
        value = np.asarray(value)
        if value.ndim == 0:
            metrics[name] = value.item()
            continue
        lists[name] = value.tolist()
        metrics[name] = float(value.mean(dtype=np.float64))
        deviations[name] = float(value.std(ddof=1, dtype=np.float64))
    return metrics | ({"sd": deviations, "seeds": lists} if lists else {})


def shown(metrics: Mapping[str, Any], name: str) -> str:
    """A number for the terminal, with the standard deviation over the seeds if there are several.

    >>> shown(summarise({"loss": np.array([1.0, 3.0])}), "loss")
    '2.0000 ± 1.4142'
    """
    deviation = metrics.get("sd", {}).get(name)
    return f"{metrics[name]:.4f}" + ("" if deviation is None else f" ± {deviation:.4f}")
