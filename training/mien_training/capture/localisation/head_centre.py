"""About where a head is, from where each view sees skin: enough to cut it out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras import Camera
from mien_training.cameras.pixel_rays import pixel_rays

__all__ = ["head_centre", "rig_up"]

Float64Array = NDArray[np.float64]

_LEAST_PIXELS = 6.0
_DEPTH_M = 0.06
"""How far behind the middle of the skin that is seen the head's own middle lies."""
_SCALE_M = 0.05
_ROUNDS = 12


def head_centre(cameras: Sequence[Camera], skin: Sequence[NDArray[np.floating]]) -> Float64Array:
    """(3,) world, metres, of C cameras and of how likely skin is (h, w) in each, 0..1, over the
    whole of its image.

    The place nearest to the rays of the masks' middles, robustly, and a little farther on. Raises
    InputError where fewer than two cameras see any skin.
    """
    origins, ways, weights = [], [], []
    for camera, mask in zip(cameras, skin, strict=True):
        sure = np.where(np.asarray(mask) > 0.5, mask, 0.0)
        if sure.sum() < _LEAST_PIXELS:
            continue
        row, column = (
            (sure.sum(axis) @ (np.arange(sure.shape[1 - axis]) + 0.5)) / sure.sum()
            for axis in (1, 0)
        )
        pixel = np.array(
            [column / sure.shape[1] * camera.width, row / sure.shape[0] * camera.height]
        )
        way = pixel_rays(camera, pixel)
        if np.isfinite(way).all():
            origins.append(camera.centre)
            ways.append(way)
            weights.append(np.sqrt(sure.sum()))
    if len(ways) < 2:
        raise InputError(
            f"head_centre: {len(ways)} of {len(cameras)} cameras see skin, expected at least two"
        )
    at, way, weight = np.stack(origins), np.stack(ways), np.array(weights)
    across = np.eye(3) - way[:, :, None] * way[:, None]
    trust = np.ones(len(way))
    for _ in range(_ROUNDS):
        total = (weight * trust)[:, None, None] * across
        # A trifle along the rays, so that parallel ones meet somewhere.
        system = total.sum(0) + 1e-6 * np.eye(3)
        point = np.linalg.solve(system, (total @ at[..., None])[..., 0].sum(0) + 1e-6 * at.mean(0))
        off = np.linalg.norm((across @ (point - at)[..., None])[..., 0], axis=1)
        trust = 1 / (1 + (off / _SCALE_M) ** 2) ** 2
    inwards = (weight * trust) @ way
    return np.asarray(point + _DEPTH_M * inwards / np.linalg.norm(inwards))


def rig_up(cameras: Sequence[Camera]) -> tuple[Float64Array, ...]:
    """Directions (3,) that may be up, the likeliest first: the mean of the cameras' own, then a
    quarter turn to either side of it about the mean line of sight, and its opposite."""
    forward = np.sum([c.camera_from_world[2, :3] for c in cameras], 0)
    up = -np.sum([c.camera_from_world[1, :3] for c in cameras], 0)
    if np.linalg.norm(forward) < 1e-6:
        forward = cameras[0].camera_from_world[2, :3]
    forward = forward / np.linalg.norm(forward)
    up = up - (up @ forward) * forward
    if np.linalg.norm(up) < 1e-6:
        up = -cameras[0].camera_from_world[1, :3]
        up = up - (up @ forward) * forward
    up = up / np.linalg.norm(up)
    aside = np.cross(forward, up)
    return up, aside, -aside, -up
