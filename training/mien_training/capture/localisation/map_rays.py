"""Rays of the pixels that show a head, each with the place on the mean head that it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError
from mien_training.cameras import Camera
from mien_training.cameras.pixel_rays import pixel_rays

__all__ = ["MapRays", "map_rays"]

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MapRays:
    """N rays of C cameras."""

    origins: Float64Array
    """(N, 3) world, metres."""
    directions: Float64Array
    """(N, 3) unit, world."""
    canonical: Float64Array
    """(N, 3) place on the mean head, metres, rig space."""
    certainty: Float64Array
    """(N,) in (0, 1]."""
    camera: NDArray[np.int64]
    """(N,) index of the camera."""
    pixels: Float64Array
    """(N, 2) where in its image."""
    cameras: tuple[Camera, ...]
    """C."""

    @property
    def projectors(self) -> Float64Array:
        """(N, 3, 3) I - d d^T: takes an offset from the origin to its part across the ray."""
        across = self.directions[:, :, None] * self.directions[:, None]
        return np.asarray(np.eye(3) - across)


def map_rays(
    cameras: Sequence[Camera],
    canonical: Sequence[ArrayLike],
    certainty: Sequence[ArrayLike],
    rays_per_view: int = 600,
    least_certainty: float = 0.1,
) -> MapRays:
    """Of C views: canonical (H, W, 3), metres, and certainty (H, W) in 0..1 each, as large as the
    camera's image or a whole fraction of it.

    At most `rays_per_view` of the pixels at least so certain, evenly spread in reading order: no
    view's choice depends on the others. Raises InputError for views that do not fit each other.
    """
    if not len(cameras) == len(canonical) == len(certainty) or not len(cameras):
        raise InputError(
            f"map_rays: {len(cameras)} cameras, {len(canonical)} canonical maps, "
            f"{len(certainty)} certainties, expected as many of each, at least one"
        )
    if rays_per_view < 1 or not 0 < least_certainty <= 1:
        raise InputError(
            f"map_rays: rays_per_view {rays_per_view}, least_certainty {least_certainty}, "
            "expected 1 or more and 0..1"
        )
    found = [
        _view_rays(c, camera, np.asarray(place), np.asarray(sure), rays_per_view, least_certainty)
        for c, (camera, place, sure) in enumerate(zip(cameras, canonical, certainty, strict=True))
    ]
    pixels, places, sure = (np.concatenate([view[i] for view in found]) for i in range(3))
    counts = [len(view[0]) for view in found]
    ways = np.concatenate(
        [pixel_rays(camera, view[0]) for camera, view in zip(cameras, found, strict=True)]
    )
    origins = np.repeat(np.stack([camera.centre for camera in cameras]), counts, 0)
    index = np.repeat(np.arange(len(cameras)), counts)
    kept = np.isfinite(ways).all(1)
    return MapRays(
        origins[kept], ways[kept], places[kept], sure[kept], index[kept], pixels[kept],
        tuple(cameras),
    )  # fmt: skip


def _view_rays(
    number: int,
    camera: Camera,
    canonical: NDArray[np.floating],
    certainty: NDArray[np.floating],
    most: int,
    least: float,
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Pixels (N, 2), canonical (N, 3) and certainty (N,) of one view."""
    height, width = certainty.shape if certainty.ndim == 2 else (0, 0)
    if canonical.shape != (height, width, 3) or not height or not width:
        raise InputError(
            f"map_rays: view {number}: canonical {canonical.shape} and certainty "
            f"{certainty.shape}, expected (H, W, 3) and (H, W)"
        )
    if camera.height * width != camera.width * height:
        raise InputError(
            f"map_rays: view {number}: maps of {width} x {height}, expected the shape of the "
            f"camera's {camera.width} x {camera.height}"
        )
    row, column = np.nonzero(certainty >= least)
    chosen = np.linspace(0, len(row) - 1, min(most, len(row))).round().astype(np.int64)
    row, column = row[chosen], column[chosen]
    places = canonical[row, column].astype(np.float64)
    sure = certainty[row, column].astype(np.float64)
    if not (np.isfinite(places).all() and np.isfinite(sure).all() and (sure <= 1).all()):
        raise InputError(
            f"map_rays: view {number}: expected finite canonical places, certainty at most 1"
        )
    pixels = (np.stack([column, row], 1) + 0.5) * (camera.width / width)
    return pixels, places, sure
