"""A person's skin detail as the files of a package, and the manifest's entry of them."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mien.detail_entry import PARTS, DetailEntry, DetailMap, RegionMasks
from mien.package import DETAIL
from mien_exporters.detail.detail_graphs import detail_map_onnx, detail_onnx
from mien_exporters.detail.detail_run import DetailRun

__all__ = ["DETAIL_MAP", "detail_files", "normal_image"]

Float32Array = NDArray[np.float32]
DETAIL_MAP = "detail_map.onnx"
_COLUMNS = 4


def detail_files(
    run: DetailRun, channels: Sequence[str], map_size: int | None = 256, least_size: int = 256
) -> tuple[dict[str, bytes], DetailEntry]:
    """Name -> bytes: detail.onnx, images in all sizes (the run's, halved down to `least_size`), and
    detail_map.onnx of `map_size` (None: without); and the entry. Deterministic."""
    files = {DETAIL: detail_onnx(run, channels)}
    if map_size is not None:
        files[DETAIL_MAP] = detail_map_onnx(run, map_size)
    masks, maps = _mask_tiles(run.masks), []
    files["detail/regions.png"] = _png(masks)
    heights, tangents = run.maps, run.tangent_from_atlas
    low = heights.reshape(len(PARTS), -1).min(1)
    high = heights.reshape(len(PARTS), -1).max(1)
    while True:
        size = heights.shape[-1]
        for k, part in enumerate(PARTS):
            name = f"detail/{part}_displacement_{size}.png"
            span = max(float(high[k] - low[k]), 1e-9)
            codes = np.rint((heights[k] - low[k]) / span * 65535).clip(0, 65535).astype(np.uint16)
            files[name] = _png(codes)
            bounds = float(low[k]), float(low[k]) + span
            maps.append(DetailMap(name, part, "displacement", size, *bounds))
            name = f"detail/{part}_normal_{size}.png"
            files[name] = _png(normal_image(heights[k], tangents))
            maps.append(DetailMap(name, part, "normal", size))
        if size % 2 or size // 2 % 8 or size // 2 < least_size:
            break
        heights, tangents = _halved(heights), _halved(tangents)
    rows = -(-len(run.region_names) // (3 * _COLUMNS))
    tiles = RegionMasks("detail/regions.png", _COLUMNS, rows, run.masks.shape[-1])
    return files, DetailEntry(run.region_names, tiles, tuple(maps), run.intensity)


def normal_image(height: Float32Array, tangent_from_atlas: Float32Array) -> NDArray[np.uint8]:
    """(S, S, 3) tangent-space normals, green up, of heights (S, S); 128, 128, 255 is level."""
    side = height.shape[-1]
    padded = np.pad(height, 1, mode="edge")
    slopes = (
        0.5
        * side
        * np.stack([padded[1:-1, 2:] - padded[1:-1, :-2], padded[2:, 1:-1] - padded[:-2, 1:-1]])
    )
    x, y = -(tangent_from_atlas * slopes).sum(1)
    normal = np.stack([x, y, np.ones_like(x)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return np.asarray(np.rint(127.5 + 127.5 * normal).clip(0, 255), np.uint8)


def _mask_tiles(masks: Float32Array) -> NDArray[np.uint8]:
    regions, size = masks.shape[0], masks.shape[-1]
    rows = -(-regions // (3 * _COLUMNS))
    planes = np.zeros((rows * _COLUMNS * 3, size, size), np.float32)
    planes[:regions] = masks
    tiles = planes.reshape(rows, _COLUMNS, 3, size, size).transpose(0, 3, 1, 4, 2)
    codes = np.rint(255 * tiles.reshape(rows * size, _COLUMNS * size, 3))
    return np.asarray(codes.clip(0, 255), np.uint8)


def _halved(images: Float32Array) -> Float32Array:
    """(..., S, S) -> (..., S / 2, S / 2), means of four."""
    a = images[..., ::2, :] + images[..., 1::2, :]
    return np.asarray(0.25 * (a[..., ::2] + a[..., 1::2]), np.float32)


def _png(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
