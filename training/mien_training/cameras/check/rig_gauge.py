"""A rig of cameras laid over another, though some cameras moved: what sightings cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.cameras.camera import Camera, project

__all__ = ["align_rig", "image_offsets"]

Float64Array = NDArray[np.float64]

_ROUNDS = 40
_EDGE_M = 2e-4
"""Offsets below this count by their squares, those above by their size."""


def image_offsets(
    before: Sequence[Camera], after: Sequence[Camera], cloud: ArrayLike
) -> tuple[Float64Array, Float64Array]:
    """(C,) how far the images of points (P, 3), world, differ between two rigs: root mean square,
    in pixels, and in metres at the points."""
    at = np.asarray(cloud, np.float64)
    pixels, metres = [], []
    for a, b in zip(before, after, strict=True):
        (first, depth), (second, _) = project(a, at), project(b, at)
        off = np.sqrt(((second - first) ** 2).sum(-1))
        ahead = np.isfinite(off)
        if not ahead.any():
            raise InputError("image_offsets: a camera sees none of the points, expected some")
        pixels.append(np.sqrt((off[ahead] ** 2).mean()))
        metres.append(np.sqrt(((off[ahead] * depth[ahead] / a.K[0, 0]) ** 2).mean()))
    return np.array(pixels), np.array(metres)


def align_rig(
    before: Sequence[Camera], after: Sequence[Camera], cloud: ArrayLike
) -> tuple[tuple[Camera, ...], Float64Array]:
    """The rig `after` in the frame and unit of `before`, and after_from_before (4, 4), a
    similarity.

    Minimises the sum over cameras of how far the images of (P, 3) points differ, in metres there,
    by iterated least squares: most cameras stay where they were, and the few that moved have moved
    wholly. Raises InputError for other numbers of cameras, or points that no camera sees.
    """
    at = np.asarray(cloud, np.float64)
    if len(before) != len(after) or not len(before) or at.ndim != 2 or len(at) < 3:
        raise InputError(
            f"align_rig: {len(before)} and {len(after)} cameras, points {at.shape}, expected as "
            "many of each, and (P, 3)"
        )
    middle = at.mean(0)
    found = np.eye(4)
    for _ in range(_ROUNDS):
        rows, rhs = [], []
        for a, b in zip(before, after, strict=True):
            jacobian, off = _rows(a, b, found, at, middle)
            size = np.sqrt((off**2).sum() / (len(off) / 2))
            weight = 1 / np.sqrt(np.sqrt(size**2 + _EDGE_M**2))
            rows.append(weight * jacobian)
            rhs.append(weight * off)
        step = -np.linalg.lstsq(np.concatenate(rows), np.concatenate(rhs), rcond=1e-10)[0]
        found = _similarity(step, middle) @ found
        if np.abs(step).max() < 1e-8:
            break
    return tuple(_moved(camera, found) for camera in after), found


def _rows(
    before: Camera, after: Camera, similarity: Float64Array, at: Float64Array, middle: Float64Array
) -> tuple[Float64Array, Float64Array]:
    """(2 P, 7) and (2 P,): offsets in metres, and how they change."""
    target, depth = project(before, at)
    metres = (depth / before.K[0, 0])[:, None]

    def images(step: Float64Array) -> Float64Array:
        m = _similarity(step, middle) @ similarity
        return np.asarray(project(after, at @ m[:3, :3].T + m[:3, 3])[0])

    now = images(np.zeros(7))
    small = 1e-6
    columns = [(images(small * e) - images(-small * e)) / (2 * small) for e in np.eye(7)]
    jacobian = np.stack([(c * metres).ravel() for c in columns], 1)
    off = ((now - target) * metres).ravel()
    seen = np.isfinite(off) & np.isfinite(jacobian).all(1)
    if not seen.any():
        raise InputError("align_rig: a camera sees none of the points, expected some")
    return jacobian[seen], off[seen]


def _similarity(step: Float64Array, middle: Float64Array) -> Float64Array:
    """(4, 4): rotation vector about `middle`, shift, logarithm of the scale."""
    m = np.eye(4)
    m[:3, :3] = np.exp(step[6]) * Rotation.from_rotvec(step[:3]).as_matrix()
    m[:3, 3] = middle - m[:3, :3] @ middle + step[3:6]
    return m


def _moved(camera: Camera, after_from_before: Float64Array) -> Camera:
    """The camera before a world that a similarity moved; what it sees stays."""
    view = camera.camera_from_world @ after_from_before
    scale = np.cbrt(np.linalg.det(view[:3, :3]))
    view[:3] /= scale
    return replace(camera, camera_from_world=view)
