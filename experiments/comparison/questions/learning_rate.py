"""Which learning rate? Many of them, trained at once."""

from __future__ import annotations

from experiments.comparison.answer import Answer
from experiments.comparison.questions.sweep import sweep_answer
from experiments.comparison.study import Study
from experiments.comparison.sweep import parse

RATES = "learning_rate=1e-4:1:9"


def answer(study: Study) -> Answer:
    """Trains all rates with all seeds as one program; other sweeps may be given beside."""
    sweeps = study.config.sweeps
    if "learning_rate" not in {sweep.name for sweep in sweeps}:
        sweeps = [parse(RATES, study.task.config), *sweeps]
    return sweep_answer(
        study,
        sweeps,
        "Which learning rate?",
        "At which learning rate does the network learn best, and how much does it matter?",
    )
