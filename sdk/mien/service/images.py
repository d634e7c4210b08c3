"""Encoded images from strangers, decoded within limits."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError

__all__ = ["decode_image", "encode_image"]

_FORMATS = ("JPEG", "PNG", "WEBP")


def decode_image(data: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """(H, W, 3) RGB of a JPEG, PNG or WebP file.

    Raises InputError for other formats, damaged files and more than `max_pixels`: the size is
    looked at before anything is decoded.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise InputError(
                    f"image of {width} x {height} pixels, at most {max_pixels} pixels are taken"
                )
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as reason:
        raise InputError(
            f"{len(data)} bytes that are no {' or '.join(_FORMATS)} image: {reason}"
        ) from None


def encode_image(image: NDArray[np.uint8], quality: int = 92) -> bytes:
    """(H, W, 3) RGB as a JPEG file, for the wire; `quality` from 1 to 95."""
    from PIL import Image

    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise InputError(
            f"encode_image: {image.dtype} of shape {image.shape}, expected uint8 (H, W, 3)"
        )
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
