"""The page and the files beside it."""

import base64
import csv
import html.parser
import io

from matplotlib.figure import Figure as Drawing
from PIL import Image
from rich.console import Console

from experiments.comparison import page
from experiments.comparison.answer import Answer, Figure, Table
from experiments.comparison.markdown import write_markdown
from rnnjax.analysis.bootstrap import mean_over_seeds


class Reader(html.parser.HTMLParser):
    """Keeps every tag with its attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def answer():
    drawing = Drawing(figsize=(2, 1))
    drawing.subplots().plot([1, 2], [3, 4])
    rows = [("<gru>", 1234567, 0.00012345, mean_over_seeds([0.5, 0.7])), ("[b]x", 2, None, None)]
    return Answer(
        "A & B?", "Which <one>?", ["It is A & not B."],
        [Table("rates", "All of <them>", ("cell", "n", "rate", "accuracy"), rows, {"rate": ".2g"})],
        [Figure("lines", drawing, 'a line that "rises"', "It rises.")],
    )  # fmt: skip


def test_the_page_holds_everything_and_needs_nothing(tmp_path):
    page.write_page(tmp_path, answer(), {"command": "a <b>"}, unfinished="2 to come")
    text = (tmp_path / "index.html").read_text()
    reader = Reader(text)
    assert reader.open == []
    said = " ".join(reader.text)
    for part in ("A & B?", "Which <one>?", "It is A & not B.", "<gru>", "1,234,567", "0.00012",
                 "a <b>", "2 to come", "It rises."):  # fmt: skip
        assert part in said
    assert "0.6000 [-0.6706, 1.8706]" in said
    (image,) = [attributes for tag, attributes in reader.tags if tag == "img"]
    assert image["alt"] == 'a line that "rises"'
    kind, _, data = image["src"].partition(",")
    assert kind == "data:image/png;base64"
    picture = base64.b64decode(data)
    assert Image.open(io.BytesIO(picture)).size == (300, 150)
    assert (tmp_path / "lines.png").read_bytes() == picture
    assert not {tag for tag, _ in reader.tags} & {"script", "link", "iframe"}
    assert "http" not in text
    assert "prefers-color-scheme: dark" in text
    links = {attributes["href"] for tag, attributes in reader.tags if tag == "a"}
    assert links == {"rates.csv"}

    page.write_page(tmp_path, answer(), {})
    assert "2 to come" not in (tmp_path / "index.html").read_text()


def test_the_csv_has_every_digit_and_the_intervals_in_columns(tmp_path):
    page.write_page(tmp_path, answer(), {})
    head, first, second = csv.reader(io.StringIO((tmp_path / "rates.csv").read_text()))
    assert head == ["cell", "n", "rate", "accuracy", "accuracy low", "accuracy high"]
    assert first[:3] == ["<gru>", "1234567", "0.00012345"]
    assert [round(float(x), 4) for x in first[3:]] == [0.6, -0.6706, 1.8706]
    assert second == ["[b]x", "2", "", "", "", ""]


def test_the_terminal_shows_the_same():
    file = io.StringIO()
    page.print_answer(Console(file=file, width=120), answer())
    said = file.getvalue()
    wanted = (
        "Which <one>?",
        "- It is A & not B.",
        "<gru>",
        "[b]x",
        "1,234,567",
        " 0.6000 ",
        "[-0.6706, 1.8706]",
    )
    for part in wanted:
        assert part in said


def test_markdown_says_the_same(tmp_path):
    write_markdown(tmp_path, answer(), {"command": "python a|b", "seeds": "2_3"})
    lines = (tmp_path / "answer.md").read_text().splitlines()
    assert lines[0] == "## A & B?"
    assert "*Which \\<one\\>?*" in lines
    assert "- It is A & not B." in lines
    head = lines.index("| cell | n | rate | accuracy |")
    assert lines[head + 1 : head + 4] == [
        "| --- | --: | --: | --: |",
        "| \\<gru\\> | 1,234,567 | 0.00012 | 0.6000 \\[-0.6706, 1.8706\\] |",
        "| \\[b\\]x | 2 |  |  |",
    ]
    assert '![a line that "rises"](lines.png)' in lines
    assert "python a|b" in lines
    assert "seeds: 2\\_3" in lines
