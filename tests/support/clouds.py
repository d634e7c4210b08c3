"""Clouds of Gaussians and cameras before them, for tests of the splat renderers."""

from __future__ import annotations

import numpy as np

from mien.avatar import Pinhole, Splats
from mien.rotation import matrix_from_quaternion, quaternion_multiply, rotate, unit_quaternion

__all__ = ["random_cloud", "straight_camera", "turned_together"]


def random_cloud(count: int, seed: int = 0) -> Splats:
    """Around the origin, as wide as a head, of all shapes and sizes."""
    rng = np.random.default_rng(seed)
    return Splats(
        means=rng.normal(0, 0.07, (count, 3)),
        rotations=rng.normal(size=(count, 4)),
        scales=np.exp(rng.normal(np.log(0.012), 0.7, (count, 3))),
        opacities=rng.uniform(0.02, 1, count),
        colours=rng.random((count, 3)),
    )


def straight_camera(
    width: int, height: int, distance_m: float = 0.6, focal: float = 70.0
) -> Pinhole:
    """Looks at the origin along the world's Z axis."""
    pose = np.eye(4)
    pose[2, 3] = distance_m
    return Pinhole(np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]]), pose)


def turned_together(splats: Splats, camera: Pinhole, turn, shift) -> tuple[Splats, Pinhole]:
    """Everything moved by a rotation (xyzw), then by `shift` metres."""
    q = unit_quaternion(turn)
    world_from_old = np.eye(4)
    world_from_old[:3, :3] = matrix_from_quaternion(q)
    world_from_old[:3, 3] = shift
    moved = Splats(
        rotate(q, splats.means) + shift,
        quaternion_multiply(q, unit_quaternion(splats.rotations)),
        splats.scales,
        splats.opacities,
        splats.colours,
    )
    pose = camera.camera_from_world @ np.linalg.inv(world_from_old)
    return moved, Pinhole(camera.K, pose)
