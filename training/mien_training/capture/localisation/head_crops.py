"""Square images centred on the head, without lens distortion: one kind of picture, any rig."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from mien.errors import InputError
from mien_training.cameras import Camera
from mien_training.cameras.pixel_rays import fold_radius

__all__ = ["HEAD_CENTRE", "HEAD_RADIUS_M", "HeadCrop", "crop_cameras", "head_crops"]

Float64Array = NDArray[np.float64]

HEAD_CENTRE = (0.0, 0.125, 0.045)
"""Middle of a head in rig space, metres."""
HEAD_RADIUS_M = 0.16
"""Of a sphere about it that holds most heads down to the neck."""


@dataclass(frozen=True, eq=False)
class HeadCrop:
    """Of one view."""

    camera: Camera
    """What the crop is an image of: a pinhole where the original camera stands, turned to the
    head, without k1 and k2."""
    source: Camera
    """The original."""
    inside: float
    """Share of the crop's inscribed circle that the original image covers."""
    sees_head: bool
    """Whether that is enough, and the head is before the camera, which is outside it."""

    def resized(self, side: int) -> HeadCrop:
        """The same crop in other pixels, `side` of them."""
        K = self.camera.K * (side / self.camera.width)
        K[2, 2] = 1.0
        camera = Camera(K, self.camera.camera_from_world, side, side)
        return HeadCrop(camera, self.source, self.inside, self.sees_head)

    def source_pixels(self, pixels: ArrayLike) -> Float64Array:
        """(..., 2) pixels of the original where (..., 2) pixels of the crop come from.

        NaN where the original camera sees nothing: behind it, or beyond what its lens can image.
        """
        at = np.asarray(pixels, np.float64)
        flat = (at - self.camera.K[:2, 2]) / self.camera.K[0, 0]
        ways = np.concatenate([flat, np.ones_like(flat[..., :1])], -1)
        turn = self.source.camera_from_world[:3, :3] @ self.camera.camera_from_world[:3, :3].T
        ways = ways @ turn.T
        ahead = ways[..., 2:] > 1e-6
        xy = ways[..., :2] / np.where(ahead, ways[..., 2:], 1.0)
        x, y = xy[..., 0], xy[..., 1]
        r2 = (x * x + y * y)[..., None]
        seen = ahead & (r2 < fold_radius(self.source) ** 2)
        xy = xy * (1.0 + r2 * (self.source.k1 + r2 * self.source.k2))
        found = xy @ self.source.K[:2, :2].T + self.source.K[:2, 2]
        return np.asarray(np.where(seen, found, np.nan))

    def image(self, original: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(S, S, 3 or 1) the crop of an original (H, W, 3 or 1); black outside of it.

        Interpolated once, lens distortion included; of images larger than the crop, blocks of
        about as many pixels as fall on one of the crop's are averaged before. Raises InputError
        for another size.
        """
        self._check(original)
        block = max(round(self._source_step()), 1)
        at = self.source_pixels(_grid(self.camera.width))
        values = _bilinear(original if block == 1 else _block_means(original, block), at / block)
        inside = self._cells(at)[2][..., None]
        return np.asarray(np.rint(values * inside).clip(0, 255), np.uint8)

    def labels(self, original: NDArray[np.generic], outside: float = 0) -> NDArray[np.generic]:
        """(S, S, ...) nearest values of a map (H, W, ...) of the original, such as canonical
        places; `outside` beyond it. Vectors in camera axes are to be turned by the caller."""
        self._check(original)
        at = self.source_pixels(_grid(self.camera.width))
        column, row, valid = self._cells(at)
        found = np.asarray(original[row, column])
        found[~valid] = outside
        return found

    def covered(self) -> NDArray[np.bool_]:
        """(S, S) pixels of the crop that the original image covers."""
        return self._cells(self.source_pixels(_grid(self.camera.width)))[2]

    def _cells(
        self, at: Float64Array
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Column, row and whether it exists, of original pixels (..., 2)."""
        size = np.array([self.source.width, self.source.height])
        with np.errstate(invalid="ignore"):
            valid = np.asarray(((at >= 0) & (at < size)).all(-1))
        cell = np.where(valid[..., None], at, 0).astype(np.int64)
        return cell[..., 0], cell[..., 1], valid

    def _source_step(self) -> float:
        """Pixels of the original per pixel of the crop, at its middle."""
        middle = self.camera.width / 2
        ends = self.source_pixels(np.array([[middle - 1, middle], [middle + 1, middle]]))
        step = float(np.linalg.norm(ends[1] - ends[0])) / 2
        return step if np.isfinite(step) else 1.0

    def _check(self, original: NDArray[np.generic]) -> None:
        if original.ndim < 2 or original.shape[:2] != (self.source.height, self.source.width):
            raise InputError(
                f"HeadCrop: image of shape {original.shape}, expected that of the camera, "
                f"{self.source.height} rows and {self.source.width} columns"
            )


def crop_cameras(
    cameras: Sequence[Camera],
    centre: ArrayLike,
    side: int,
    radius_m: float = HEAD_RADIUS_M,
    up: ArrayLike | None = None,
    least_inside: float = 0.3,
) -> tuple[HeadCrop, ...]:
    """Crops of `side` pixels in which a sphere about `centre` (3,), metres, touches the edges.

    `up` (3,): the world's direction that points up in all crops, so that heads stand upright
    before cameras mounted on their side; None: as each camera has it. Raises InputError for a
    side below 8 or a radius that is not positive.
    """
    middle = np.asarray(centre, np.float64)
    if side < 8 or not radius_m > 0 or middle.shape != (3,) or not np.isfinite(middle).all():
        raise InputError(
            f"crop_cameras: side {side}, radius_m {radius_m}, centre {middle.shape}, expected 8 "
            "or more, above 0, (3,) and finite"
        )
    above = None if up is None else np.asarray(up, np.float64)
    return tuple(_crop(c, middle, side, radius_m, above, least_inside) for c in cameras)


def head_crops(
    cameras: Sequence[Camera], world_from_head: ArrayLike, side: int, scale: float = 1.0
) -> tuple[HeadCrop, ...]:
    """Upright crops of a head at a pose (4, 4), `scale` times as large as the mean head, about
    HEAD_CENTRE (`HeadPose.scale`)."""
    pose = np.asarray(world_from_head, np.float64)
    if pose.shape != (4, 4) or not np.isfinite(pose).all() or not scale > 0:
        raise InputError(f"head_crops: world_from_head {pose.shape}, expected (4, 4), finite")
    centre = pose[:3, :3] @ HEAD_CENTRE + pose[:3, 3]
    return crop_cameras(cameras, centre, side, scale * HEAD_RADIUS_M, pose[:3, 1])


def _crop(
    source: Camera,
    centre: Float64Array,
    side: int,
    radius_m: float,
    up: Float64Array | None,
    least_inside: float,
) -> HeadCrop:
    view = source.camera_from_world
    towards = centre - source.centre
    distance = float(np.linalg.norm(towards))
    # From inside the sphere nothing can be centred on it; the crop stays a camera, but is marked.
    outside = distance > 1.05 * radius_m
    forward = towards / distance if distance > 1e-6 else view[2, :3]
    above = -view[1, :3] if up is None else up
    right = np.cross(forward, above)
    if np.linalg.norm(right) < 0.05 * np.linalg.norm(above):  # seen from straight above or below
        right = view[0, :3] - (view[0, :3] @ forward) * forward
        if np.linalg.norm(right) < 0.05:
            right = np.cross(forward, view[2, :3])
    right /= np.linalg.norm(right)
    camera_from_world = np.eye(4)
    camera_from_world[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    camera_from_world[:3, 3] = -camera_from_world[:3, :3] @ source.centre
    sine = min(radius_m / distance, 0.95) if distance > 1e-6 else 0.95
    focal = 0.5 * side * np.sqrt(1 - sine**2) / sine  # the sphere's outline is a tangent cone
    K = np.array([[focal, 0.0, 0.5 * side], [0.0, focal, 0.5 * side], [0.0, 0.0, 1.0]])
    crop = HeadCrop(Camera(K, camera_from_world, side, side), source, 0.0, False)
    grid = _grid(32) * (side / 32)
    circle = np.linalg.norm(grid - 0.5 * side, axis=-1) < 0.5 * side
    inside = float(crop._cells(crop.source_pixels(grid))[2][circle].mean())
    ahead = bool(view[2, :3] @ towards > 0)
    return HeadCrop(crop.camera, source, inside, outside and ahead and inside >= least_inside)


def _grid(side: int) -> Float64Array:
    """(side, side, 2) pixel centres."""
    at = np.arange(side) + 0.5
    return np.stack(np.meshgrid(at, at), -1)


def _block_means(image: NDArray[np.uint8], block: int) -> NDArray[np.uint8]:
    """(ceil(H / block), ceil(W / block), C): the mean of each block of pixels."""
    channels = [
        np.asarray(Image.fromarray(image[..., c]).reduce(block)) for c in range(image.shape[2])
    ]
    return np.stack(channels, -1)


def _bilinear(image: NDArray[np.uint8], at: Float64Array) -> NDArray[np.float32]:
    """(..., C) values at pixels (..., 2) of (H, W, C); edges are repeated."""
    height, width = image.shape[:2]
    x = np.nan_to_num(at[..., 0] - 0.5).clip(0, width - 1)
    y = np.nan_to_num(at[..., 1] - 0.5).clip(0, height - 1)
    left, top = x.astype(np.int64), y.astype(np.int64)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    u = (x - left).astype(np.float32)[..., None]
    v = (y - top).astype(np.float32)[..., None]
    upper = (1 - u) * image[top, left] + u * image[top, right]
    lower = (1 - u) * image[bottom, left] + u * image[bottom, right]
    return np.asarray((1 - v) * upper + v * lower, np.float32)
