"""Camera rigs drawn at random: what a method sees that must work with any of them.

The world is the rig's: its centre at the origin, +Y up, its front towards +Z, metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras import Camera, look_at_camera

__all__ = ["HEAD_M", "RigSpec", "draw_rig"]

Float64Array = NDArray[np.float64]
Layout = Literal["arc", "ring", "dome", "irregular"]

LAYOUTS: tuple[Layout, ...] = ("arc", "ring", "dome", "irregular")
HEAD_M = 0.25
"""Height of a head, for lenses."""
_CLOSEST_M = 0.35
"""A head may stand 0.1 m aside in each direction, and is 0.15 m deep: no camera is inside it."""
_SHAPES = ((1, 1), (4, 3), (3, 4), (3, 2), (2, 3))
"""Width to height of images."""
_GOLDEN = np.pi * (3 - np.sqrt(5))
_APART_RAD = 0.15
"""Least angle between two cameras of an irregular rig, and between neighbours of a pair."""
_LENS_REACH = 1.5
"""Tangent of the angle up to which a lens never folds its image back."""


@dataclass(frozen=True)
class RigSpec:
    """How rigs are drawn; ranges are (least, greatest)."""

    layouts: tuple[Layout, ...] = LAYOUTS
    """arc: side by side; ring: part of a ring, in one to three tiers; dome: over a cap around the
    front; irregular: anywhere on a cap."""
    views: tuple[int, int] = (2, 16)
    """Number of cameras, 2 to 16."""
    long_side: int = 192
    """Longer side of the images, pixels; all images of a rig are alike, portrait or landscape."""
    distance_m: tuple[float, float] = (0.5, 1.6)
    """Of cameras from the rig's centre, metres."""
    fill: tuple[float, float] = (0.45, 0.75)
    """Share of the image's shorter side that a head of 0.25 m takes at the centre."""
    azimuth_rad: float = 1.95
    """Farthest that cameras stand from the front to either side, radians."""
    lens_variation: float = 0.1
    """Standard deviation of the logarithm of focal lengths within one rig."""
    distortion: float = 0.06
    """Standard deviation of k1; that of k2 is a third of it."""
    centre_offset: float = 0.015
    """Standard deviation of the principal point, as a share of the image's longer side."""
    jitter_rad: float = 0.04
    """Standard deviation of each camera's place about the layout's, and of its roll, radians."""

    def __post_init__(self) -> None:
        if not self.layouts or not set(self.layouts) <= set(LAYOUTS):
            raise InputError(
                f"RigSpec: layouts {self.layouts}, expected some of {', '.join(LAYOUTS)}"
            )
        if not 2 <= self.views[0] <= self.views[1] <= 16:
            raise InputError(f"RigSpec: views {self.views}, expected 2 to 16, in order")
        if not 16 <= self.long_side <= 8192:
            raise InputError(f"RigSpec: long_side {self.long_side}, expected 16 to 8192 pixels")
        if not _CLOSEST_M <= self.distance_m[0] <= self.distance_m[1] < 100:
            raise InputError(
                f"RigSpec: distance_m {self.distance_m}, expected {_CLOSEST_M} m or more, in "
                "order: no camera may be inside a head"
            )
        if not 0.05 <= self.fill[0] <= self.fill[1] <= 0.9:
            raise InputError(f"RigSpec: fill {self.fill}, expected 0.05 to 0.9, in order")
        if not 0.3 <= self.azimuth_rad <= np.pi:
            raise InputError(f"RigSpec: azimuth_rad {self.azimuth_rad}, expected 0.3 to pi")
        varied = (self.lens_variation, self.distortion, self.centre_offset, self.jitter_rad)
        if not all(0 <= v <= 0.3 for v in varied):
            raise InputError(
                "RigSpec: lens_variation, distortion, centre_offset, jitter_rad "
                f"{varied}, expected 0 to 0.3"
            )


def draw_rig(spec: RigSpec, seed: int) -> tuple[Camera, ...]:
    """The cameras of rig `seed`, a function of spec and seed alone."""
    rng = np.random.default_rng((seed, 81))
    count = int(rng.integers(spec.views[0], spec.views[1] + 1))
    layout = spec.layouts[int(rng.integers(len(spec.layouts)))]
    across, down = _SHAPES[int(rng.integers(len(_SHAPES)))]
    width, height = (
        max(8 * round(spec.long_side * side / max(across, down) / 8), 8) for side in (across, down)
    )
    directions = _directions(layout, count, spec.azimuth_rad, rng)
    directions = directions + spec.jitter_rad * rng.standard_normal(directions.shape)
    distance, fill = rng.uniform(*spec.distance_m), rng.uniform(*spec.fill)
    uneven = 0.2 if layout == "irregular" else 0.05
    cameras = []
    for direction in directions:
        away = float(np.clip(distance * np.exp(uneven * rng.standard_normal()), *spec.distance_m))
        longer = float(np.exp(spec.lens_variation * np.clip(rng.standard_normal(), -2, 2)))
        share = np.clip(fill * longer, 0.8 * spec.fill[0], min(1.2 * spec.fill[1], 0.9))
        fov = 2 * np.arctan(0.5 * HEAD_M / away * height / (share * min(width, height)))
        cameras.append(_camera(spec, direction, away, float(fov), (width, height), rng))
    return tuple(cameras)


