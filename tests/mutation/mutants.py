"""Every mutant, by its name."""

from __future__ import annotations

from tests.mutation.mutant import Mutant
from tests.mutation.of_cells import CELL_MUTANTS
from tests.mutation.of_combinators import COMBINATOR_MUTANTS
from tests.mutation.of_derivatives import DERIVATIVE_MUTANTS
from tests.mutation.of_loop import LOOP_MUTANTS
from tests.mutation.of_parts import PART_MUTANTS

ALL = (*CELL_MUTANTS, *COMBINATOR_MUTANTS, *PART_MUTANTS, *LOOP_MUTANTS, *DERIVATIVE_MUTANTS)

MUTANTS: dict[str, Mutant] = {mutant.name: mutant for mutant in ALL}
