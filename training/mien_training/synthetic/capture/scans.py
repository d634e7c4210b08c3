"""What a multi-view stereo scanner would make of a moment: points, normals, noise and holes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.deform import vertex_normals
from mien.errors import InputError
from mien_training.cameras import Camera, project
from mien_training.synthetic.capture.line_of_sight import LinesOfSight
from mien_training.synthetic.smooth_field import SmoothField

__all__ = ["Scan", "ScanSpec", "simulate_scan"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_OTHER_NOISE = 3.0
"""How much noisier hair and cloth are than skin."""
_WAVES_M = (0.006, 0.03)
"""Wavelengths of the noise that neighbours share: those of matching windows."""


@dataclass(frozen=True)
class ScanSpec:
    """How dense and how bad scans are."""

    points: int = 20_000
    """How many places are tried, over all surfaces, inner ones and those that none or one camera
    sees included; 0: no scans."""
    noise_m: float = 0.0003
    """Standard deviation along the line of sight, seen from straight ahead, metres."""
    correlated: float = 0.7
    """Share of the noise's variance that neighbours have in common."""
    grazing_deg: tuple[float, float] = (55.0, 78.0)
    """Between these angles from the normal the surface fades from all there to all holes."""
    darkest: float = 18.0
    """Mean 8-bit code below which dark places have holes."""
    hair: float = 0.25
    """Share of points on hair, glasses and clothes that is matched at all."""
    outliers: float = 0.01
    """Share of points that lie anywhere along their line of sight, up to 3 cm off."""
    normals_deg: float = 6.0
    """Standard deviation of the direction of normals, degrees."""

    def __post_init__(self) -> None:
        if not 0 <= self.points <= 10_000_000:
            raise InputError(f"ScanSpec: points {self.points}, expected 0 to 10000000")
        if not 0 <= self.noise_m <= 0.01:
            raise InputError(f"ScanSpec: noise_m {self.noise_m}, expected 0 to 0.01")
        for name in ("correlated", "hair", "outliers"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"ScanSpec: {name} {getattr(self, name)}, expected 0 to 1")
        if not 0 < self.grazing_deg[0] < self.grazing_deg[1] <= 90:
            raise InputError(
                f"ScanSpec: grazing_deg {self.grazing_deg}, expected 0 to 90, in order"
            )
        if not 0 <= self.darkest <= 255 or not 0 <= self.normals_deg <= 45:
            raise InputError(
                f"ScanSpec: darkest {self.darkest}, normals_deg {self.normals_deg}, expected "
                "0 to 255 and 0 to 45"
            )


@dataclass(frozen=True, eq=False)
class Scan:
    """N points in no order."""

    points: Float32Array
    """(N, 3) world, metres."""
    normals: Float32Array
    """(N, 3) unit, outwards."""
    triangle: NDArray[np.int32]
    """(N,) of the scene that each came from, the head's first; -1 for outliers. For tests only:
    no scanner knows it."""


def simulate_scan(
    spec: ScanSpec,
    vertices: Float32Array,
    triangles: NDArray[np.int32],
    head_triangles: int,
    cameras: Sequence[Camera],
    images: Sequence[NDArray[np.uint8]],
    seed: int,
    sight: LinesOfSight | None = None,
) -> Scan:
    """A scan of a scene of (V, 3) vertices, world, metres, and (F, 3) triangles, the first
    `head_triangles` of them the head's.

    images (C) of (H, W, 3): what the cameras saw, for dark places. sight: of the same scene, if
    there already is one. Every point is seen by two cameras or more before noise moves it.
    """
    rng = np.random.default_rng((seed, 92))
    corners = vertices[triangles].astype(np.float64)
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    area[head_triangles:] *= spec.hair
    chosen = rng.choice(len(triangles), spec.points, p=area / area.sum())
    weights = rng.dirichlet((1, 1, 1), spec.points)
    points = np.einsum("nc,ncx->nx", weights, corners[chosen])
    every = vertex_normals(vertices, triangles).astype(np.float64)
    normals = _unit(np.einsum("nc,ncx->nx", weights, every[triangles[chosen]]))
    sight = sight or LinesOfSight(vertices, triangles)
    seen = np.stack(
        [
            sight.seen(points.astype(np.float32), normals.astype(np.float32), camera)
            for camera in cameras
        ]
    )
    towards = np.stack([_unit(camera.centre - points) for camera in cameras])
    cosine = np.where(seen, (towards * normals).sum(2), 0.0)
    low, high = np.cos(np.radians(spec.grazing_deg))[::-1]
    # A match takes two views: the second best decides whether there is one.
    matched = np.sort(cosine, 0)[-2] if len(cameras) > 1 else np.zeros(len(points))
    kept = matched > low + (high - low) * rng.random(len(points))
    if spec.darkest > 0:
        light = _brightness(points, cameras, images, seen)
        kept &= light > spec.darkest * rng.uniform(0.5, 1.5, len(points))
    kept &= seen.sum(0) >= 2
    at = np.flatnonzero(kept)
    ray = _unit((towards[:, at] * cosine[:, at, None]).sum(0))
    moved = (
        points[at]
        + _offsets(spec, points[at], matched[at], chosen[at] >= head_triangles, rng)[:, None] * ray
    )
    outlier = rng.random(len(at)) < spec.outliers
    moved[outlier] += rng.uniform(-0.03, 0.03, (int(outlier.sum()), 1)) * ray[outlier]
    bent = normals[at] + np.radians(spec.normals_deg) * rng.standard_normal((len(at), 3))
    return Scan(
        moved.astype(np.float32),
        _unit(bent).astype(np.float32),
        np.where(outlier, -1, chosen[at]).astype(np.int32),
    )


def _offsets(
    spec: ScanSpec,
    points: Float64Array,
    cosine: Float64Array,
    rough: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Float64Array:
    """(N,) along the lines of sight, metres: slanted surfaces match worse."""
    shared = SmoothField(rng, 1, *_WAVES_M)(points)[:, 0] if len(points) else np.zeros(0)
    own = rng.standard_normal(len(points))
    noise = np.sqrt(spec.correlated) * shared + np.sqrt(1 - spec.correlated) * own
    noise = noise.clip(-3, 3) * spec.noise_m / np.maximum(cosine, 0.3)
    return np.asarray(np.where(rough, _OTHER_NOISE, 1.0) * noise)


def _brightness(
    points: Float64Array,
    cameras: Sequence[Camera],
    images: Sequence[NDArray[np.uint8]],
    seen: NDArray[np.bool_],
) -> Float64Array:
    """(N,) mean code of each point's pixels in the images that see it; 0 where none does."""
    total = np.zeros(len(points))
    for camera, image, member in zip(cameras, images, seen, strict=True):
        pixels = project(camera, points[member])[0].astype(np.int64)
        column = pixels[:, 0].clip(0, camera.width - 1)
        total[member] += image[pixels[:, 1].clip(0, camera.height - 1), column].mean(-1)
    return np.asarray(total / np.maximum(seen.sum(0), 1))


def _unit(vectors: Float64Array) -> Float64Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))
