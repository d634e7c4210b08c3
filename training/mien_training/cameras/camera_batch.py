"""Cameras as tensors: world points to pixels and to clip space, with gradients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mien.errors import InputError
from mien_training.cameras.camera import Camera, clip_from_camera
from mien_training.cameras.lens import LensCamera

__all__ = ["CameraBatch"]


@dataclass(frozen=True, eq=False)
class CameraBatch:
    """C cameras; the k1, k2 of `Camera` bend pixels, and are ignored in clip space."""

    intrinsics: Tensor
    """(C, 3, 3) pixels."""
    camera_from_world: Tensor
    """(C, 4, 4) metres."""
    clip_from_camera: Tensor
    """(C, 4, 4) `camera.clip_from_camera`."""
    distortion: Tensor
    """(C, 2) k1, k2."""

    @classmethod
    def of(cls, cameras: Sequence[Camera], dtype: torch.dtype = torch.float32) -> CameraBatch:
        """Raises InputError for no cameras, and for a `LensCamera`: undistort its pictures."""
        if not cameras:
            raise InputError("CameraBatch: no cameras")
        if any(isinstance(camera, LensCamera) for camera in cameras):
            raise InputError(
                "CameraBatch: a camera's distortion goes beyond k1 and k2; expected the camera of "
                "the undistorted pictures"
            )

        def stack(arrays: list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]]) -> Tensor:
            return torch.tensor(np.stack(arrays), dtype=dtype)

        return cls(
            stack([c.K for c in cameras]),
            stack([c.camera_from_world for c in cameras]),
            stack([clip_from_camera(c) for c in cameras]),
            stack([np.array([c.k1, c.k2]) for c in cameras]),
        )

    def to(self, device: torch.device) -> CameraBatch:
        """The same on another device."""
        return CameraBatch(
            self.intrinsics.to(device), self.camera_from_world.to(device),
            self.clip_from_camera.to(device), self.distortion.to(device),
        )  # fmt: skip

    @property
    def centres(self) -> Tensor:
        """(C, 3) where the cameras stand in the world, metres."""
        turn, move = self.camera_from_world[:, :3, :3], self.camera_from_world[:, :3, 3:]
        return -(turn.transpose(1, 2) @ move)[..., 0]

    def pixels(self, camera: Tensor, points: Tensor) -> Tensor:
        """(T, P, 2) pixels of world points (T, P, 3), row t seen by camera (T,) int.

        Points nearer than 1 cm, or behind, are taken as 1 cm away: finite, and far outside.
        """
        seen = self._in_camera(camera, points)
        flat = seen[..., :2] / seen[..., 2:].clamp_min(0.01)
        r2 = flat.square().sum(-1, keepdim=True)
        k1, k2 = self.distortion[camera].unbind(-1)
        flat = flat * (1 + r2 * (k1[:, None, None] + r2 * k2[:, None, None]))
        K = self.intrinsics[camera]
        return flat @ K[:, :2, :2].transpose(1, 2) + K[:, None, :2, 2]

    def clip(self, camera: Tensor, points: Tensor) -> Tensor:
        """(T, P, 4) clip coordinates of world points (T, P, 3)."""
        seen = self._in_camera(camera, points)
        one = torch.ones_like(seen[..., :1])
        clip = self.clip_from_camera[camera]
        return torch.cat([seen, one], -1) @ clip.transpose(1, 2)

    def _in_camera(self, camera: Tensor, points: Tensor) -> Tensor:
        view = self.camera_from_world[camera]
        return points @ view[:, :3, :3].transpose(1, 2) + view[:, None, :3, 3]
