"""A user's picture, whatever its colours; what can't be read is said in a sentence."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from rnnjax.data.picture_file import read_picture
from rnnjax.errors import DataError


def saved(path, pixels):
    Image.fromarray(pixels).save(path)
    return path


def test_colours_lie_on_white_and_ink_on_black(tmp_path):
    rgba = np.array([[[255, 0, 0, 255], [10, 20, 30, 0]]], np.uint8)
    path = saved(tmp_path / "a.png", rgba)
    assert read_picture(path, (1, 2, 3)).tolist() == [[[255, 0, 0], [255, 255, 255]]]
    grey = np.array([[0, 7, 255]], np.uint8)
    path = saved(tmp_path / "b.png", grey)
    assert read_picture(path, (1, 3, 1)).tolist() == [[[0], [7], [255]]]
    assert read_picture(path, (1, 3, 3)).tolist() == [[[n] * 3 for n in (0, 7, 255)]]
    clear = np.array([[[255, 255, 255, 0]]], np.uint8)
    assert read_picture(saved(tmp_path / "c.png", clear), (1, 1, 1)).tolist() == [[[0]]]


def test_what_is_none_is_refused(tmp_path):
    path = saved(tmp_path / "a.png", np.zeros((4, 5), np.uint8))
    with pytest.raises(DataError, match=r"has 5 x 4 pixels, and .* 32 x 32: give one of that size"):
        read_picture(path, (32, 32, 3))
    with pytest.raises(DataError, match="No such file"):
        read_picture(tmp_path / "none.png", (4, 5, 1))
    (tmp_path / "text.png").write_text("words")
    with pytest.raises(DataError, match="it is no PNG file"):
        read_picture(tmp_path / "text.png", (4, 5, 1))
    whole = path.read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"half\.png can't be read"):
        read_picture(tmp_path / "half.png", (4, 5, 1))
