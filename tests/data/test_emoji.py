"""Sheets of emoji as small as they can be, and what is refused of them."""

from __future__ import annotations

import dataclasses
import hashlib
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rnnjax.data import description_tasks, emoji, scenes
from rnnjax.data.source import RemoteFile
from rnnjax.errors import DataError, DataUnavailableError

CELLS = 4
HEADER = "unified\tsheet_x\tsheet_y\tgroup\tsubgroup\tname_en\tname_zh\tsplit\n"
NAMES = {
    "train": [
        "Red hat", "red: BALL", "red sock", "blue hat", "blue ball", "Green hat", "green ball",
        "green sock", "sock_hat",
    ],
    "validation": ["blue sock", "green hat sock"],
    "test": ["red-hat ball", "red hat", "blue gloves", "sock hat"],
}  # fmt: skip


def codes():
    """Code points of each part in turn."""
    found = {part: [] for part in NAMES}
    for number in range(0x1F300, 0x1F400):
        found[emoji.part_of(f"{number:X}")].append(f"{number:X}")
    return found


def make_table():
    rows, unified = [], codes()
    for part, names in NAMES.items():
        for i, name in enumerate(names):
            place = len(rows)
            chinese = f"帽: {name[0]}"
            where = f"{place % CELLS}\t{place // CELLS}"
            rows.append(f"{unified[part][i]}\t{where}\tg\ts\t{name}\t{chinese}\t{part}\n")
    return (HEADER + "".join(rows)).encode()


def make_sheet(seed):
    rng = np.random.default_rng(seed)
    side = 34 * CELLS
    pixels = rng.integers(0, 256, (side, side, 4)).astype(np.uint8)
    pixels[..., 3] = rng.choice([0, 77, 255], (side, side))
    return pixels


def as_png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


SHEETS = {"google": make_sheet(0), "twitter": make_sheet(1)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "emoji"
    folder.mkdir()
    contents = {f"{hand}-32.png": as_png(pixels) for hand, pixels in SHEETS.items()}
    contents["emoji.tsv"] = make_table()
    files = []
    for name, data in contents.items():
        (folder / name).write_bytes(data)
        files.append(RemoteFile(name, len(data), hashlib.sha256(data).hexdigest()))
    source = dataclasses.replace(emoji.EMOJI, files=tuple(files))
    monkeypatch.setattr(emoji, "EMOJI", source)
    return folder


def cell(hand, place):
    """One picture, worked out in another way: by fractions, rounded at the end."""
    row, column = divmod(place, CELLS)
    rgba = SHEETS[hand][34 * row + 1 : 34 * row + 33, 34 * column + 1 : 34 * column + 33] / 255
    alpha = rgba[..., 3:]
    return np.floor(255 * (rgba[..., :3] * alpha + 1 - alpha) + 0.5 - 1e-9).astype(np.uint8)


def texts(part):
    return [text for (text,) in part.descriptions]


def test_pictures_lie_on_white_beside_their_names(folder):
    data = description_tasks.load("emoji", folder.parent)
    assert (data.name, data.warning) == ("emoji", None)
    assert data.origin == f"the original files in {folder}"
    assert texts(data.train)[:2] == ["red hat", "red ball"]
    assert texts(data.train)[-1] == "sock hat"
    assert texts(data.validation) == ["blue sock", "green hat sock"]
    shown = np.concatenate([data.train.pictures, data.validation.pictures, data.test.pictures])
    assert shown.dtype == np.uint8
    expected = [cell("google", place) for place in range(15)]
    np.testing.assert_array_equal(shown, expected)


def test_every_licence_is_told(folder):
    told = description_tasks.load("emoji", folder).described()
    for licence in ("Noto Emoji) Apache 2.0", "Twemoji) CC BY 4.0", "Unicode License v3", "MIT"):
        assert licence in told
    assert "9 to train, 2 to validate, 4 to test, 1 of unseen combinations; 32 x 32" in told


def test_unseen_combinations_are_of_known_words(folder):
    data = description_tasks.load("emoji", folder)
    unseen = data.tests[emoji.UNSEEN_COMBINATIONS]
    # "red hat" and "sock hat" are known, of gloves nothing is.
    assert texts(unseen) == ["red hat ball"]
    np.testing.assert_array_equal(unseen.pictures, [cell("google", 11)])


def test_a_word_has_to_be_in_enough_names():
    asked = ["a b", "b a", "a", "a c", "a a"]
    training = ["a b", "a", "a d", "b", "b b e", "c", "c c c"]
    found = emoji.unseen_combinations(asked, training)
    assert found.tolist() == [False, True, False, False, True]


def test_both_hands_and_one_of_them(folder):
    both, twitter = (description_tasks.load("emoji", folder, style=s) for s in ("both", "twitter"))
    assert texts(both.train) == 2 * texts(twitter.train)
    assert texts(both.tests[emoji.UNSEEN_COMBINATIONS]) == 2 * ["red hat ball"]
    np.testing.assert_array_equal(both.test.pictures[4:], twitter.test.pictures)
    np.testing.assert_array_equal(both.test.pictures[0], cell("google", 11))
    np.testing.assert_array_equal(twitter.test.pictures[0], cell("twitter", 11))


def test_a_known_thing_in_an_unknown_hand(folder):
    data = description_tasks.load("emoji", folder, style="unknown_hand")
    twitter = description_tasks.load("emoji", folder, style="twitter")
    google = [cell("google", place) for place in range(15)]
    np.testing.assert_array_equal(data.train.pictures[:15], google)
    np.testing.assert_array_equal(data.train.pictures[15:], twitter.train.pictures)
    for part in ("validation", "test"):
        np.testing.assert_array_equal(getattr(data, part).pictures, getattr(twitter, part).pictures)
        assert set(texts(getattr(data, part))) <= set(texts(data.train))
    assert data.tests == {}


def test_chinese_is_written_sign_by_sign(folder):
    data = description_tasks.load("emoji", folder, language="chinese")
    assert texts(data.train)[0] == "帽 : ␣ R"
    assert emoji.as_name(texts(data.train)[0], "chinese") == "帽: R"
    assert data.words[0] == ":"


def test_other_contents_are_refused(folder):
    path = folder / "google-32.png"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DataError, match=r"google-32\.png is not the published file.*--data_dir"):
        description_tasks.load("emoji", folder)
    path.unlink()
    with pytest.raises(DataError, match=r"lacks google-32\.png of emoji; put all of its files"):
        description_tasks.load("auto", folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: as_png(p[:-1]), "136 x 135 pixels, not 136 x 136"),
        (lambda p: as_png(p[..., :3]), "is RGB, 8 bits"),
        (lambda p: as_png(p)[:-30], "cut off"),
    ],
)
def test_another_sheet_is_refused(change, message):
    table = emoji.table(make_table())
    with pytest.raises(DataError, match=rf"b\.png of the emoji is damaged: .*{message}"):
        emoji.pictures(change(SHEETS["google"]), table, "b.png")


