"""A picture of a user's, read from a PNG file as a model knows pictures."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image

from rnnjax.data.emoji import on_white
from rnnjax.errors import DataError


def read_picture(path: str | os.PathLike[str], shape: tuple[int, int, int]) -> np.ndarray:
    """The pixels of a PNG file of any kind of colours, uint8 of the given shape.

    With three channels what is transparent is white. One channel is ink, so that the file has to be
    light on black, and what is transparent is black. Nothing is resized.

    Args:
        path: of the file.
        shape: height, width and channels, 1 or 3.

    Raises:
        DataError: it can't be read, is no PNG file, or is of another size.
    """
    height, width, channels = shape
    try:
        with Image.open(Path(path).expanduser(), formats=["PNG"]) as image:
            if image.size != (width, height):  # before anything is unpacked
                raise DataError(
                    f"{path} has {image.width} x {image.height} pixels, and the pictures that were "
                    f"learnt from {width} x {height}: give one of that size."
                )
            pixels = np.asarray(image.convert("RGBA"))
    except OSError as error:
        why = error.strerror or "it is no PNG file"
        raise DataError(f"{path} can't be read ({why}): name a PNG file.") from None
    except (SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path} can't be read ({error}): name another PNG file.") from None
    if channels == 3:
        return on_white(pixels)
    light = pixels[..., :3].mean(axis=-1, keepdims=True) * (pixels[..., 3:] / 255)
    return np.round(light).astype(np.uint8)
