"""Lenses whose distortion goes beyond k1 and k2: OpenCV's model of eight terms, and its camera.

Such distortion is removed once, when a picture is read (`undistort.lens_map`): what works on
pictures sees cameras without any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras.camera import Camera

__all__ = ["Lens", "LensCamera", "camera_with_lens", "folds", "image_rays"]

Float64Array = NDArray[np.float64]

_TERMS = 8
_STEPS, _NEWTON = 8, 12
"""Steps from the axis to the border, so that the inverse stays on the lens's own branch, and rounds
of Newton's method at each."""
_EXACT = 1e-9


@dataclass(frozen=True)
class Lens:
    """With r^2 = x^2 + y^2 and s = (1 + k1 r^2 + k2 r^4 + k3 r^6) / (1 + k4 r^2 + k5 r^4 + k6 r^6)
    of normalised coordinates (OpenCV, "Camera Calibration and 3D Reconstruction"):

    x' = s x + 2 p1 x y + p2 (r^2 + 2 x^2),  y' = s y + p1 (r^2 + 2 y^2) + 2 p2 x y
    """

    k1: float = 0.0
    """Radial, as those of `Camera`."""
    k2: float = 0.0
    p1: float = 0.0
    """Tangential: the lens is not parallel to the sensor."""
    p2: float = 0.0
    k3: float = 0.0
    """Radial, of r^6."""
    k4: float = 0.0
    """Radial, in the denominator."""
    k5: float = 0.0
    k6: float = 0.0

    @classmethod
    def of_opencv(cls, terms: Sequence[float], where: str) -> Lens:
        """From OpenCV's list k1, k2, p1, p2, k3, k4, k5, k6, cut short where zeros follow.

        Raises InputError, naming `where`, for lists that OpenCV does not have, and for prism and
        tilt (the terms after the eighth) that are not zero.
        """
        if len(terms) not in (0, 2, 4, 5, 8, 12, 14) or any(terms[_TERMS:]):
            raise InputError(
                f"{where} has {len(terms)} terms, expected 0, 4, 5 or 8: k1, k2, p1, p2, k3, k4, "
                "k5, k6 (prism and tilt, the terms after them, are not supported)"
            )
        return cls(*(float(term) for term in terms[:_TERMS]))

    @property
    def is_radial(self) -> bool:
        """Whether k1 and k2 say it all."""
        return not any(astuple(self)[2:])

    @property
    def term_count(self) -> int:
        """Terms that are not zero."""
        return sum(term != 0 for term in astuple(self))

    def distorted(self, xy: Float64Array) -> Float64Array:
        """Normalised coordinates (..., 2) as the lens bends them."""
        x, y = xy[..., 0], xy[..., 1]
        r2 = x * x + y * y
        over = 1 + r2 * (self.k1 + r2 * (self.k2 + r2 * self.k3))
        under = 1 + r2 * (self.k4 + r2 * (self.k5 + r2 * self.k6))
        with np.errstate(divide="ignore", invalid="ignore"):
            s = over / under
        bent_x = s * x + 2 * self.p1 * x * y + self.p2 * (r2 + 2 * x * x)
        bent_y = s * y + self.p1 * (r2 + 2 * y * y) + 2 * self.p2 * x * y
        return np.stack([bent_x, bent_y], -1)


@dataclass(frozen=True, eq=False)
class LensCamera(Camera):
    """A camera whose distortion goes beyond k1 and k2; its own k1 and k2 are 0."""

    lens: Lens = Lens()
    """In place of k1 and k2."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k1 or self.k2:
            raise InputError("LensCamera: k1 and k2 are not 0, expected those of its lens alone")

    @property
    def distorts(self) -> bool:
        """Whether `distorted` changes anything."""
        return self.lens != Lens()

    def distorted(self, xy: Float64Array) -> Float64Array:
        """Normalised coordinates x / z and y / z (..., 2) as the lens bends them."""
        return self.lens.distorted(xy)


def camera_with_lens(camera: Camera, lens: Lens) -> Camera:
    """The camera with that lens in place of its own: a plain `Camera` where k1 and k2 do."""
    bare = (camera.K, camera.camera_from_world, camera.width, camera.height)
    return Camera(*bare, lens.k1, lens.k2) if lens.is_radial else LensCamera(*bare, lens=lens)


def image_rays(camera: Camera, side: int = 25) -> Float64Array:
    """(side, side, 2) normalised coordinates, before the lens, of points spread over the image, its
    borders among them; NaN where no ray of the lens's own branch ends.

    Newton's method, along lines from the lens's axis outwards.
    """
    across, down = np.linspace(0, camera.width, side), np.linspace(0, camera.height, side)
    pixels = np.stack([*np.meshgrid(across, down), np.ones((side, side))], -1)
    target = (pixels @ np.linalg.inv(camera.K).T)[..., :2]
    found = np.zeros_like(target)
    lost = np.zeros(target.shape[:2], bool)
    with np.errstate(all="ignore"):
        for step in range(1, _STEPS + 1):
            for _ in range(_NEWTON):
                gap = target * (step / _STEPS) - camera.distorted(found)
                (a, b), (c, d) = _jacobian(camera, found)
                area = a * d - b * c
                move = np.stack([d * gap[..., 0] - b * gap[..., 1],
                                 a * gap[..., 1] - c * gap[..., 0]], -1)  # fmt: skip
                found = found + move / area[..., None]
            lost |= ~(area > 0)
        gap = np.abs(target - camera.distorted(found)).max(-1)
    found[lost | ~(gap < _EXACT)] = np.nan
    return found


def folds(camera: Camera, side: int = 33) -> bool:
    """Whether the undistorted picture would show a part of the picture twice: somewhere in it the
    distortion turns back, or breaks off, within the picture."""
    across, down = np.linspace(0, camera.width, side), np.linspace(0, camera.height, side)
    pixels = np.stack([*np.meshgrid(across, down), np.ones((side, side))], -1)
    rays = (pixels @ np.linalg.inv(camera.K).T)[..., :2]
    with np.errstate(all="ignore"):
        (a, b), (c, d) = _jacobian(camera, rays)
        seen = camera.distorted(rays) @ camera.K[:2, :2].T + camera.K[:2, 2]
        inside = ((seen >= 0) & (seen <= (camera.width, camera.height))).all(-1)
        broken = ~np.isfinite(seen).all(-1)
        return bool((broken | (inside & ~(a * d - b * c > 0))).any())


def _jacobian(camera: Camera, xy: Float64Array) -> tuple[tuple[Float64Array, ...], ...]:
    """Of `distorted` at (..., 2): rows x' and y', columns x and y; central differences."""
    small = 1e-6
    columns = [
        (camera.distorted(xy + step) - camera.distorted(xy - step)) / (2 * small)
        for step in small * np.eye(2)
    ]
    return tuple(tuple(column[..., axis] for column in columns) for axis in (0, 1))
