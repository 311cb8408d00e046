"""How notes are written down."""

import numpy as np
import pytest

from rnnjax.reports.piano_roll import key_name, plot_probabilities, plot_rolls
from rnnjax.reports.score import VALUES, plot_score, staff_step, written


def test_heads_fill_a_note_and_cross_no_bar_line():
    for start in range(20):
        for end in range(start + 1, 40):
            heads = list(written(start, end, 4))
            now = start / 4
            for head in heads:
                assert head.start == pytest.approx(now)
                assert head.quarters in VALUES
                assert now // 4 == (now + head.quarters - 0.01) // 4
                now += head.quarters
            assert now == pytest.approx(end / 4)
            assert [head.tied for head in heads] == [True] * (len(heads) - 1) + [False]


def test_places_on_the_staff():
    assert [staff_step(pitch)[0] for pitch in (60, 62, 64, 65, 67, 69, 71, 72)] == [*range(28, 36)]
    assert [staff_step(pitch)[0] for pitch in (61, 63, 66, 68, 70)] == [28, 29, 31, 32, 33]
    assert [p for p in range(60, 72) if staff_step(p)[1]] == [61, 63, 66, 68, 70]
    assert staff_step(43) == (18, False)
    assert [key_name(k) for k in (0, 39, 87)] == ["A0", "C4", "C8"]


@pytest.mark.slow
def test_pictures_are_written(tmp_path):
    roll = np.zeros((3, 88), bool)
    roll[0, 40] = True
    plot_score(tmp_path / "score.png", "x", [(0, 9, 61, 0), (1, 3, 40, 3)], 4)
    plot_rolls(tmp_path / "rolls.png", "x", {"a": roll, "b": ~roll & False}, 4)
    plot_probabilities(tmp_path / "likely.png", "x", roll * 0.5, roll, 4)
    assert all(path.stat().st_size > 3000 for path in tmp_path.iterdir())
    assert len(list(tmp_path.iterdir())) == 3