TABLE = make_table().decode()
OTHER_TABLES: dict[str, tuple[bytes, str]] = {
    "no UTF-8": (b"\xff", "can't be read"),
    "nothing": (b"", "none to train"),
    "no header": (TABLE.partition("\n")[2].encode(), "can't be read"),
    "no number": (TABLE.replace("\t0\t0\t", "\tx\t0\t").encode(), "can't be read"),
    "cut off": (TABLE[:-14].encode(), "can't be read|another part"),
    "another part": (TABLE.replace("validation", "train").encode(), "line 11 has it in another"),
    "outside": (TABLE.replace("\t0\t0\t", "\t-1\t0\t").encode(), "line 2 has no place"),
    "no words": (TABLE.replace("Red hat", "-_-").encode(), "line 2 has no place .* or no name"),
    "one part": (HEADER.encode() + TABLE.encode().splitlines(True)[1], "none to train, to val"),
}


@pytest.mark.parametrize("kind", OTHER_TABLES)
def test_another_table_is_refused(kind):
    contents, message = OTHER_TABLES[kind]
    with pytest.raises(DataError, match=f"The table of emoji is damaged: .*({message})"):
        emoji.table(contents)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"dataset": "flickr"}, "no data set 'flickr'; take one of auto, emoji, mnist_scenes, sev"),
        ({"style": "apple"}, "no style 'apple' of emoji; take one of google, twitter, both, unkn"),
        ({"language": "dutch"}, "no language 'dutch' of emoji; take one of english, chinese"),
        ({"dataset": "seven_segments", "style": "both"}, "of which seven_segments has none"),
        ({"dataset": "mnist_scenes", "language": "chinese"}, "of which mnist_scenes has none"),
    ],
)
def test_what_there_is_not_is_told(wanted: dict[str, Any], message):
    with pytest.raises(DataError, match=message):
        description_tasks.load(**wanted)


def test_scenes_stand_in_loudly_where_there_are_no_emoji(tmp_path, monkeypatch):
    sizes = {"train": 9, "validation": 3, "test": 3, scenes.UNSEEN_PAIRS: 3}
    monkeypatch.setattr(scenes, "SIZES", sizes)
    monkeypatch.setattr(scenes, "STAND_IN_DIGITS", {"train": 1200, "test": 100})
    data = description_tasks.load("auto")
    assert data.name == "seven_segments"
    assert data.warning is not None
    assert data.warning.startswith("NO EMOJI ARE USED: scenes of seven-segment digits that")
    assert "emoji is not in " in data.warning
    assert description_tasks.load("seven_segments").warning is None
    for dataset, data_dir in (("emoji", None), ("auto", tmp_path)):
        with pytest.raises(DataUnavailableError, match=r"emoji is not in .*emoji-datasource 16"):
            description_tasks.load(dataset, data_dir)
