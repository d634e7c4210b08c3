"""Where on the head the fitted colours differ from the footage."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from mien_training.head import Template
from mien_training.reports.head_stills import face_camera
from mien_training.reports.vertex_map import draw_vertex_map
from mien_training.rig.report.fitted_scene import FittedScene

__all__ = ["draw_error", "vertex_error"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_YAWS = (-0.75, 0.0, 0.75)
_ENOUGH = 3.0
"""Pixels that a vertex must have been seen in."""


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
    cameras = [face_camera(person, side, yaw) for yaw in _YAWS]
    return draw_vertex_map(
        person.vertices, person.triangles, error, limit, cameras, unit,
        "not compared",
    )  # fmt: skip


def _round_up(value: float) -> float:
    """The next of 4, 8, 12, 16, 20, 40, 60, 80, ..., so that quarters are round as well."""
    steps = (4.0, 8.0, 12.0, 16.0, 20.0, 40.0, 60.0, 80.0, 120.0, 160.0, 200.0)
    return next((s for s in steps if s >= value), 256.0)
