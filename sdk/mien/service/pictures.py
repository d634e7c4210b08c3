"""Encoded pictures from strangers, decoded within limits."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError

__all__ = ["decode_picture"]

_FORMATS = ("JPEG", "PNG", "WEBP")


def decode_picture(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """(H, W, 3) RGB of a JPEG, PNG or WebP file.

    Raises InputError for other formats, damaged files and more than `max_pixels`: the size is
    looked at before anything is decoded.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise InputError(
                    f"picture of {width} x {height} pixels, at most {max_pixels} pixels are taken"
                )
            return np.asarray(picture.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as reason:
        raise InputError(
            f"{len(data)} bytes that are no {' or '.join(_FORMATS)} picture: {reason}"
        ) from None
