"""What counts as the same results."""

import numpy as np

from benchmarks.agreement import compare, difference_of

RNG = np.random.default_rng(0)
OURS = {
    "output.0": np.float32(2.3),
    "output.1": np.float32(2.2),
    "gradient.forward.w_x": RNG.standard_normal((3, 8), np.float32),
    "gradient.forward.b_hn": RNG.standard_normal(2, np.float32),
}


def disagreement(kind="train", **changed):
    return compare(kind, OURS, OURS | {n.replace("_", ".", 1): a for n, a in changed.items()})[
        "disagrees"
    ]


def test_equal_results_agree():
    assert compare("train", OURS, OURS) == {
        "differences": {"first_output": 0, "later_outputs": 0, "gradients": 0},
        "disagrees": None,
    }


def test_rounding_agrees_and_is_told():
    noisy = OURS | {"gradient.forward.w_x": OURS["gradient.forward.w_x"] * np.float32(1 + 2e-6)}
    found = compare("train", OURS, noisy)
    assert found["disagrees"] is None
    assert 1e-6 < found["differences"]["gradients"] < 3e-6


def test_another_order_of_gates_disagrees():
    swapped = OURS["gradient.forward.w_x"][:, [2, 3, 0, 1, 4, 5, 6, 7]]
    assert "gradient.forward.w_x differs" in str(
        compare("train", OURS, OURS | {"gradient.forward.w_x": swapped})["disagrees"]
    )


def test_later_losses_have_more_room_than_first_ones():
    assert "output.0" in str(disagreement(output_0=np.float32(2.301)))
    assert disagreement(output_1=np.float32(2.201)) is None
    assert "output.1" in str(disagreement(output_1=np.float32(2.5)))
    # Without updates in between there is no reason for it.
    assert "output.1" in str(disagreement("forward", output_1=np.float32(2.201)))


def test_nan_and_other_shapes_disagree():
    assert "output.0" in str(disagreement(output_0=np.float32(np.nan)))
    assert "shape" in str(disagreement(output_0=np.ones((1,), np.float32)))
    assert np.isnan(difference_of(np.array([np.nan, 1]), np.ones(2)))


def test_only_the_bias_that_one_side_lacks_may_be_missing():
    without = {n: a for n, a in OURS.items() if not n.endswith("b_hn")}
    assert compare("train", OURS, without)["disagrees"] is None
    assert "b_hn is not among ours" in str(compare("train", without, OURS)["disagrees"])
    without.pop("gradient.forward.w_x")
    assert "gradient.forward.w_x is missing" in str(compare("train", OURS, without)["disagrees"])


def test_what_was_chosen_is_the_same_or_it_disagrees():
    """A neighbour among 100,000 words is no rounding."""
    chosen = {
        "output.0": np.array([[5, 100_000]], np.int32),
        "output.1": np.array([-3.0], np.float32),
    }
    assert compare("answer", chosen, chosen)["disagrees"] is None
    other = chosen | {"output.0": np.array([[6, 100_000]], np.int32)}
    assert "output.0 differs" in str(compare("answer", chosen, other)["disagrees"])
    rounded = chosen | {"output.1": chosen["output.1"] * np.float32(1 + 2e-6)}
    assert compare("answer", chosen, rounded)["disagrees"] is None
