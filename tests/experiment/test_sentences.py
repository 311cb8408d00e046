"""Sentences from standard input, as they come."""

import io
import os
import threading

import pytest

from rnnjax.errors import UsageError
from rnnjax.experiment.sentences import AT_ONCE, LONGEST, checked, from_lines, judge
from rnnjax.experiment.terminal import PlainConsole


def read(content):
    return [
        sentence for batch in from_lines(io.BytesIO(content), "--predict") for sentence in batch
    ]


@pytest.mark.parametrize(
    ("content", "sentences"),
    [
        (b"good\nbad\n", ["good", "bad"]),
        (b"good\nbad", ["good", "bad"]),
        (b"good\r\nbad\r\n", ["good\r", "bad\r"]),
        (b"\n\ngood\n  \t\n\r\n\nbad\n\n", ["good", "bad"]),
        (b"\xef\xbb\xbfgood\nbad\n", ["good", "bad"]),
        (b"\xef\xbb\xbf\ngood\n", ["good"]),
        ("süß\u2028x\x85y\n".encode(), ["süß\u2028x\x85y"]),
        (b"see [/spoiler] he :smile: dies\n", ["see [/spoiler] he :smile: dies"]),
    ],
)
def test_each_line_is_a_sentence(content, sentences):
    assert [s.rstrip("\r") for s in read(content)] == [s.rstrip("\r") for s in sentences]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "there is nothing to judge"),
        (b"\n \r\n\n", "there is nothing to judge"),
        (b"good\n\n\xff\xfe\nbad\n", "line 3: The sentence holds bytes that are not UTF-8"),
        (b"good\n...\n", "line 2: The sentence '...' holds no word"),
        (b"good\nb\x00ad\n", "line 2: The sentence holds the control character"),
        ("good\n".encode("utf-16"), "line 1: The sentence holds bytes that are not UTF-8"),
        (b"x" * (LONGEST + 2**17), f"line 1 is longer than {LONGEST:,} bytes"),
    ],
)
def test_what_is_no_sentence_is_refused_with_its_line(content, message):
    given = []
    stream = from_lines(io.BytesIO(content), "--predict")
    with pytest.raises(UsageError) as error:
        given.extend(iter(stream))
    assert str(error.value).startswith(f"--predict: {message}")
    assert "\n" not in str(error.value)
    assert given == ([["good"]] if content.startswith(b"good\n") else [])


def test_a_byte_order_mark_is_no_letter_of_the_first_word():
    assert checked("\ufeffgood", "--predict") == "good"
    assert checked("go\ufeffod", "--predict") == "go\ufeffod"


def test_never_more_than_a_few_at_a_time():
    class Endless(io.RawIOBase):
        given = 0

        def readinto(self, buffer):
            self.given += 1
            buffer[:5] = b"good\n"
            return 5

        def readable(self):
            return True

    source = Endless()
    stream = from_lines(io.BufferedReader(source), "--predict")
    assert next(stream)
    assert source.given < 20_000
    many = from_lines(io.BytesIO(b"good\n" * 1000), "--predict")
    assert {len(batch) for batch in many} <= {AT_ONCE, 1000 % AT_ONCE}


def test_an_answer_does_not_wait_for_the_next_line():
    reader, writer = os.pipe()
    answered = threading.Event()
    with open(reader, "rb") as stream, open(writer, "wb", buffering=0) as pipe:

        def ask():
            pipe.write(b"good\n")
            assert answered.wait(30)
            pipe.write(b"bad\nbet")
            pipe.write(b"ter\n")
            pipe.close()

        asking = threading.Thread(target=ask)
        asking.start()
        batches = from_lines(stream, "--predict")
        assert next(batches) == ["good"]
        answered.set()
        assert [s for batch in batches for s in batch] == ["bad", "better"]
        asking.join()


def test_a_stream_that_cannot_be_read_is_told():
    class Folder(io.BytesIO):
        def read1(self, size=-1):
            raise IsADirectoryError(21, "Is a directory")

    with pytest.raises(UsageError, match=r"standard input can't be read \(Is a directory\)"):
        list(from_lines(Folder(), "--predict"))


def test_every_answer_is_a_line_with_the_sentence_as_it_is():
    shown = io.StringIO()
    console = PlainConsole(file=shown, width=80)
    long = "see [/spoiler] he :smile: dies " * 20
    judge(console, [["a", long], ["b"]], lambda s: [0.9, 0.2][: len(s)], ("bad", "good"))
    lines = shown.getvalue().splitlines()
    assert lines == [
        "good          90.0%  a",
        f"bad           80.0%  {long}",
        "good          90.0%  b",
    ]
