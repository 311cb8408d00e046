"""The table of docs/beside_the_others.md, and the test behind each of its cells.

Yes: the library's own layers, arguments or wrappers do it. Partly: some of them do, or it takes
several of the library's parts put together; a footnote says which. No: one writes it oneself.
"""

from __future__ import annotations

import pathlib
from typing import Any, NamedTuple

LIBRARIES = ("rnnjax", "flax", "haiku", "equinox", "keras", "torch")
"""In the order of the table's columns."""


class Row(NamedTuple):
    label: str
    verdicts: str
    """Those of all libraries, in the order of `LIBRARIES`."""
    tests: tuple[str, ...]
    """Those of rnnjax, in the suite that needs no other library."""

    def verdict(self, library: str) -> str:
        return self.verdicts.split()[LIBRARIES.index(library)]


_UNROLL = "tests/unrolling/test_unroll.py::test_"
_CONTRACT = "tests/test_contract.py::test_"
_APART = "tests/unrolling/test_taken_apart.py::test_"
_DROPOUT = "tests/combinators/test_dropout.py::test_"
_CATALOGUE = "tests/cells/test_catalogue.py::test_"
_ABSENT = "tests/test_absent_features.py::test_"

TABLE: dict[str, Row] = {
    "held_mask": Row(
        "a mask with holes holds the carry",
        "yes no no no yes no",
        (_UNROLL + "masks_and_resets_equal_the_equations_on_the_steps_that_are_there",),
    ),
    "empty_rows": Row(
        "rows of length zero",
        "yes no no no yes no",
        (_CONTRACT + "a_row_without_any_step_hands_its_carry_on",),
    ),
    "nan_padding": Row(
        "NaN in the padding reaches no gradient",
        "yes no no no no yes",
        (_CONTRACT + "nothing_behind_the_mask_gets_out",),
    ),
    "backward_padding": Row(
        "a right-padded row runs backwards from its last step",
        "yes yes no no yes yes",
        (_CONTRACT + "reversing_a_right_padded_row_reverses_its_valid_part",),
    ),
    "resets": Row(
        "resets inside a row",
        "yes no yes no no no",
        (_UNROLL + "resets_equal_segments_run_apart",),
    ),
    "all_carries": Row(
        "the carry after every step, c of an LSTM too",
        "yes partly yes no no no",
        ("tests/test_carries.py::test_they_are_the_final_carries_of_the_runs_that_end_there",),
    ),
    "rematerialisation": Row(
        "gradients of T steps in memory like √T",
        "yes partly partly partly partly partly",
        ("tests/unrolling/test_remat.py::test_memory_grows_like_the_root_of_the_number_of_steps",),
    ),
    "float32_carry": Row(
        "float32 carry, products in bfloat16",
        "yes yes partly partly no partly",
        (
            "tests/test_dtypes.py::test_a_float32_carry_rides_on_low_precision",
            "tests/test_dtypes.py::test_a_memory_adds_up_in_the_type_of_its_carry",
        ),
    ),
    "batch_axes": Row(
        "any number of batch axes",
        "yes yes yes yes partly partly",
        (_APART + "any_number_of_batch_axes",),
    ),
    "stepping": Row(
        "one step at a time, for streaming",
        "yes yes yes yes yes yes",
        (_APART + "equals_a_loop_over_single_steps",),
    ),
    "forward_mode": Row(
        "forward-mode derivatives",
        "yes yes yes yes yes partly",
        (_UNROLL + "the_plain_executor_has_forward_mode_derivatives",),
    ),
    "stateful": Row(
        "a layer that keeps its state from call to call",
        "no no no no yes no",
        (_ABSENT + "a_layer_keeps_nothing_from_call_to_call",),
    ),
    "bidirectional": Row(
        "both directions, merged by concat, sum, mul, ave or not at all",
        "yes yes partly no yes partly",
        ("tests/combinators/test_stack.py::test_bidirectional_equals_the_equations_run_both_ways",),
    ),
    "stacks": Row(
        "a stack with dropout between its layers, in one call",
        "yes partly yes no yes yes",
        (
            "tests/combinators/test_stack.py::test_stack_equals_its_layers_one_after_the_other",
            _DROPOUT + "a_stack_drops_between_its_layers_anew_at_every_step",
        ),
    ),
    "residual": Row(
        "a residual layer, to stack and to step",
        "yes no no no partly no",
        (
            _CONTRACT + "equals_the_equations[wrappers]",
            "tests/combinators/test_reversed_and_residual.py::test_a_residual_layer_adds_its_input",
        ),
    ),
    "learned_carry": Row(
        "a first carry that is a parameter",
        "yes no no no no no",
        (
            "tests/combinators/test_learned_carry.py"
            "::test_it_stands_in_for_a_carry_that_is_not_given",
        ),
    ),
    "state_dropout": Row(
        "variational dropout: one mask of the state for all steps",
        "yes no no no yes no",
        (_DROPOUT + "the_state_has_one_mask_per_row_for_all_steps",),
    ),
    "update_dropout": Row(
        "recurrent dropout of the update",
        "yes no no no no no",
        (
            _DROPOUT + "the_update_has_a_new_mask_at_every_step",
            _DROPOUT + "an_lstm_with_all_of_them_equals_its_equations",
        ),
    ),
    "zoneout": Row(
        "zoneout",
        "yes no no no no no",
        ("tests/combinators/test_zoneout.py::test_each_unit_keeps_its_value_or_takes_the_new_one",),
    ),
    "weight_dropout": Row(
        "DropConnect of the recurrent weights",
        "yes no no no no yes",
        (_DROPOUT + "the_weights_have_one_mask_for_the_whole_batch",),
    ),
    "layer_norm": Row(
        "layer-normalised LSTM and GRU",
        "yes no no no no no",
        (
            _CONTRACT + "equals_the_equations[layer_norm_lstm]",
            _CONTRACT + "equals_the_equations[layer_norm_gru]",
        ),
    ),
    "peepholes": Row(
        "LSTM with peepholes",
        "yes no no no no no",
        (_CONTRACT + "equals_the_equations[peephole_lstm]",),
    ),
    "projection": Row(
        "LSTM with a projected state",
        "yes no no no no yes",
        (_CONTRACT + "equals_the_equations[lstmp]",),
    ),
    "gru_forms": Row(
        "GRU with the reset after the product, and before it",
        "yes partly partly partly yes partly",
        (
            _CONTRACT + "equals_the_equations[gru-reset_after]",
            _CONTRACT + "equals_the_equations[gru-reset_before]",
        ),
    ),
    "conv_lstm": Row(
        "convolutional LSTM",
        "yes yes yes no yes no",
        (_CATALOGUE + "a_cell_is_its_paper[conv_lstm]",),
    ),
    "minimal_gated_unit": Row(
        "minimal gated unit",
        "yes yes no no no no",
        (_CATALOGUE + "a_cell_is_its_paper[mgu]",),
    ),
    "own_activation": Row(
        "any function as an activation",
        "no yes no no yes no",
        (_ABSENT + "an_activation_is_a_name",),
    ),
    "own_initializers": Row(
        "initializers of one's own",
        "no yes partly no yes no",
        (_ABSENT + "an_initialization_is_a_name",),
    ),
    "penalties": Row(
        "penalties and constraints on single weights",
        "no no no no yes no",
        (_ABSENT + "weights_have_neither_penalties_nor_constraints",),
    ),
    "from_torch": Row(
        "weights from PyTorch",
        "yes no no no no yes",
        ("tests/interop/test_torch.py::test_a_state_dict_in_a_file_computes_what_pytorch_did",),
    ),
    "from_keras": Row(
        "weights from Keras",
        "yes no no no yes no",
        ("tests/interop/test_keras.py::test_a_layer_computes_what_keras_did",),
    ),
    "written_back": Row(
        "weights written back to PyTorch, Keras and Flax",
        "yes no no no no no",
        (
            "tests/interop/test_torch.py::test_there_and_back_bit_for_bit",
            "tests/interop/test_keras.py::test_there_and_back_bit_for_bit",
            "tests/interop/test_flax.py::test_variables_of_linen_there_and_back_bit_for_bit",
            "tests/interop/test_flax.py::test_modules_of_nnx_there_and_back_bit_for_bit",
        ),
    ),
}


ABSENT = "test_absent"
"""The test, once for each feature, that a library has no word for it."""


def live_files(library: str) -> list[pathlib.Path]:
    """Where the tests of another library are: ``test_<feature>``, or ``test_absent[<feature>]``."""
    return sorted((pathlib.Path(__file__).parent / "features").glob(f"test_{library}*.py"))


def yes(test: Any) -> Any:
    """Marks a test that shows the feature; the page is compared with it, word by word."""
    return test


def partly(test: Any) -> Any:
    """Marks a test that shows what there is of the feature, and what there is not."""
    return test


def no(test: Any) -> Any:
    """Marks a test that shows what the library does instead, or that it has no word for it."""
    return test
