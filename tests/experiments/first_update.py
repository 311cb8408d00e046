"""Runs experiments up to their first update, and tells which large packages they imported for it.

    python -m tests.experiments.first_update '{"mnist_rnn": {"hidden_size": 2}, ...}'

The settings of each script are given as JSON; it prints, also as JSON, for each script the packages
that were imported by then and not by the scripts before it.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

LARGE = (
    "IPython", "array_record", "flax.nnx", "jax2onnx", "keras", "matplotlib", "onnxruntime",
    "pandas", "scipy.optimize", "scipy.special", "scipy.stats", "sklearn", "tensorboardX",
    "tensorflow", "tensorflow_datasets", "torch",
)  # fmt: skip
"""What takes long to import and has nothing to do in a training step.

JAX imports ``scipy.linalg`` itself, where initial weights are to be orthogonal.
"""


class _Reached(BaseException):
    """The first update; a BaseException, because the scripts tell of exceptions."""


def _stop(*_: Any, **__: Any) -> NoReturn:
    raise _Reached


def until_first_update(name: str, settings: Mapping[str, Any]) -> list[str]:
    """The large packages that are imported when a script begins to train.

    Raises:
        AssertionError: it came to its end without training.
    """
    module: Any = importlib.import_module(f"experiments.{name}")
    from rnnjax.experiment import order
    from rnnjax.experiment.command_line import merge

    trainer: Any = importlib.import_module("rnnjax.training.loop").Trainer
    trainer.run = _stop
    trainer.compile = lambda *_: 0.0  # which takes longest, and imports nothing of ours
    if name == "compare":
        task = module.TASKS["mnist_rnn"]
        config_type, run = module.config_of(task), module.run
        for question in module.QUESTIONS:
            importlib.import_module(f"experiments.comparison.questions.{question}")
    else:
        task, config_type, run = module.EXPERIMENT, module.Config, order.run
    try:
        run(task, merge(config_type, task.presets, settings))
    except _Reached:
        return [package for package in LARGE if package in sys.modules]
    raise AssertionError(f"{name} did not train")


def main() -> None:
    told: dict[str, list[str]] = {}
    before: set[str] = set()
    for name, settings in json.loads(sys.argv[1]).items():
        imported = until_first_update(name, settings)
        told[name] = sorted(set(imported) - before)
        before |= set(imported)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
