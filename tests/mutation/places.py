"""Where things are: the files that mutants change, and the tests that may find them.

When a file moves, its place changes here and nowhere else.
"""

from __future__ import annotations

# The cells.
SIMPLE_RNN = "rnnjax/cells/simple_rnn.py"
LSTM = "rnnjax/cells/lstm.py"
GRU = "rnnjax/cells/gru.py"
LSTMP = "rnnjax/cells/lstmp.py"
PEEPHOLE_LSTM = "rnnjax/cells/peephole_lstm.py"
LAYER_NORM_LSTM = "rnnjax/cells/layer_norm_lstm.py"
LAYER_NORM_GRU = "rnnjax/cells/layer_norm_gru.py"
FUSED_CELL = "rnnjax/fused_cell.py"

# The combinators.
BIDIRECTIONAL = "rnnjax/combinators/bidirectional.py"
DROPOUT = "rnnjax/combinators/dropout.py"
LEARNED_CARRY = "rnnjax/combinators/learned_carry.py"
RESIDUAL = "rnnjax/combinators/residual.py"
LAST_STEP = "rnnjax/unrolling/last_step.py"
STACK = "rnnjax/combinators/stack.py"
WRAPPER = "rnnjax/combinators/wrapper.py"
ZONEOUT = "rnnjax/combinators/zoneout.py"

# What cells are made of.
ACTIVATIONS = "rnnjax/activations.py"
BUFFERS = "rnnjax/buffers.py"
CELL = "rnnjax/cell.py"
CHECKS = "rnnjax/checks.py"
HYPERPARAMETERS = "rnnjax/hyperparameters.py"
INITIALIZERS = "rnnjax/initializers.py"
NOISE = "rnnjax/noise.py"
NORMALIZATION = "rnnjax/normalization.py"

# The engine.
ARGUMENTS = "rnnjax/unrolling/arguments.py"
BACKWARD_STEP = "rnnjax/unrolling/backward_step.py"
EXECUTORS = "rnnjax/unrolling/executors.py"
JAXPRS = "rnnjax/unrolling/jaxprs.py"
LEAVES = "rnnjax/unrolling/leaves.py"
PLACEMENT = "rnnjax/unrolling/placement.py"
CHUNKED = "rnnjax/unrolling/chunked.py"
ROWS = "rnnjax/unrolling/rows.py"
STEP_PROGRAM = "rnnjax/unrolling/step_program.py"
UNROLL = "rnnjax/unrolling/unroll.py"

# Tests that a mutant may name, to be tried first.
T_ACTIVATIONS = "tests/test_activations.py"
T_ANY_STEP = "tests/unrolling/test_any_step.py"
T_ARGUMENTS = "tests/unrolling/test_arguments.py"
T_BUFFERS = "tests/test_buffers.py"
T_CARRIES = "tests/test_carries.py"
T_CONTRACT = "tests/test_contract.py"
T_DROPOUT = "tests/combinators/test_dropout.py"
T_DTYPES = "tests/test_dtypes.py"
T_ERRORS = "tests/test_errors.py"
T_HYPERPARAMETERS = "tests/test_hyperparameters.py"
T_INITIALIZERS = "tests/test_initializers.py"
T_JAXPRS = "tests/unrolling/test_jaxprs.py"
T_LAYER_NORM = "tests/cells/test_layer_norm.py"
T_LEARNED_CARRY = "tests/combinators/test_learned_carry.py"
T_NOISE_PLACES = "tests/cells/test_noise_places.py"
T_NORMALIZATION = "tests/test_normalization.py"
T_OWN_CELLS = "tests/test_own_cells.py"
T_PEEPHOLE_LSTM = "tests/cells/test_peephole_lstm.py"
T_PLACEMENT = "tests/unrolling/test_placement.py"
T_REMAT = "tests/unrolling/test_remat.py"
T_RESIDUAL = "tests/combinators/test_reversed_and_residual.py"
T_ROWS = "tests/unrolling/test_rows.py"
T_SHARED_PROGRAMS = "tests/unrolling/test_shared_programs.py"
T_STACK = "tests/combinators/test_stack.py"
T_STEP_PROGRAM = "tests/unrolling/test_step_program.py"
T_UNROLL = "tests/unrolling/test_unroll.py"
T_ZONEOUT = "tests/combinators/test_zoneout.py"

CORE_TESTS = (
    "tests/cells",
    "tests/combinators",
    "tests/test_activations.py",
    "tests/unrolling/test_any_step.py",
    "tests/unrolling/test_arguments.py",
    "tests/test_buffers.py",
    "tests/test_carries.py",
    "tests/test_contract.py",
    "tests/test_dtypes.py",
    "tests/unrolling/test_empty_batch.py",
    "tests/test_errors.py",
    "tests/test_golden.py",
    "tests/test_hyperparameters.py",
    "tests/test_initializers.py",
    "tests/unrolling/test_jaxprs.py",
    "tests/test_normalization.py",
    "tests/test_own_cells.py",
    "tests/unrolling/test_placement.py",
    "tests/unrolling/test_remat.py",
    "tests/unrolling/test_rows.py",
    "tests/unrolling/test_shared_programs.py",
    "tests/combinators/test_stack.py",
    "tests/unrolling/test_step_program.py",
    "tests/unrolling/test_unroll.py",
    "tests/models",
    "tests/export/test_export.py",
    "tests/bridges",
    "tests/interop",
    "rnnjax/cells",
    "rnnjax/combinators",
    "rnnjax/activations.py",
    "rnnjax/unrolling/arguments.py",
    "rnnjax/checks.py",
    "rnnjax/hyperparameters.py",
    "rnnjax/unrolling/leaves.py",
    "rnnjax/unrolling/chunked.py",
    "rnnjax/unrolling/unroll.py",
)
"""The tests of the engine and the cells, files or folders, in the order in which they are taken;
of the package itself the examples in docstrings."""
