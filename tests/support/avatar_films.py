"""Small films for avatars: of painted balls without light, and of a synthetic person with hair."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.cameras.camera import Camera, look_at_camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.detail.wrinkle_network import random_expressions
from mien_training.head import Template
from mien_training.head.strong_expressions import full_on
from mien_training.rendering.visibility import interpolate, rasterize
from mien_training.synthetic.avatar import AvatarTruth, TruthFrames
from mien_training.synthetic.hair import HairStyle
from support.performances import write_true_run

FILM_FRAMES = 64
WALL = (150, 160, 140)


def paint(places: torch.Tensor) -> torch.Tensor:
    """(..., 3) smooth colours 0..1 of places on the neutral, metres."""
    return 0.5 + 0.4 * torch.sin(40 * places + torch.tensor([0.0, 1.0, 2.0]))


def painted_film(
    person: Template, weights: NDArray[np.float32], cameras: list[Camera], training: int
) -> AvatarFilm:
    """What each camera sees of the painted mesh at weights (T, K), on black, with its coverage."""
    images, alphas = [], []
    faces = torch.from_numpy(person.triangles.astype(np.int64))
    neutral = torch.from_numpy(person.vertices)[None]
    for row, camera in zip(weights, cameras, strict=True):
        posed = person.vertices + np.tensordot(row, person.shape_deltas, 1)
        vertices = torch.from_numpy(posed.astype(np.float32))[None]
        clip = CameraBatch.of([camera]).clip(torch.zeros(1, dtype=torch.long), vertices)
        out = rasterize(clip, faces, (camera.height, camera.width))
        on = out.tri_id[0] >= 0
        colour = paint(interpolate(neutral, faces, out)[0]) * on[..., None]
        images.append(np.rint(255 * colour.numpy()).astype(np.uint8))
        alphas.append(255 * on.numpy().astype(np.uint8))
    side = cameras[0].width
    return AvatarFilm(
        person, np.stack(images), np.stack(alphas), None, np.zeros((side, side, 3), np.uint8),
        np.stack([c.K for c in cameras]), np.stack([c.camera_from_world for c in cameras]),
        weights, training,
    )  # fmt: skip


def around(count: int, side: int) -> list[Camera]:
    """Cameras half a metre before the origin, up to half a radian aside."""
    return [
        look_at_camera((0.5 * np.sin(yaw), 0.0, 0.5 * np.cos(yaw)), (0, 0, 0), 0.5, side, side)
        for yaw in np.linspace(-0.5, 0.5, count)
    ]


@dataclass(frozen=True, eq=False)
class FilmedPerson:
    """A perfect fit's folder, with the film beside it."""

    rig: Path
    film: Path
    truth: TruthFrames
    camera: Camera


def filmed_person(folder: Path, template: Template, side: int = 128) -> FilmedPerson:
    """Somebody with short hair before a plain wall, FILM_FRAMES images of a still camera."""
    style = HairStyle.named("bob", 2, 600)
    somebody = AvatarTruth.make(template, 2, style, age=0.9, texture_side=256)
    rig = somebody.wrinkled.person.rig
    weights = random_expressions(full_on(rig)[:14], FILM_FRAMES, 3)
    rng = np.random.default_rng(1)
    angles = rng.normal(0, [0.25, 0.1, 0.05], (FILM_FRAMES, 3)).clip(-0.5, 0.5)
    neutral = somebody.neutral.astype(np.float64)
    middle = 0.5 * (neutral.min(0) + neutral.max(0))
    camera = look_at_camera(middle + (0, 0, 1), middle, 0.5, side, side)
    truth = somebody.perform(weights, angles, camera, WALL, compare=False)
    (folder / "film").mkdir(parents=True)
    for number, image in enumerate(truth.images):
        Image.fromarray(image).save(folder / "film" / f"{number:03}.png")
    write_true_run(
        folder / "rig", somebody.wrinkled.person, "Ada", folder / "film", camera, weights, angles,
        30.0,
    )  # fmt: skip
    return FilmedPerson(folder / "rig", folder / "film", truth, camera)
