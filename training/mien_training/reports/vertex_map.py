"""Numbers of vertices as colours on a head, with what the colours mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mien_training.cameras.camera import Camera, look_at_camera
from mien_training.reports.head_stills import GROUND, INK, MUTED, draw_vertex_colours, write

__all__ = ["colour_of", "draw_vertex_map", "head_camera"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_UNSEEN = (0.34, 0.36, 0.40)

# Smith and van der Walt's "inferno" (CC0), nine samples: even steps to the eye, readable in grey.
_COLOURS = np.array([
    (0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85), (227, 89, 51),
    (249, 140, 10), (249, 201, 50), (252, 255, 164),
]) / 255  # fmt: skip
_DARKEST = 0.08
"""The map's black would hide the shading."""


def draw_vertex_map(
    vertices: Float32Array,
    triangles: NDArray[np.int32],
    values: Float64Array,
    limit: float,
    cameras: Sequence[Camera],
    label: str,
    unknown: str,
) -> NDArray[np.uint8]:
    """(H, W, 3) the head (V, 3) as the cameras, of one size, see it side by side, in colours of
    (V,) values, with a colour bar below.

    limit: the value of the brightest colour; label: what the values are; unknown: what grey means,
    which vertices have whose value is NaN.
    """
    share = np.nan_to_num(values, nan=0.0) / limit
    colours = np.where(np.isnan(values)[:, None], _UNSEEN, colour_of(share)).astype(np.float32)
    views = [draw_vertex_colours(vertices, triangles, colours, camera) for camera in cameras]
    side = cameras[0].height
    bar = _bar(sum(view.shape[1] for view in views), side / 6, limit, label, unknown)
    return np.concatenate([np.concatenate(views, 1), bar])


def head_camera(vertices: Float32Array, side: int, yaw: float = 0.0) -> Camera:
    """A square image of the whole head (V, 3), rig space, from `yaw` radians to its left."""
    low, high = vertices.min(0).astype(np.float64), vertices.max(0).astype(np.float64)
    middle = 0.5 * (low + high)
    size = 1.08 * float((high - low).max())
    distance = 5 * size
    eye = middle + distance * np.array([np.sin(yaw), 0.0, np.cos(yaw)])
    return look_at_camera(eye, middle, 2 * float(np.arctan(0.5 * size / distance)), side, side)


def colour_of(share: Float64Array) -> Float64Array:
    """(N, 3) colours 0..1 of numbers 0 (dark) to 1 (bright)."""
    at = _DARKEST + (1 - _DARKEST) * share.clip(0, 1)
    place = np.linspace(0, 1, len(_COLOURS))
    return np.stack([np.interp(at, place, _COLOURS[:, c]) for c in range(3)], 1)


def _bar(width: int, height: float, limit: float, label: str, unknown: str) -> NDArray[np.uint8]:
    image = Image.new("RGB", (width, round(height)), GROUND)
    draw = ImageDraw.Draw(image)
    left, length = round(0.25 * width), round(0.5 * width)
    upper, lower = round(0.15 * height), round(0.45 * height)
    ramp = np.rint(255 * colour_of(np.linspace(0, 1, length))).astype(np.uint8)
    strip = np.broadcast_to(ramp[None], (lower - upper, length, 3))
    image.paste(Image.fromarray(np.ascontiguousarray(strip)), (left, upper))
    size = 0.26 * height
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = left + share * length
        draw.line([(at, lower), (at, lower + 0.08 * height)], fill=MUTED)
        write(draw, (at, lower + 0.12 * height), f"{share * limit:g}", size, INK, "ma")
    middle = 0.5 * (upper + lower)
    write(draw, (left - size, middle), label, 0.9 * size, MUTED, "rm")
    box = left + length + 1.2 * size
    draw.rectangle(
        (box, upper, box + lower - upper, lower), fill=tuple(int(255 * c) for c in _UNSEEN)
    )
    write(draw, (box + lower - upper + 0.5 * size, middle), unknown, 0.9 * size, MUTED, "lm")
    return np.asarray(image)