def _directions(layout: Layout, count: int, limit: float, rng: np.random.Generator) -> Float64Array:
    """(C, 2) azimuth and elevation, radians; azimuth 0 is +Z, growing to +X."""
    c = np.arange(count)
    # Neighbours must see something in common: few cameras do not spread over a whole ring.
    widest = min(limit, 0.15 + 0.25 * count)
    if layout in ("arc", "ring"):
        half = rng.uniform(0.4 * widest, widest)
        middle = float(np.clip(rng.normal(0, 0.15), half - limit, limit - half))
        azimuth = middle + np.linspace(-half, half, count)
        elevation = np.full(count, rng.normal(0.05, 0.1))
        if layout == "ring":
            tiers = int(rng.integers(1, 4))
            elevation += np.linspace(-0.3, 0.5, tiers)[c % tiers] if tiers > 1 else 0.0
        return np.stack([azimuth, elevation], 1)
    reach = rng.uniform(0.5 * widest, widest)
    if layout == "dome":
        # A Fibonacci lattice on the cap; its pole is the front.
        cosine = 1 - (c + 0.5) / count * (1 - np.cos(reach))
        turn = c * _GOLDEN + rng.uniform(0, 2 * np.pi)
        ways = np.stack([np.sqrt(1 - cosine**2) * f(turn) for f in (np.cos, np.sin)], 1)
        ways = np.concatenate([ways, cosine[:, None]], 1)
    else:
        ways = _scattered(count, reach, rng)
    # Nobody looks up from between the feet or straight down.
    elevation = np.arcsin(ways[:, 1]).clip(-0.6, 1.0)
    return np.stack([np.arctan2(ways[:, 0], ways[:, 2]).clip(-limit, limit), elevation], 1)


def _scattered(count: int, reach: float, rng: np.random.Generator) -> Float64Array:
    """(C, 3) unit vectors at most `reach` from +Z, apart from each other where there is room."""
    found: list[Float64Array] = []
    while len(found) < count:
        cosine = rng.uniform(np.cos(reach), 1, 16)
        turn, sine = rng.uniform(0, 2 * np.pi, 16), np.sqrt(1 - cosine**2)
        tried = np.stack([sine * np.cos(turn), 0.6 * sine * np.sin(turn), cosine], 1)
        tried /= np.linalg.norm(tried, axis=1, keepdims=True)
        nearest = np.max(tried @ np.stack(found).T, 1) if found else np.zeros(16)
        good = np.flatnonzero(nearest < np.cos(_APART_RAD))
        found.append(tried[good[0] if len(good) else nearest.argmin()])
    return np.stack(found)


def _camera(
    spec: RigSpec,
    direction: Float64Array,
    distance: float,
    fov: float,
    size: tuple[int, int],
    rng: np.random.Generator,
) -> Camera:
    azimuth, elevation = direction
    flat = np.cos(elevation)
    towards = np.array([np.sin(azimuth) * flat, np.sin(elevation), np.cos(azimuth) * flat])
    aim = 0.01 * rng.standard_normal(3).clip(-2, 2)
    roll = spec.jitter_rad * rng.standard_normal()
    up = np.array([0.0, np.cos(roll), 0.0]) + np.sin(roll) * np.cross([0.0, 1.0, 0.0], towards)
    camera = look_at_camera(distance * towards, aim, fov, *size, up)
    K = camera.K.copy()
    K[:2, 2] += spec.centre_offset * max(size) * rng.standard_normal(2).clip(-2, 2)
    k1, k2 = spec.distortion * rng.standard_normal(2) * (1, 1 / 3)
    r2 = np.linspace(0, _LENS_REACH, 20) ** 2
    while (1 + 3 * k1 * r2 + 5 * k2 * r2**2).min() < 0.2:
        k1, k2 = 0.7 * k1, 0.7 * k2
    return Camera(K, camera.camera_from_world, *size, float(k1), float(k2))
