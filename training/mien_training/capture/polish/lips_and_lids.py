"""What the tracker's points say of lips and lids, which pictures' agreement lets slide."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras import Camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.cameras.pixel_rays import pixel_rays
from mien_training.capture.polish.smooth_offset import SmoothOffset
from mien_training.footage.landmark_visibility import LandmarkPoints
from mien_training.head import Template
from mien_training.head.landmark_sets import IRISES, LID_POINTS, LIP_POINTS

__all__ = ["lip_and_lid_displacement"]

Float64Array = NDArray[np.float64]

_FEWEST = 12
_LEAST_NOISE_M = 5e-4
_SHARE = 0.25
"""How much of each point counts: the tracker shifts neighbours together."""


def lip_and_lid_displacement(
    template: Template,
    vertices: Float64Array,
    world_from_rig: Float64Array,
    normals: Float64Array,
    landmarks: NDArray[np.floating],
    cameras: Sequence[Camera],
    prior: SmoothOffset,
) -> Float64Array:
    """(K, 3) smooth displacement of the skin's nodes across their normals (K, 3).

    landmarks (C, 478, 2): the tracker's points, pixels; NaN where it found no face. Each counts
    by how far the tracker and the mesh are apart over the whole face: a tracker that misses the
    face's other points is not believed about its lips. world_from_rig (3, 3). Raises InputError
    for another shape.
    """
    points = np.asarray(landmarks, np.float64)
    where = template.landmarks
    if points.shape != (len(cameras), len(where.triangle), 2):
        raise InputError(
            f"polish: landmarks {points.shape}, expected ({len(cameras)}, {len(where.triangle)}, 2)"
        )
    nothing = np.zeros((len(prior.nodes), 3))
    tracked = LandmarkPoints(template)
    held = torch.from_numpy(vertices).float().expand(len(cameras), -1, -1)
    turn = torch.from_numpy(world_from_rig).float().expand(len(cameras), -1, -1)
    plain = [Camera(c.K, c.camera_from_world, c.width, c.height) for c in cameras]
    sure = tracked.confidence(held, turn, CameraBatch.of(plain), torch.arange(len(cameras)))
    weight = sure.double().numpy() * np.isfinite(points).all(2)
    at = tracked.positions(held[:1])[0].double().numpy()
    wanted, known = _offsets(at, points, cameras, weight)
    known[list(chain(*IRISES))] = False
    if known.sum() < _FEWEST:
        return nothing
    noise = max(float(np.median(np.linalg.norm(wanted[known], axis=1))), _LEAST_NOISE_M)
    chosen = np.zeros(len(known), np.bool_)
    chosen[list(LIP_POINTS + LID_POINTS)] = True
    chosen &= known
    if not chosen.any():
        return nothing
    rows = prior.rows(tracked.corners[chosen].numpy(), tracked.share[chosen].double().numpy())
    # Beyond the noise of the others a point is an outlier, and its say falls.
    far = (wanted[chosen] ** 2).sum(1) / noise**2
    belief = _SHARE / noise**2 / (1 + far / 4) ** 2
    moved = prior.displacement(rows, belief, wanted[chosen])
    return np.asarray(moved - (moved * normals).sum(1, keepdims=True) * normals)


def _offsets(
    at: Float64Array, points: Float64Array, cameras: Sequence[Camera], weight: Float64Array
) -> tuple[Float64Array, NDArray[np.bool_]]:
    """(L, 3) from points (L, 3) to where the rays meet best, and (L,) whether two or more do."""
    left, right = np.zeros((len(at), 3, 3)), np.zeros((len(at), 3))
    for camera, pixels, own in zip(cameras, points, weight, strict=True):
        ways = pixel_rays(camera, np.nan_to_num(pixels))
        own = np.where(np.isfinite(ways).all(1), own, 0.0)
        ways = np.nan_to_num(ways)
        across = own[:, None, None] * (np.eye(3) - ways[:, :, None] * ways[:, None])
        left += across
        right += np.einsum("lij,lj->li", across, camera.centre - at)
    known = np.linalg.eigvalsh(left)[:, 0] > 0.02
    wanted = np.zeros_like(at)
    wanted[known] = np.linalg.solve(left[known], right[known][..., None])[..., 0]
    return wanted, known
