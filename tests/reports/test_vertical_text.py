"""Columns of characters, where a font has them."""

import matplotlib.font_manager
import numpy as np
import pytest
from matplotlib.image import imread

from rnnjax.reports import vertical_text


def test_a_font_must_have_all_characters():
    found = vertical_text.font_with("ab")
    assert found is not None
    assert found.is_file()
    # A private place of Unicode, which only a font that draws boxes has.
    assert vertical_text.font_with("a\U0010fffd") is None


def test_a_font_that_is_gone_is_passed_over(monkeypatch, tmp_path):
    broken = tmp_path / "broken.ttf"
    broken.write_text("no font")
    entries = [
        matplotlib.font_manager.FontEntry(fname=str(path), name="A CJK font")
        for path in (broken, tmp_path / "gone.ttf")
    ]
    monkeypatch.setattr(matplotlib.font_manager.fontManager, "ttflist", entries)
    monkeypatch.setattr(matplotlib.font_manager, "findSystemFonts", list)
    assert vertical_text.font_with("a") is None
    said = vertical_text.draw_poems(tmp_path / "poems.png", "title", ["a"], [np.zeros(1)])
    assert said is not None
    assert said.startswith("poems.png is not drawn: no font")
    assert not (tmp_path / "poems.png").exists()


@pytest.fixture
def drawn(tmp_path):
    """A picture of Latin letters, which some font has on every machine."""
    path = tmp_path / "poems.png"
    losses = [np.array([0.0, 9, 0, 0, 0]), np.array([9.0, 0, 0, 9, 0])]
    assert vertical_text.draw_poems(path, "title", ["ab\ncd", "ef\ngh"], losses) is None
    return imread(path)[..., :3]


def test_the_unexpected_is_dark_and_stands_where_it_was_read(drawn):
    height, width, _ = drawn.shape
    orange = (drawn[..., 0] > 0.7) & (drawn[..., 2] < 0.5)
    first, second = orange[:, width // 2 :], orange[:, : width // 2]
    # The first line is the last column: b is its second letter; e and g begin two columns.
    rows, columns = np.nonzero(first)
    side = np.ptp(columns)
    assert columns.min() > 0.45 * width / 2
    rows_of_second, columns_of_second = np.nonzero(second)
    assert rows.min() > rows_of_second.max() - 2
    assert np.ptp(rows_of_second) == pytest.approx(side, abs=3)
    assert np.ptp(columns_of_second) == pytest.approx(2 * side, abs=5)
    assert rows.max() < height - 1
