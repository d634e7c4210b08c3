"""Where on the head the fitted colours differ from the footage."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mien_training.head import Template
from mien_training.reports.head_stills import (
    GROUND,
    INK,
    MUTED,
    draw_vertex_colours,
    face_camera,
    write,
)
from mien_training.rig.report.fitted_scene import FittedScene

__all__ = ["colour_of", "draw_error", "vertex_error"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_YAWS = (-0.75, 0.0, 0.75)
_UNSEEN = (0.34, 0.36, 0.40)
_ENOUGH = 3.0
"""Pixels that a vertex must have been seen in."""

# Smith and van der Walt's "inferno" (CC0), nine samples: even steps to the eye, readable in grey.
_COLOURS = np.array([
    (0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85), (227, 89, 51),
    (249, 140, 10), (249, 201, 50), (252, 255, 164),
]) / 255  # fmt: skip
_DARKEST = 0.08
"""The map's black would hide the shading."""


def vertex_error(
    scene: FittedScene, rows: NDArray[np.int64], region: NDArray[np.bool_], batch: int = 4
) -> Float64Array:
    """(V,) mean absolute colour difference over frames `rows`, sRGB codes of 255.

    Of triangles inside `region` (V,) only; NaN outside and where a vertex was hardly seen.
    """
    count = len(scene.person.vertices)
    total, pixels = np.zeros(count), np.zeros(count)
    triangles = scene.person.triangles
    inside = torch.from_numpy(region[triangles].all(1)).to(scene.seen.images.device)
    for part in np.array_split(rows, max(1, -(-len(rows) // batch))):
        chosen = torch.from_numpy(part).to(scene.seen.images.device)
        images = scene.seen.images[chosen].float() / 255
        rendered = scene.render(chosen, images)
        seen = (rendered.triangle >= 0) & inside[rendered.triangle.clamp_min(0)]
        if scene.seen.masks is not None:
            seen = seen & scene.seen.masks[chosen]
        error = 255 * (rendered.colour.clamp(0, 1) - images).abs().mean(-1)[seen].cpu().numpy()
        corners = triangles[rendered.triangle[seen].cpu().numpy()]
        for corner in range(3):
            total += np.bincount(corners[:, corner], error / 3, minlength=count)
            pixels += np.bincount(corners[:, corner], minlength=count) / 3
    return np.where(pixels >= _ENOUGH, total / np.maximum(pixels, 1e-9), np.nan)


def draw_error(
    person: Template, error: Float64Array, side: int = 360, top: float | None = None,
    unit: str = "mean colour error, of 255",
) -> NDArray[np.uint8]:  # fmt: skip
    """(H, W, 3) the face from three sides in colours of (V,) errors, with a colour bar.

    Grey where they are NaN. `top`: the error of the brightest colour; None: a round number that
    49 of 50 vertices are below. unit: what the bar's numbers are.
    """
    known = error[~np.isnan(error)]
    limit = top or _round_up(float(np.quantile(known, 0.98)) if len(known) else 1.0)
    share = np.nan_to_num(error, nan=0.0) / limit
    colours = np.where(np.isnan(error)[:, None], _UNSEEN, colour_of(share)).astype(np.float32)
    views = [
        draw_vertex_colours(person.vertices, person.triangles, colours, camera)
        for camera in (face_camera(person, side, yaw) for yaw in _YAWS)
    ]
    return np.concatenate(
        [np.concatenate(views, 1), _bar(len(views) * side, side / 6, limit, unit)]
    )


def colour_of(share: Float64Array) -> Float64Array:
    """(N, 3) colours 0..1 of numbers 0 (dark) to 1 (bright)."""
    at = _DARKEST + (1 - _DARKEST) * share.clip(0, 1)
    place = np.linspace(0, 1, len(_COLOURS))
    return np.stack([np.interp(at, place, _COLOURS[:, c]) for c in range(3)], 1)


def _bar(width: int, height: float, limit: float, unit: str) -> NDArray[np.uint8]:
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
    write(draw, (left - size, middle), unit, 0.9 * size, MUTED, "rm")
    box = left + length + 1.2 * size
    draw.rectangle(
        (box, upper, box + lower - upper, lower), fill=tuple(int(255 * c) for c in _UNSEEN)
    )
    write(draw, (box + lower - upper + 0.5 * size, middle), "not compared", 0.9 * size, MUTED, "lm")
    return np.asarray(image)


def _round_up(value: float) -> float:
    """The next of 4, 8, 12, 16, 20, 40, 60, 80, ..., so that quarters are round as well."""
    steps = (4.0, 8.0, 12.0, 16.0, 20.0, 40.0, 60.0, 80.0, 120.0, 160.0, 200.0)
    return next((s for s in steps if s >= value), 256.0)
