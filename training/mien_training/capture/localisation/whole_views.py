"""Whole images as crops of one kind: where nothing is known of the head yet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.errors import InputError
from mien_training.cameras import Camera
from mien_training.cameras.pixel_rays import pixel_rays
from mien_training.capture.localisation.head_crops import HeadCrop

__all__ = ["whole_views"]

_EDGE = 17
_WIDEST = 1.7
"""Tangent of the half angle that a crop shows at most; lenses that see farther are cut off."""


def whole_views(cameras: Sequence[Camera], side: int) -> tuple[HeadCrop, ...]:
    """Crops of `side` pixels that hold each camera's whole image, as upright as it is, without
    lens distortion; `inside` is the share that it fills. Raises InputError for a side below 8."""
    if side < 8:
        raise InputError(f"whole_views: side {side}, expected 8 or more")
    return tuple(_whole(camera, side) for camera in cameras)


def _whole(camera: Camera, side: int) -> HeadCrop:
    steps = np.linspace(0, 1, _EDGE)
    across, down = np.meshgrid(steps * camera.width, steps * camera.height)
    edge = np.zeros((_EDGE, _EDGE), np.bool_)
    edge[[0, -1]] = edge[:, [0, -1]] = True
    pixels = np.stack([across[edge], down[edge]], 1)
    rays = pixel_rays(camera, np.concatenate([pixels, [[camera.width / 2, camera.height / 2]]]))
    forward = rays[-1]
    right = np.cross(forward, -camera.camera_from_world[1, :3])
    right /= np.linalg.norm(right)
    turn = np.stack([right, np.cross(forward, right), forward])
    local = rays[:-1] @ turn.T
    local = local[np.isfinite(local).all(1) & (local[:, 2] > 1e-3)]
    reach = np.abs(local[:, :2] / local[:, 2:]).max() if len(local) else _WIDEST
    focal = 0.5 * side / min(float(reach), _WIDEST)
    camera_from_world = np.eye(4)
    camera_from_world[:3, :3] = turn
    camera_from_world[:3, 3] = -turn @ camera.centre
    K = np.array([[focal, 0.0, 0.5 * side], [0.0, focal, 0.5 * side], [0.0, 0.0, 1.0]])
    crop = HeadCrop(Camera(K, camera_from_world, side, side), camera, 0.0, True)
    return HeadCrop(crop.camera, camera, float(crop.covered().mean()), True)
