"""The images of a character's skin detail, decoded within a budget."""

from __future__ import annotations

import io
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.budget import Budget
from mien.detail_entry import DetailEntry, DetailMap, RegionMasks
from mien.errors import InputError, PackageError
from mien.texture import pixels_only, read_texture

__all__ = ["check_detail_image", "read_heights", "read_masks", "read_normals"]

Float32Array = NDArray[np.float32]
_IMAGE_BYTES = 64 << 20
"""Of one image, decoded: 4096 x 4096 texels of 16 bits, and Pillow's copy."""


def read_heights(data: bytes | memoryview, entry: DetailMap, where: str) -> Float32Array:
    """(S, S) metres outwards of a displacement map. Raises PackageError for anything but a PNG of
    16-bit grey, of the declared size."""
    try:
        with Image.open(io.BytesIO(pixels_only(data)), formats=("PNG",)) as image:
            if image.size != (entry.size, entry.size) or not image.mode.startswith("I"):
                raise PackageError(
                    f"{where}: {image.size[0]} x {image.size[1]} texels of mode {image.mode}, "
                    f"expected {entry.size} x {entry.size} of 16-bit grey"
                )
            codes = np.asarray(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, struct.error) as reason:
        raise PackageError(f"{where}: is not a readable PNG: {reason}") from None
    share = codes.astype(np.float32) / np.float32(65535)
    return np.asarray(entry.low_m + (entry.high_m - entry.low_m) * share, np.float32)


def read_normals(data: bytes | memoryview, entry: DetailMap, where: str) -> Float32Array:
    """(S, S, 3) of a normal map, tangent space, green up; no component is 0. Raises PackageError
    for other images."""
    pixels = _rgb(data, (entry.size, entry.size), where)
    return np.asarray(pixels / np.float32(127.5) - 1, np.float32)


def read_masks(
    data: bytes | memoryview, masks: RegionMasks, count: int, where: str
) -> Float32Array:
    """(R, S, S) share 0..1 of the first `count` regions. Raises PackageError for other images."""
    pixels = _rgb(data, (masks.rows * masks.size, masks.columns * masks.size), where)
    tiles = pixels.reshape(masks.rows, masks.size, masks.columns, masks.size, 3)
    planes = tiles.transpose(0, 2, 4, 1, 3).reshape(-1, masks.size, masks.size)
    return np.asarray(planes[:count] / np.float32(255), np.float32)


def check_detail_image(data: bytes | memoryview, name: str, entry: DetailEntry, where: str) -> None:
    """Raises PackageError unless the package's file `name` is what its detail says of it."""
    if name == entry.masks.file:
        read_masks(data, entry.masks, len(entry.regions), where)
    for one in entry.maps:
        if name == one.file and one.kind == "displacement":
            read_heights(data, one, where)
        elif name == one.file:
            _rgb(data, (one.size, one.size), where)


def _rgb(data: bytes | memoryview, shape: tuple[int, int], where: str) -> NDArray[np.uint8]:
    try:
        pixels = read_texture(data, where, Budget(4 * _IMAGE_BYTES, "bytes", where))
    except InputError as error:
        raise PackageError(str(error)) from None
    if pixels.shape != (*shape, 3):
        raise PackageError(f"{where}: pixels {pixels.shape}, expected {(*shape, 3)}")
    return pixels
