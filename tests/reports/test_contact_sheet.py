"""Where pictures, descriptions and attention stand on their sheets."""

import matplotlib.font_manager
import numpy as np
import pytest
from matplotlib.image import imread

from rnnjax.reports import contact_sheet as sheets
from rnnjax.reports.contact_sheet import attention_sheet, contact_sheet

RED, BLUE = (255, 0, 0), (0, 0, 255)
DPI = 130


def plain(*colours):
    return np.array([np.broadcast_to(colour, (8, 8, 3)) for colour in colours], np.uint8)


def places(image, is_it):
    """The box of the pixels of a kind, in inches: left, right, top, bottom."""
    rows, columns = np.nonzero(is_it(*np.moveaxis(image[..., :3], -1, 0)))
    return np.array([columns.min(), columns.max() + 1, rows.min(), rows.max() + 1]) / DPI


def count(image, is_it):
    return np.count_nonzero(is_it(*np.moveaxis(image[..., :3], -1, 0)))


def is_red(r, g, b):
    return (r > 0.98) & (g < 0.02) & (b < 0.02)


def is_blue(r, g, b):
    return (b > 0.98) & (r < 0.02) & (g < 0.02)


def is_green_writing(r, g, b):
    return (g > r + 0.3) & (g > b + 0.3)


def is_red_writing(r, g, b):
    return (r > g + 0.3) & (r > b + 0.3) & (r < 0.9)


def test_pictures_stand_in_a_grid_with_what_was_written_below(tmp_path):
    path = tmp_path / "sheet.png"
    written = {"greedy": ["a ball", "a cube", "a hat"], "beam": ["ball", "a cat", "a hat"]}
    truths = [["a ball", "ball"], ["a cube"], ["a hat"]]
    pictures = plain(RED, BLUE, (255, 0, 255))
    assert contact_sheet(path, "title", pictures, truths, written, columns=2) is None
    image = imread(path)
    red, blue = places(image, is_red), places(image, is_blue)
    for box in (red, blue):
        assert box[[1, 3]] - box[[0, 2]] == pytest.approx(sheets.SIDE, abs=0.03)
    assert red[0] == pytest.approx(0.1 + (sheets.CELL - sheets.SIDE) / 2, abs=0.02)
    assert blue - red == pytest.approx([sheets.CELL, sheets.CELL, 0, 0], abs=0.02)
    third = places(image, lambda r, g, b: (r > 0.98) & (b > 0.98) & (g < 0.02))
    assert third[0] == pytest.approx(red[0], abs=0.02)
    # Of what was written one is wrong: it stands below the blue picture, all others are green.
    wrong, right = places(image, is_red_writing), places(image, is_green_writing)
    assert blue[0] - 0.2 < wrong[0] < wrong[1] < blue[1] + 0.2
    assert blue[3] < wrong[2] < wrong[3] < third[2]
    assert right[0] < red[1]
    assert right[3] > third[3]


def test_ink_is_dark_and_nothing_is_said_to_be_nothing(tmp_path):
    path, dot, more = (tmp_path / f"{name}.png" for name in ("sheet", "dot", "more"))
    ink = np.full((1, 4, 4, 1), 255, np.uint8)
    assert contact_sheet(path, "t", ink, [["a"]], {}) is None
    assert contact_sheet(more, "t", ink, [["a"]], {"greedy": [""]}) is None
    assert contact_sheet(dot, "t", ink, [["a"]], {"greedy": ["."]}) is None
    dark = places(imread(path), lambda r, g, b: r + g + b == 0)
    assert dark[1] - dark[0] == pytest.approx(sheets.SIDE, abs=0.03)
    assert count(imread(path), is_red_writing) == 0
    assert count(imread(more), is_red_writing) > 1.3 * count(imread(dot), is_red_writing) > 0


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("woman lifting weights dark skin tone", ["woman lifting weights", "dark skin tone"]),
        ("", [""]),
        ("beam: " + "山" * 12, ["beam: " + "山" * 8, "山" * 4]),
    ],
)
def test_lines_are_as_wide_as_a_picture(text, lines):
    assert sheets._wrapped(text) == lines


def test_attention_lights_the_picture_up(tmp_path):
    path = tmp_path / "attention.png"
    weights = np.zeros((2, 4, 4))
    weights[0, 0, 3] = 0.5
    weights[1] = 1 / 16
    (picture,) = plain(RED)
    assert attention_sheet(path, "title", picture, ["top", "all"], weights) is None
    image = imread(path)[..., :3]
    whole = places(image, is_red)
    boxes = [slice(int(DPI * (whole[0] + i * sheets.CELL)), None) for i in range(3)]
    top, side = int(DPI * whole[2]), DPI
    shown = [image[top : top + side, box][:, :side, 0] for box in boxes]
    assert shown[0][5:-5, 5:-5].min() == 1
    assert shown[2][5:-5, 5:-5].min() == 1
    assert shown[1][side // 8, -side // 8] > 0.95
    assert shown[1][-side // 8, side // 8] == pytest.approx(1 - sheets.VEIL, abs=0.02)
    assert shown[1][side // 8, side // 8] == pytest.approx(1 - sheets.VEIL, abs=0.02)


def test_more_words_than_columns_go_on_below(tmp_path):
    path = tmp_path / "attention.png"
    (picture,) = plain(RED)
    assert attention_sheet(path, "t", picture, list("abcd"), np.ones((4, 2, 2)), columns=2) is None
    image = imread(path)
    box = places(image, is_red)
    assert count(image, is_red) / DPI**2 == pytest.approx(5 * sheets.SIDE**2, rel=0.06)
    assert box[1] - box[0] == pytest.approx(sheets.CELL + sheets.SIDE, abs=0.03)
    assert box[3] - box[2] == pytest.approx(3 * sheets.SIDE + 7 * sheets.LINE, abs=0.03)


@pytest.mark.parametrize(
    "weights", [np.ones((1, 4, 4)), np.ones((2, 16)), np.ones((2, 0, 4)), -np.ones((2, 4, 4)),
                np.full((2, 4, 4), np.nan)],
)  # fmt: skip
def test_weights_that_are_none_are_refused(tmp_path, weights):
    with pytest.raises(ValueError, match=r"give (\[T, h, w\]|those of a softmax)"):
        attention_sheet(tmp_path / "a.png", "t", plain(RED)[0], ["a", "b"], weights)


@pytest.mark.parametrize(
    ("number", "truths", "written"), [(0, [], {}), (1, [], {}), (1, [["a"]], {"x": ["a", "b"]})]
)
def test_one_truth_and_one_description_to_each(tmp_path, number, truths, written):
    with pytest.raises(ValueError, match="give one or more, and one of each to each"):
        contact_sheet(tmp_path / "a.png", "t", plain(*[RED] * number), truths, written)


def test_where_no_font_has_the_characters_nothing_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(matplotlib.font_manager, "findSystemFonts", list)
    monkeypatch.setattr(matplotlib.font_manager.fontManager, "ttflist", [])
    path = tmp_path / "sheet.png"
    drawn = contact_sheet(path, "t", plain(RED), [["帽"]], {"x": ["帽"]})
    attention = attention_sheet(path, "t", plain(RED)[0], ["帽"], np.ones((1, 2, 2)))
    assert drawn == attention
    assert drawn is not None
    assert drawn.startswith("sheet.png is not drawn: no font on this machine has these characters")
    assert not path.exists()
