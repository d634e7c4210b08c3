"""A small cloud that moves before cameras of known errors."""

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from mien_training.cameras import look_at_camera, project
from mien_training.cameras.check.sightings import Sightings, changed_camera

MIDDLE = np.array([0.1, 1.5, 0.2])


def rig(count):
    """Cameras 1 m away, 192 pixels, some with distortion."""
    cameras = []
    for c, azimuth in enumerate(np.linspace(-1, 1, count)):
        eye = MIDDLE + [np.sin(azimuth), 0.2 * (c % 2), np.cos(azimuth)]
        camera = look_at_camera(eye, MIDDLE, 0.35, 192, 192)
        cameras.append(replace(camera, k1=0.05 * (c % 3)))
    return tuple(cameras)


def off_by(camera, metres, seed=0):
    """The camera turned so that images at the middle are off by so many metres."""
    rng = np.random.default_rng(seed)
    away = np.linalg.norm(camera.centre - MIDDLE)
    axis = np.cross(rng.standard_normal(3), camera.centre - MIDDLE)
    turn = np.zeros(7)
    turn[:3] = axis / np.linalg.norm(axis) * metres / away
    return changed_camera(camera, turn, camera.centre)


def seen_by(true, believed, moments=24, points=24, noise_m=0.0, seed=0):
    """`believed` saw what `true` did; noise has one shift a view and moment, and white noise."""
    rng = np.random.default_rng(seed)
    cloud = rng.normal(0, 0.05, (points, 3))
    turns = Rotation.from_rotvec(rng.normal(0, 0.2, (moments, 3))).as_matrix()
    at = cloud @ turns.transpose(0, 2, 1) + MIDDLE + rng.uniform(-0.06, 0.06, (moments, 1, 3))
    pixel = []
    for camera in true:
        scale = 500
        shift = 0.5 * noise_m * scale * rng.standard_normal((moments, 1, 2))
        own = noise_m * scale * rng.standard_normal((moments, points, 2))
        pixel.append((project(camera, at)[0] + shift + own).reshape(-1, 2))
    count = moments * points
    return Sightings(
        tuple(believed), np.repeat(np.arange(len(true)), count),
        np.tile(np.arange(count), len(true)), np.concatenate(pixel),
        np.ones(count * len(true)), at.reshape(-1, 3), np.repeat(np.arange(moments), points),
    )  # fmt: skip
