"""Encoded images from clients, decoded within limits."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from mien.budget import Budget
from mien.errors import InputError

__all__ = ["decoded_image", "encode_image"]

_FORMATS = ("JPEG", "PNG", "WEBP")
_BYTES_PER_PIXEL = 8
"""While an image is decoded: up to 4 in the decoder, up to 4 as RGB."""


@contextmanager
def decoded_image(
    data: bytes, max_pixels: int, budget: Budget | None = None
) -> Iterator[NDArray[np.uint8]]:
    """(H, W, 3) RGB of a JPEG, PNG or WebP file, charged to `budget` for the length of the block.

    Raises InputError for other formats, damaged files and more than `max_pixels`, and what the
    budget raises: the size is looked at before anything is decoded.
    """
    from PIL import Image

    charged = 0
    try:
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                width, height = image.size
                what = f"image of {width} x {height} pixels"
                if width * height > max_pixels:
                    raise InputError(f"{what}, at most {max_pixels} pixels are taken")
                if budget is not None:
                    budget.spend(_BYTES_PER_PIXEL * width * height, what)
                    charged = _BYTES_PER_PIXEL * width * height
                pixels = np.asarray(image.convert("RGB"))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as reason:
            raise InputError(
                f"{len(data)} bytes that are not a valid {' or '.join(_FORMATS)} image: {reason}"
            ) from None
        yield pixels
    finally:
        if budget is not None:
            budget.release(charged)


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
