"""What a predictor's mesh may not be before the cameras that saw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mien.errors import InputError
from mien_training.cameras import Camera, project
from mien_training.capture.moment_result import MomentResult
from mien_training.geometry.signed_distance import signed_distance
from mien_training.head import Template

__all__ = ["checked_moment"]

_LEAST_VIEWS = 2
_LEAST_SHARE = 0.25
"""Of the head that must lie in a picture for it to count as a view."""


def checked_moment(
    found: MomentResult, cameras: Sequence[Camera], names: Sequence[str], template: Template
) -> MomentResult:
    """The result, as a failure where a camera is inside the head, and where fewer than two cameras
    have the head in their picture.

    Raises InputError for a result of another template or of another number of cameras: a fault of
    the predictor.
    """
    views = int(found.sightings.camera.max(initial=-1)) + 1
    if found.vertices.shape != template.vertices.shape or views > len(cameras):
        raise InputError(
            f"capture: the predictor gave {len(found.vertices)} vertices and {views} cameras or "
            f"more, expected {len(template.vertices)} of template {template.name!r} and "
            f"{len(cameras)}"
        )
    if found.failure:
        return found
    inside = _camera_inside(found, cameras, template)
    if inside is not None:
        return replace(
            found,
            failure=f"camera {names[inside]!r} is inside the head: check its pose and the unit",
        )
    views = sum(_sees(camera, found) for camera in cameras)
    if views < _LEAST_VIEWS:
        return replace(
            found,
            failure=f"the head lies in the pictures of {views} of {len(cameras)} cameras, expected "
            f"{_LEAST_VIEWS} or more",
        )
    return found


def _camera_inside(
    found: MomentResult, cameras: Sequence[Camera], template: Template
) -> int | None:
    centres = np.stack([camera.centre for camera in cameras])
    low, high = found.vertices.min(0), found.vertices.max(0)
    near = np.flatnonzero(((centres >= low) & (centres <= high)).all(1))
    if not len(near):
        return None
    distance = signed_distance(found.vertices, template.triangles, centres[near])
    return int(near[distance.argmin()]) if distance.min() < 0 else None


def _sees(camera: Camera, found: MomentResult) -> bool:
    pixels, depth = project(camera, found.vertices[::7])
    with np.errstate(invalid="ignore"):
        inside = (
            (depth > 0) & (pixels >= 0).all(1) & (pixels <= (camera.width, camera.height)).all(1)
        )
    return bool(inside.mean() >= _LEAST_SHARE)
