"""Points seen by several cameras, and how their images move when cameras and points do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from mien.errors import InputError
from mien_training.cameras.camera import Camera
from mien_training.cameras.lens import LensCamera

__all__ = ["CHANGES", "Linearised", "Sightings", "changed_camera", "linearise"]

Float64Array = NDArray[np.float64]

CHANGES = 7
"""Numbers of a camera's change: rotation vector in the world about a pivot, radians; translation
along the camera's axes, metres; logarithm of the focal length."""
_NEAREST_M = 0.01


@dataclass(frozen=True, eq=False)
class Sightings:
    """N sightings of P points by C cameras, in T moments."""

    cameras: tuple[Camera, ...]
    """C; without distortion beyond k1 and k2."""
    camera: NDArray[np.int64]
    """(N,) who saw it."""
    point: NDArray[np.int64]
    """(N,) which point; a place on the head is another point in every moment."""
    pixel: Float64Array
    """(N, 2) where in the image."""
    weight: Float64Array
    """(N,) 0..1 how sure that is."""
    points: Float64Array
    """(P, 3) where the points are thought to be, world, metres."""
    moment: NDArray[np.int64]
    """(P,) 0..T-1, each point's."""

    def __post_init__(self) -> None:
        n, p, c = len(self.camera), len(self.points), len(self.cameras)
        shapes = {
            "camera": (n,), "point": (n,), "pixel": (n, 2), "weight": (n,), "points": (p, 3),
            "moment": (p,),
        }  # fmt: skip
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise InputError(
                    f"Sightings.{name}: shape {getattr(self, name).shape}, expected {shape}"
                )
        for name, below in (("camera", c), ("point", p)):
            index = getattr(self, name)
            if n and (index.min() < 0 or index.max() >= below):
                raise InputError(f"Sightings.{name}: expected 0..{below - 1}")
        for name in ("pixel", "weight", "points"):
            if not np.isfinite(getattr(self, name)).all():
                raise InputError(f"Sightings.{name}: expected finite numbers")
        if (self.weight < 0).any():
            raise InputError("Sightings.weight: expected 0 or more")
        if any(isinstance(camera, LensCamera) for camera in self.cameras):
            raise InputError("Sightings.cameras: expected those of undistorted pictures")

    @property
    def moments(self) -> int:
        """T."""
        return int(self.moment.max(initial=-1)) + 1

    def chosen(self, sightings: ArrayLike) -> Sightings:
        """Only those sightings (N,) bool; points and cameras stay."""
        kept = np.asarray(sightings, np.bool_)
        return replace(
            self, camera=self.camera[kept], point=self.point[kept], pixel=self.pixel[kept],
            weight=self.weight[kept],
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Linearised:
    """Sightings near given cameras and points."""

    residual: Float64Array
    """(N, 2) predicted minus seen, pixels."""
    by_point: Float64Array
    """(N, 2, 3) pixels a metre in the world."""
    by_camera: Float64Array
    """(N, 2, CHANGES) pixels a unit of the camera's change."""
    scale: Float64Array
    """(N,) pixels a metre across the view, where the point is."""
    valid: NDArray[np.bool_]
    """(N,) the point lies before the camera; the rest of its row is 0 where not."""


def changed_camera(camera: Camera, change: ArrayLike, pivot: ArrayLike) -> Camera:
    """The camera after a change (CHANGES,); the world turns about `pivot` (3,), metres, so that
    turning does not move what is there."""
    d, middle = np.asarray(change, np.float64), np.asarray(pivot, np.float64)
    turn = Rotation.from_rotvec(d[:3]).as_matrix()
    view = camera.camera_from_world.copy()
    view[:3, 3] += view[:3, :3] @ (middle - turn @ middle) + d[3:6]
    view[:3, :3] = view[:3, :3] @ turn
    K = camera.K.copy()
    K[:2, :2] *= np.exp(d[6])
    return replace(camera, K=K, camera_from_world=view)


def linearise(
    seen: Sightings, cameras: Sequence[Camera], points: Float64Array, pivot: ArrayLike
) -> Linearised:
    """Residuals and their derivatives by points (P, 3) and by changes of the cameras from here."""
    K = np.stack([c.K for c in cameras])[seen.camera]
    view = np.stack([c.camera_from_world for c in cameras])[seen.camera]
    k1, k2 = np.array([(c.k1, c.k2) for c in cameras])[seen.camera].T
    at, turn = points[seen.point], view[:, :3, :3]
    p = np.einsum("nij,nj->ni", turn, at) + view[:, :3, 3]
    valid = p[:, 2] > _NEAREST_M
    z = np.where(valid, p[:, 2], 1.0)
    xy = p[:, :2] / z[:, None]
    r2 = (xy**2).sum(1)
    grow = 1 + r2 * (k1 + r2 * k2)
    bent = xy * grow[:, None]
    focal = K[:, :2, :2]
    image = np.einsum("nij,nj->ni", focal, bent)
    # Distortion, then the division by depth, then the camera's axes.
    by_xy = grow[:, None, None] * np.eye(2)
    by_xy = by_xy + (2 * k1 + 4 * k2 * r2)[:, None, None] * xy[:, :, None] * xy[:, None]
    by_p = np.zeros((len(at), 2, 3))
    by_p[:, :, :2] = np.eye(2) / z[:, None, None]
    by_p[:, :, 2] = -xy / z[:, None]
    by_p = focal @ by_xy @ by_p
    by_point = by_p @ turn
    arm = at - np.asarray(pivot, np.float64)
    across = np.zeros((len(at), 3, 3))  # columns are axis x arm
    across[:, 1, 0], across[:, 2, 0] = -arm[:, 2], arm[:, 1]
    across[:, 0, 1], across[:, 2, 1] = arm[:, 2], -arm[:, 0]
    across[:, 0, 2], across[:, 1, 2] = -arm[:, 1], arm[:, 0]
    by_camera = np.concatenate([by_point @ across, by_p, image[:, :, None]], 2)
    live = valid[:, None]
    return Linearised(
        (image + K[:, :2, 2] - seen.pixel) * live, by_point * live[..., None],
        by_camera * live[..., None], np.where(valid, K[:, 0, 0] / z, 0.0), valid,
    )  # fmt: skip
