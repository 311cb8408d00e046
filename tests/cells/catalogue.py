"""The cells of the catalogue, each listed once: a new file of steps enters by a line here."""

from __future__ import annotations

from tests.cells.clocked import clocked_steps
from tests.cells.convolutional import convolutional_steps
from tests.cells.gated import exponential_steps, gated_steps, ordered_steps, searched_steps
from tests.cells.light import light_steps
from tests.cells.multiplicative import multiplicative_steps
from tests.cells.orthogonal import orthogonal_steps
from tests.cells.physical import physical_steps, timed_steps
from tests.combinators import combined_steps

CATALOGUE = [
    *gated_steps.CASES,
    *searched_steps.CASES,
    *ordered_steps.CASES,
    *exponential_steps.CASES,
    *light_steps.CASES,
    *orthogonal_steps.CASES,
    *physical_steps.CASES,
    *timed_steps.CASES,
    *multiplicative_steps.CASES,
    *clocked_steps.CASES,
    *convolutional_steps.CASES,
    *combined_steps.CASES,
]

CHIEF = list({case.name.partition("-")[0]: case for case in reversed(CATALOGUE)}.values())
"""Of each cell the settings that are listed first."""
