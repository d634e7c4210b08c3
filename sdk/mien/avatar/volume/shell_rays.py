"""The rays of an image that pass the part of space in which a head may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.avatar.pinhole import PinholeCamera, camera_arrays
from mien.avatar.volume.volume_model import VolumeModel
from mien.errors import InputError

__all__ = ["LARGEST_SIDE", "Rays", "shell_rays"]

Float32Array = NDArray[np.float32]
LARGEST_SIDE = 4096
"""Of an image, pixels."""


@dataclass(frozen=True, eq=False)
class Rays:
    """R rays of one camera, in the vertices' space; near..far of each, metres along it."""

    pixels: NDArray[np.int64]
    """(R,) row * width + column."""
    origin: Float32Array
    """(3,)"""
    directions: Float32Array
    """(R, 3) unit."""
    near: Float32Array
    """(R,)"""
    far: Float32Array
    """(R,) larger than near."""

    def __len__(self) -> int:
        return len(self.pixels)

    def only(self, chosen: slice | NDArray[np.int64]) -> Rays:
        """Some of them."""
        return Rays(
            self.pixels[chosen], self.origin, self.directions[chosen], self.near[chosen],
            self.far[chosen],
        )  # fmt: skip


def shell_rays(
    model: VolumeModel, vertices: Float32Array, camera: PinholeCamera, width: int, height: int
) -> Rays:
    """Those that pass the shell of a mesh (V, 3), metres, the camera in the same space.

    Raises InputError for an image without pixels or with a side above 4096, and for cameras with
    skew or distortion; MissingExtraError without the extra `avatar`.
    """
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE):
        raise InputError(
            f"volume: image of {width} x {height} pixels, expected 1..{LARGEST_SIDE} each way"
        )
    camera_arrays([camera])
    from mien.avatar.volume.ray_kernels import span_kernel
    from mien.avatar.warp_start import wp

    pose = np.asarray(camera.camera_from_world, np.float64)
    local = _pixel_directions(np.asarray(camera.K, np.float64), width, height)
    origin = -pose[:3, :3].T @ pose[:3, 3]
    directions = np.ascontiguousarray(local @ pose[:3, :3], np.float32)
    slant = np.ascontiguousarray(local[:, 2], np.float32)
    swollen = vertices + model.thickness_m[:, None] * model.normals(vertices)
    reach = np.abs(swollen[model.triangles].reshape(-1, 3) - origin).max(0)
    corners = wp.array(model.triangles.ravel(), dtype=int, device="cpu", copy=False)
    meshes = [
        wp.Mesh(wp.array(np.ascontiguousarray(v, np.float32), dtype=wp.vec3, device="cpu"), corners)
        for v in (swollen, vertices)
    ]
    near: Float32Array = np.zeros(len(local), np.float32)
    far = np.zeros_like(near)
    # A ray into the head's side leaves it within its diameter.
    longest = 2.0 * float(np.linalg.norm(reach)) + 0.1
    wp.launch(
        span_kernel, len(local),
        [meshes[0].id, meshes[1].id, wp.vec3(*origin.tolist()),
         wp.array(directions, dtype=wp.vec3, device="cpu", copy=False),
         wp.array(slant, dtype=float, device="cpu", copy=False), longest, model.skin_m,
         model.below_m, wp.array(near, dtype=float, device="cpu", copy=False),
         wp.array(far, dtype=float, device="cpu", copy=False)],
        device="cpu",
    )  # fmt: skip
    pixels = np.flatnonzero(far > near)
    return Rays(pixels, origin.astype(np.float32), directions[pixels], near[pixels], far[pixels])


def _pixel_directions(K: NDArray[np.float64], width: int, height: int) -> NDArray[np.float64]:
    """(height width, 3) unit, camera space, through the pixels' centres."""
    x = (np.arange(width) + 0.5 - K[0, 2]) / K[0, 0]
    y = (np.arange(height) + 0.5 - K[1, 2]) / K[1, 1]
    found = np.ones((height, width, 3))
    found[..., 0], found[..., 1] = x, y[:, None]
    found /= np.linalg.norm(found, axis=-1, keepdims=True)
    return found.reshape(-1, 3)
