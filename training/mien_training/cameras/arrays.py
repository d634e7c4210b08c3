"""Rigs of many cameras around one subject: arcs, rings and domes, with lenses that differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError
from mien_training.cameras.camera import Camera, look_at_camera

__all__ = ["ArraySpec", "camera_array"]

Float64Array = NDArray[np.float64]

_GOLDEN = np.pi * (3 - np.sqrt(5))


@dataclass(frozen=True)
class ArraySpec:
    """Where cameras stand around a subject that faces +Z, and how they see."""

    layout: Literal["arc", "ring", "dome"] = "arc"
    """arc: side by side in front; ring: all the way round; dome: over a cap around the front."""
    count: int = 3
    """How many cameras, 2 to 16."""
    width: int = 512
    """Of the images, pixels."""
    height: int = 512
    """Of the images, pixels."""
    spread_rad: float = 1.4
    """Whole angle of an arc, radians; a dome reaches half of it from the front."""
    elevation_rad: float = 0.05
    """Height of an arc or a ring above the subject's middle, as an angle, radians."""
    fill: float = 0.7
    """Share of the image's shorter side that the subject's height takes."""
    fov_rad: float = 0.4
    """Typical field of view over the image's height, radians."""
    lens_variation: float = 0.2
    """Standard deviation of the logarithm of the fields of view; cameras with a wider one stand
    nearer, so that the subject keeps its size."""
    distortion: float = 0.02
    """Standard deviation of k1."""
    centre_offset: float = 0.01
    """Standard deviation of the principal point, as a share of the image's width."""
    jitter_rad: float = 0.03
    """Standard deviation of each camera's place, of its aim (a quarter of that) and of its roll,
    radians: nobody places cameras exactly."""

    def __post_init__(self) -> None:
        if self.layout not in ("arc", "ring", "dome"):
            raise InputError(f"ArraySpec: layout {self.layout!r}, expected arc, ring or dome")
        if not 2 <= self.count <= 16:
            raise InputError(f"ArraySpec: count {self.count}, expected 2 to 16")
        if min(self.width, self.height) < 16:
            raise InputError(
                f"ArraySpec: width {self.width}, height {self.height}, expected 16 pixels or more"
            )
        if not (0 < self.spread_rad <= 2 * np.pi and 0 < self.fov_rad < 2):
            raise InputError(
                f"ArraySpec: spread_rad {self.spread_rad}, fov_rad {self.fov_rad}, expected "
                "0..2 pi and 0..2"
            )
        if not abs(self.elevation_rad) < 1.4 or not 0 < self.fill <= 2:
            raise InputError(
                f"ArraySpec: elevation_rad {self.elevation_rad}, fill {self.fill}, expected "
                "-1.4..1.4 and 0..2"
            )
        varied = (self.lens_variation, self.distortion, self.centre_offset, self.jitter_rad)
        if not all(0 <= v <= 0.5 for v in varied):
            raise InputError(
                f"ArraySpec: lens_variation, distortion, centre_offset, jitter_rad {varied}, "
                "expected 0..0.5"
            )


def camera_array(
    spec: ArraySpec, middle: ArrayLike, height_m: float, seed: int
) -> tuple[Camera, ...]:
    """The cameras around a subject with its middle at (3,), metres, `height_m` tall.

    A function of the arguments alone; camera c does not depend on how later ones are drawn.
    Raises InputError for a height that is not positive.
    """
    if not height_m > 0:
        raise InputError(f"camera_array: height_m {height_m}, expected above 0")
    centre = np.asarray(middle, np.float64)
    return tuple(
        _camera(spec, direction, centre, height_m, np.random.default_rng((seed, 51, c)))
        for c, direction in enumerate(_directions(spec))
    )


def _directions(spec: ArraySpec) -> Float64Array:
    """(C, 2) azimuth and elevation, radians; azimuth 0 is +Z, growing to +X."""
    c = np.arange(spec.count)
    if spec.layout == "dome":
        # A Fibonacci lattice on the cap; its pole is the front.
        cosine = 1 - (c + 0.5) / spec.count * (1 - np.cos(spec.spread_rad / 2))
        sine, turn = np.sqrt(1 - cosine**2), c * _GOLDEN
        x, y = sine * np.cos(turn), sine * np.sin(turn)
        return np.stack([np.arctan2(x, cosine), np.arcsin(y)], 1)
    if spec.layout == "ring":
        azimuth = c * (2 * np.pi / spec.count)
    else:
        azimuth = np.linspace(-0.5, 0.5, spec.count) * spec.spread_rad
    return np.stack([azimuth, np.full(spec.count, spec.elevation_rad)], 1)


def _camera(
    spec: ArraySpec,
    direction: Float64Array,
    middle: Float64Array,
    height_m: float,
    rng: np.random.Generator,
) -> Camera:
    azimuth, elevation = direction + spec.jitter_rad * rng.standard_normal(2)
    fov = float(np.clip(spec.fov_rad * np.exp(spec.lens_variation * rng.standard_normal()), 0.1, 2))
    # On an image that is taller than wide the width decides.
    share = spec.fill * min(spec.width / spec.height, 1.0)
    distance = 0.5 * height_m / share / np.tan(0.5 * fov)
    towards = np.array(
        [
            np.sin(azimuth) * np.cos(elevation),
            np.sin(elevation),
            np.cos(azimuth) * np.cos(elevation),
        ]
    )
    aim = middle + 0.25 * spec.jitter_rad * height_m * rng.standard_normal(3)
    roll = spec.jitter_rad * rng.standard_normal()
    right = np.cross([0.0, 1.0, 0.0], towards)
    up = np.cos(roll) * np.array([0.0, 1.0, 0.0]) + np.sin(roll) * right
    camera = look_at_camera(middle + distance * towards, aim, fov, spec.width, spec.height, up)
    K = camera.K.copy()
    K[:2, 2] += spec.centre_offset * spec.width * rng.standard_normal(2)
    k1 = float(spec.distortion * rng.standard_normal())
    return Camera(K, camera.camera_from_world, spec.width, spec.height, k1, 0.0)
