"""The pixels of an embedded PNG or JPEG, decoded within a budget."""

from __future__ import annotations

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from mien.budget import Budget
from mien.errors import InputError

__all__ = ["pixels_only", "read_texture"]

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_STRIP = 64
_DECODER_BYTES = {"PNG": 4, "JPEG": 12}
"""What Pillow holds per pixel while it decodes; a progressive JPEG's coefficients come on top."""


def read_texture(data: bytes | memoryview, where: str, budget: Budget) -> NDArray[np.uint8]:
    """(H, W, 3) or (H, W, 4) sRGB pixels, row 0 at the top.

    The size that the header declares is charged to `budget` (bytes) before anything is decoded;
    what remains charged is the array returned. Raises InputError, naming `where`, for anything
    but a whole PNG or JPEG.
    """
    encoded = pixels_only(data) if data[:8] == _PNG else bytes(data)
    try:
        with Image.open(io.BytesIO(encoded), formats=("PNG", "JPEG")) as opened:
            width, height = opened.size
            mode = "RGBA" if "A" in opened.mode or "transparency" in opened.info else "RGB"
            decoder = _DECODER_BYTES[opened.format or "JPEG"] * width * height
            size = f"{where}: {width} x {height} pixels"
            budget.spend(len(mode) * width * height + decoder, size)
            pixels = np.empty((height, width, len(mode)), np.uint8)
            for top in range(0, height, _STRIP):  # converted whole, it would be held three times
                strip = opened.crop((0, top, width, min(top + _STRIP, height)))
                pixels[top : top + _STRIP] = np.asarray(strip.convert(mode))
    except InputError:
        raise
    except UnidentifiedImageError:  # its message is the address of the stream
        raise InputError(f"{where}: is not a readable PNG or JPEG") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, struct.error) as reason:
        raise InputError(f"{where}: is not a readable PNG or JPEG: {reason}") from None
    budget.release(decoder)
    return pixels


def pixels_only(png: bytes | memoryview) -> bytes:
    """The PNG without text, profiles and animation, of which a few bytes unpack to 64 MB."""
    view, at = memoryview(png), 8
    parts: list[bytes | memoryview] = [_PNG]
    while at + 12 <= len(view):
        size = 12 + int(struct.unpack_from(">I", view, at)[0])
        if bytes(view[at + 4 : at + 8]) in _PNG_PIXELS:
            parts.append(view[at : at + size])
        at += size
    return b"".join(parts)
