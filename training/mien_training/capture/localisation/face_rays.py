"""Rays of the tracker's face points: what nets that have seen real faces add to dense maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien.deform import vertex_normals
from mien.tracker.face_track import FaceTrack
from mien.tracker.tracker import Tracker
from mien_training.cameras import Camera
from mien_training.cameras.pixel_rays import pixel_rays
from mien_training.capture.localisation.map_rays import MapRays
from mien_training.head import Template

__all__ = ["face_rays", "joined_rays", "tracked_faces"]

Float64Array = NDArray[np.float64]

_GRAZING, _SQUARELY = 0.15, 0.55
"""Cosine between a point's normal and the line of sight at which it begins to count, and counts in
full: points on the far side are guessed."""


def tracked_faces(images: Sequence[NDArray[np.uint8]]) -> tuple[FaceTrack | None, ...]:
    """The largest face that the tracker finds in each image (H, W, 3 or 1), looked at alone."""
    found: list[FaceTrack | None] = []
    for image in images:
        colour = np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))
        found.append(next(iter(Tracker().track(colour)), None))
    return tuple(found)


def face_rays(
    faces: Sequence[FaceTrack | None], cameras: Sequence[Camera], template: Template
) -> MapRays:
    """Of the faces in the images of as many cameras: the places are those of the template's
    landmarks on the mean head. No rays of cameras without a face."""
    points = template.landmarks
    known = np.flatnonzero(points.triangle >= 0)
    corners = template.triangles[points.triangle[known]]
    share = points.barycentric[known][..., None].astype(np.float64)
    places = (template.vertices[corners] * share).sum(1)
    normals = (vertex_normals(template.vertices, template.triangles)[corners] * share).sum(1)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    parts: list[tuple[NDArray[np.float64], ...]] = []
    for c, (face, camera) in enumerate(zip(faces, cameras, strict=True)):
        if face is None:
            continue
        turn = Rotation.from_quat(face.head_rotation_xyzw).as_matrix()
        facing = (normals @ turn.T)[:, 2]
        sure = ((facing - _GRAZING) / (_SQUARELY - _GRAZING)).clip(0, 1) * face.presence
        pixels = face.landmarks[known, :2].astype(np.float64)
        ways = pixel_rays(camera, pixels)
        good = np.isfinite(ways).all(1) & (sure > 0)
        parts.append(
            (
                np.broadcast_to(camera.centre, ways.shape)[good], ways[good], places[good],
                sure[good], np.full(good.sum(), float(c)), pixels[good],
            )
        )  # fmt: skip
    empty = tuple(np.zeros((0, n) if n else (0,)) for n in (3, 3, 3, 0, 0, 2))
    at, way, place, sure, index, pixel = (
        np.concatenate([part[i] for part in (empty, *parts)]) for i in range(6)
    )
    return MapRays(
        at, way, place, sure.clip(1e-6, 1), index.astype(np.int64), pixel, tuple(cameras)
    )


def joined_rays(first: MapRays, second: MapRays, weight: float = 1.0) -> MapRays:
    """Both, of the same cameras in the same order, certainty of the second times `weight`, above 0
    and at most 1. Where crops of the cameras differ, pixels of the second are not in `cameras` of
    the first: rays alone count."""
    origins, directions, canonical, camera, pixels = (
        np.concatenate([getattr(first, name), getattr(second, name)])
        for name in ("origins", "directions", "canonical", "camera", "pixels")
    )
    certainty = np.concatenate([first.certainty, weight * second.certainty])
    return MapRays(origins, directions, canonical, certainty, camera, pixels, first.cameras)
