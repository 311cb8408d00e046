"""Drawings as paths of an SVG, and as pictures."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest

from rnnjax.reports.drawings import (
    CELL,
    COLOURS,
    HEAD,
    LABEL,
    MARGIN,
    Drawn,
    density_map,
    lines_of,
    write_grid,
)  # fmt: skip

OFFSETS = np.array([[1.0, 0], [2, 0], [0, 5], [1, 1], [0, 1]])
LIFTED = np.array([False, True, False, False, False])


def test_a_stroke_changes_its_colour_where_the_model_goes_on():
    found = lines_of(Drawn(OFFSETS, LIFTED, given=4))
    assert [line.is_given for line in found] == [True, True, False]
    assert [line.points.tolist() for line in found] == [
        [[1, 0], [3, 0]], [[3, 5], [4, 6]], [[4, 6], [4, 7]],
    ]  # fmt: skip
    whole = lines_of(Drawn(OFFSETS, LIFTED, given=2))
    assert [line.is_given for line in whole] == [True, False]
    assert [line.is_given for line in lines_of(Drawn(OFFSETS, LIFTED, given=5))] == [True, True]


def test_an_svg_has_a_path_for_each_line_within_the_drawings_cell(tmp_path):
    path = tmp_path / "drawn.svg"
    write_grid(
        path, "a < b", [[Drawn(OFFSETS, LIFTED)], [Drawn(OFFSETS[:0], LIFTED[:0])] * 2], "xy"
    )
    root = ET.parse(path).getroot()
    name = "{http://www.w3.org/2000/svg}"
    paths = root.findall(f".//{name}path")
    assert {p.get("stroke") for p in paths} == {COLOURS[False]}
    assert [text.text for text in root.iter(f"{name}text")] == ["a < b", "x", "y"]
    places = [
        [[float(n) for n in pair.split(",")] for pair in line[1:].replace("L", "").split()]
        for line in (str(p.get("d")) for p in paths)
    ]
    assert [len(own) for own in places] == [2, 3]
    every = np.concatenate(places)
    # Seven high and three wide: as high as the cell allows, and in the middle of it.
    np.testing.assert_allclose(every[:, 1].min(), HEAD + MARGIN, atol=0.01)
    np.testing.assert_allclose(every[:, 1].max(), HEAD + CELL - MARGIN, atol=0.01)
    middle = (every[:, 0].min() + every[:, 0].max()) / 2
    np.testing.assert_allclose(middle, LABEL + CELL / 2, atol=0.01)


def test_pictures_are_drawn_and_other_files_refused(tmp_path):
    row = [Drawn(OFFSETS, LIFTED, 2), Drawn(OFFSETS[:1], LIFTED[:1])]
    write_grid(tmp_path / "drawn.PNG", "title", [row], ["some"])
    density_map(
        tmp_path / "density.png", "title", np.outer(np.arange(4.0), np.arange(3.0)), (0, 6, -1, 8),
        row[0],
    )  # fmt: skip
    for path in tmp_path.iterdir():
        assert path.read_bytes()[:4] == b"\x89PNG"
    for name, labels in (("drawn.pdf", ["some"]), ("drawn.svg", [])):
        with pytest.raises(ValueError, match=r"ends in .svg or .png, and a label"):
            write_grid(tmp_path / name, "title", [row], labels)
