"""Where the head is in a still: its alpha channel, or an image beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from mien.errors import InputError
from mien.video import IMAGE_SUFFIXES

__all__ = ["head_mask"]

_HALF = 127


def head_mask(still: Path, given: Path | None = None) -> NDArray[np.bool_] | None:
    """(H, W) True where the head is, from the image `given`, else from the still's own alpha.

    None for a still without either, and for recordings without `given`. Raises InputError for files
    that are no images, for a mask of a recording, and for one that is empty.
    """
    if still.suffix.lower() not in IMAGE_SUFFIXES:
        if given is not None:
            raise InputError(f"{given}: a mask of {still.name}, expected one of a single image")
        return None
    path = given or still
    try:
        with Image.open(path) as opened:
            image = ImageOps.exif_transpose(opened)
            if "transparency" in image.info:
                image = image.convert("RGBA")
            alpha = np.asarray(image.getchannel("A")) if "A" in image.getbands() else None
            if given is None and alpha is None:
                return None
            # Bright where the head is, unless it is cut out itself.
            if alpha is None or (given is not None and (alpha > _HALF).all()):
                alpha = np.asarray(image.convert("L"))
            mask = np.asarray(alpha > _HALF)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected the mask of {still.name}") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as reason:
        raise InputError(f"{path}: not an image ({reason})") from None
    if not mask.any():
        raise InputError(f"{path}: marks no pixel as the head")
    return mask
