"""Images as PNG files, read with care: grey ones, and colours with alpha."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from rnnjax.data.reading import UnusableError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LENGTH_AND_TYPE = struct.Struct(">I4s")
_CHECKSUM = struct.Struct(">I")
_HEADER = struct.Struct(">IIBBBBB")
_COLOURS = {0: "grey", 2: "RGB", 3: "a palette", 4: "grey with alpha", 6: "RGB with alpha"}
_GREY, _RGBA = 0, 6
_CHANNELS = {_GREY: 1, _RGBA: 4}


def grey_png(pixels: np.ndarray) -> io.BytesIO:
    """Returns a PNG file of grey pixels, uint8 ``[height, width]``, to be read from its start."""
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, format="PNG")
    png.seek(0)
    return png


def read_grey_png(png: bytes, height: int, width: int) -> np.ndarray:
    """Returns the pixels of a PNG file of one byte each, uint8 ``[height, width]``.

    What the header announces is checked before anything is decoded, and then that there are pixels
    for all of it: Pillow takes rows that are missing for black ones.

    Args:
        png: The whole file.
        height: Number of rows that it must have.
        width: Number of columns that it must have.

    Raises:
        UnusableError: It is another kind of image, of another size, or not whole.
    """
    return _read_png(png, height, width, _GREY)


def read_rgba_png(png: bytes, height: int, width: int) -> np.ndarray:
    """Likewise of red, green, blue and alpha, uint8 ``[height, width, 4]``."""
    return _read_png(png, height, width, _RGBA)


def _read_png(png: bytes, height: int, width: int, wanted: int) -> np.ndarray:
    chunks = list(_chunks(png))
    if not chunks or chunks[0][0] != b"IHDR" or len(chunks[0][1]) != _HEADER.size:
        raise UnusableError("the PNG has no header")
    if sum(name == b"IHDR" for name, _ in chunks) > 1:
        raise UnusableError("the PNG has more than one header")
    header = chunks[0][1]
    columns, rows, bits, colour, _, _, interlaced = _HEADER.unpack(header)
    if (rows, columns) != (height, width):
        raise UnusableError(f"the image has {columns:,} x {rows:,} pixels, not {width} x {height}")
    if (bits, colour, interlaced) != (8, wanted, 0):
        kind = f"{_COLOURS.get(colour, 'unknown colours')}, {bits} bits"
        raise UnusableError(
            f"the image is {kind}{', interlaced' if interlaced else ''}, where "
            f"{_COLOURS[wanted]} of 8 bits, row by row, was expected"
        )
    compressed = b"".join(contents for name, contents in chunks if name == b"IDAT")
    announced = height * (1 + _CHANNELS[wanted] * width)  # a byte for the filter of each row
    inflater = zlib.decompressobj()
    try:
        size = len(inflater.decompress(compressed, announced + 1))
    except zlib.error as error:
        raise UnusableError(f"the pixels of the image cannot be unpacked ({error})") from error
    if size != announced or not inflater.eof:
        raise UnusableError("the image does not have as many pixels as it announces")
    # Nothing else is handed on: texts and colour profiles are of no use, and may be anything.
    plain = _SIGNATURE + b"".join(
        _chunk(*chunk) for chunk in ((b"IHDR", header), (b"IDAT", compressed), (b"IEND", b""))
    )
    try:
        with Image.open(io.BytesIO(plain), formats=["PNG"]) as image:
            return np.asarray(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise UnusableError(f"the image cannot be decoded ({error})") from error


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields type and contents of the parts of a PNG file, up to its end."""
    if not png.startswith(_SIGNATURE):
        raise UnusableError("the image is no PNG")
    start = len(_SIGNATURE)
    while True:
        contents = start + _LENGTH_AND_TYPE.size
        if contents > len(png):
            raise UnusableError("the PNG is cut off")
        length, name = _LENGTH_AND_TYPE.unpack_from(png, start)
        start = contents + length + _CHECKSUM.size
        if start > len(png):
            raise UnusableError("the PNG is cut off")
        (checksum,) = _CHECKSUM.unpack_from(png, contents + length)
        if checksum != zlib.crc32(png[contents - 4 : contents + length]):
            raise UnusableError("the PNG fails a checksum")
        if name == b"IEND":
            return
        yield name, png[contents : contents + length]


def _chunk(name: bytes, contents: bytes) -> bytes:
    checksum = _CHECKSUM.pack(zlib.crc32(name + contents))
    return _LENGTH_AND_TYPE.pack(len(contents), name) + contents + checksum
