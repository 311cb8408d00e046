from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rnnjax.data.png import grey_png, read_grey_png, read_rgba_png
from rnnjax.data.reading import UnusableError
from tests.data.damage import little_memory

PIXELS = np.random.default_rng(0).integers(0, 256, (28, 28)).astype(np.uint8)
ROWS = b"".join(b"\0" + row.tobytes() for row in PIXELS)


def chunk(name: bytes, contents: bytes) -> bytes:
    return (
        struct.pack(">I", len(contents))
        + name
        + contents
        + struct.pack(">I", zlib.crc32(name + contents))
    )


def png(
    rows: bytes = ROWS,
    size: tuple[int, int] = (28, 28),
    *,
    bits: int = 8,
    colour: int = 0,
    interlaced: int = 0,
    more: bytes = b"",
) -> bytes:
    """A PNG file written out by hand from its description."""
    header = struct.pack(">IIBBBBB", *size, bits, colour, 0, 0, interlaced)
    parts = chunk(b"IHDR", header) + more + chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IEND", b"")


def saved(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format=file_format, **options)
    return file.getvalue()


GREY = Image.fromarray(PIXELS)
WHOLE = {
    "by hand": png(),
    "by Pillow": saved(GREY),
    "for preparing": grey_png(PIXELS).read(),
    "with a text": png(more=chunk(b"tEXt", b"Title\0A digit")),
    "with a text that is a bomb": png(more=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**26)))),
    "with a broken colour profile": png(more=chunk(b"iCCP", b"\xff")),
    "said to be animated": png(more=chunk(b"acTL", b"\xff" * 8)),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_grey_pixels_are_read(kind: str) -> None:
    with little_memory(2**20):
        pixels = read_grey_png(WHOLE[kind], 28, 28)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, PIXELS)


HUGE = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
OTHERS = {
    "palette": (saved(GREY.convert("P")), "a palette, 8 bits, where grey of 8 bits"),
    "palette of four": (saved(GREY.quantize(4), bits=2), "a palette, 2 bits"),
    "black and white": (saved(GREY.convert("1")), "grey, 1 bits"),
    "four bits": (png(bytes(15 * 28), bits=4), "grey, 4 bits"),
    "sixteen bits": (saved(Image.fromarray(PIXELS.astype(np.uint16) * 257)), "grey, 16 bits"),
    "alpha": (saved(GREY.convert("LA")), "grey with alpha"),
    "colours": (saved(GREY.convert("RGB")), "RGB, 8 bits"),
    "unknown colours": (png(colour=5), "unknown colours"),
    "interlaced": (png(interlaced=1), "grey, 8 bits, interlaced"),
    "bomb": (png(size=(20_000, 20_000)), "20,000 x 20,000 pixels, not 28 x 28"),
    "bomb of rows": (png(bytes(2**26)), "does not have as many pixels as it announces"),
    "bomb behind a header": (png(more=chunk(b"IHDR", HUGE)), "more than one header"),
    "lying": (png(size=(27, 28)), "27 x 28 pixels, not 28 x 28"),
    "no size": (png(size=(0, 0)), "0 x 0 pixels"),
    "no rows": (png(b""), "does not have as many pixels"),
    "ten rows": (png(ROWS[: 29 * 10]), "does not have as many pixels"),
    "a row too many": (png(ROWS + bytes(29)), "does not have as many pixels"),
    "unknown filter": (png(b"\x09" + ROWS[1:]), "cannot be decoded"),
    "broken off": (png()[:-20], "is cut off"),
    "no end": (png()[:-12], "is cut off"),
    "no pixels": (png()[:33] + chunk(b"IEND", b""), "does not have as many pixels"),
    "nonsense for pixels": (png()[:33] + chunk(b"IDAT", b"xyz") + chunk(b"IEND", b""), "unpacked"),
    "flipped bit": (png()[:50] + bytes([png()[50] ^ 1]) + png()[51:], "fails a checksum"),
    "no header": (png()[:8] + png()[33:], "has no header"),
    "short header": (png()[:8] + chunk(b"IHDR", b"") + png()[33:], "has no header"),
    "huge part": (png()[:8] + b"\xff" * 8 + png()[16:], "is cut off"),
    "jpeg": (saved(GREY, "JPEG"), "is no PNG"),
    "nothing": (b"", "is no PNG"),
    "signature": (png()[:8], "is cut off"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_another_image_is_refused_before_it_is_decoded(kind: str) -> None:
    contents, message = OTHERS[kind]
    with little_memory(2**20), pytest.raises(UnusableError, match=message):
        read_grey_png(contents, 28, 28)


COLOURS = np.random.default_rng(1).integers(0, 256, (5, 7, 4)).astype(np.uint8)


def test_colours_are_read_with_their_alpha() -> None:
    pixels = read_rgba_png(saved(Image.fromarray(COLOURS)), 5, 7)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, COLOURS)


def test_colours_without_alpha_or_with_too_few_rows_are_refused() -> None:
    opaque = saved(Image.fromarray(COLOURS[..., :3]))
    with pytest.raises(UnusableError, match="is RGB, 8 bits, where RGB with alpha of 8 bits"):
        read_rgba_png(opaque, 5, 7)
    with pytest.raises(UnusableError, match="grey, 8 bits, where RGB with alpha"):
        read_rgba_png(png(), 28, 28)
    rows = b"".join(b"\0" + row.tobytes() for row in COLOURS[:4])
    with pytest.raises(UnusableError, match="as many pixels as it announces"):
        read_rgba_png(png(rows, (7, 5), colour=6), 5, 7)
