"""Performances that no fit has found: a small random one, and a synthetic person's true one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien_training.cameras.camera import Camera, look_at_camera
from mien_training.footage.face_crop import FaceCrop
from mien_training.footage.performance_file import write_performance
from mien_training.footage.rig_performance import FilmingCamera, FittedLight, RigPerformance
from mien_training.runs.content_key import file_digest
from mien_training.synthetic.person import SyntheticPerson
from mien_training.synthetic.posing import head_matrices
from mien_training.templates.person import write_person

PIXELS = 256
"""Side of the images that a fit would have compared."""


def small_performance(
    shape_names: tuple[str, ...], person_sha256: str, frames: int = 3
) -> RigPerformance:
    """`frames` frames of each camera, every second of its file; the last one is lost."""
    rng = np.random.default_rng(5)
    cameras = []
    for number, x in enumerate((0.0, 0.3)):
        plain = look_at_camera((x, 0.1, 1.0), (0, 0.08, 0), 0.4, 640, 480)
        bent = Camera(plain.K, plain.camera_from_world, 640, 480, 0.01 * number, -0.002)
        crop = FaceCrop(bent, 120.5, 40.25, 300.0 + number)
        cameras.append(FilmingCamera(f"{number}.mp4", f"{number:064x}", crop, 0.01 * number))
    count = 2 * frames
    turns = rng.normal(0, 0.1, (count, 4)) + [0, 0, 0, 1]
    clock = np.tile(np.arange(frames) / 15, 2)
    return RigPerformance(
        person_sha256, shape_names, PIXELS, tuple(cameras),
        camera=np.repeat([0, 1], frames).astype(np.int64),
        frame=np.tile(2 * np.arange(frames), 2).astype(np.int64),
        clock_s=clock,
        time_s=clock + np.repeat([0.0, 0.01], frames),
        weights=rng.uniform(0, 1, (count, len(shape_names))).astype(np.float32),
        rotation_xyzw=turns / np.linalg.norm(turns, axis=1, keepdims=True),
        translation=rng.normal(0, 0.01, (count, 3)),
        trusted=np.ones(count, np.bool_),
        lost=np.arange(count) == count - 1,
        points_px=np.full(count, 0.8, np.float32),
        face_px=np.full(count, 150.0, np.float32),
        landmark_bias=rng.normal(0, 1e-3, (478, 3)).astype(np.float32),
        light=FittedLight(
            rng.normal(1, 0.2, (9, 3)).astype(np.float32), np.ones((2, 3), np.float32),
            np.eye(3, dtype=np.float32), np.full((3, 3), 0.02, np.float32),
            np.full(3, 7.0, np.float32),
        ),
    )  # fmt: skip


def write_true_run(
    folder: Path, person: SyntheticPerson, name: str, film: Path, camera: Camera,
    weights: NDArray[np.float32], angles: NDArray[np.float64], rate_hz: float,
) -> RigPerformance:  # fmt: skip
    """The run that a perfect fit to `film` would leave in `folder`: the person as they are, and
    their true performance, weights (T, K) and yaw, pitch, roll (T, 3), radians."""
    folder.mkdir(parents=True)
    own = replace(person.template, name=name, vertices=person.neutral, shape_deltas=person.deltas)
    write_person(folder, own, person.rig.materials[0].base_color)
    (folder / "config.json").write_text(json.dumps({"sources": [str(film)]}))
    matrices, count = head_matrices(person.rig, angles), len(weights)
    times = np.arange(count) / rate_hz
    crop = FaceCrop(camera, 0.0, 0.0, float(max(camera.width, camera.height)))
    performance = RigPerformance(
        file_digest(folder / "person.npz"), person.rig.shape_names, PIXELS,
        (FilmingCamera(film.name, file_digest(film), crop, 0.0),),
        camera=np.zeros(count, np.int64),
        frame=np.arange(count, dtype=np.int64),
        clock_s=times,
        time_s=times,
        weights=weights,
        rotation_xyzw=Rotation.from_matrix(matrices[:, :3, :3]).as_quat(),
        translation=matrices[:, :3, 3],
        trusted=np.ones(count, np.bool_),
        lost=np.zeros(count, np.bool_),
        points_px=np.full(count, 0.5, np.float32),
        face_px=np.full(count, 0.8 * PIXELS, np.float32),
        landmark_bias=np.zeros((478, 3), np.float32),
        light=FittedLight(
            np.eye(9, 3, dtype=np.float32), np.ones((1, 3), np.float32),
            np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32), np.zeros(0, np.float32),
        ),
    )  # fmt: skip
    write_performance(folder, performance)
    return performance
