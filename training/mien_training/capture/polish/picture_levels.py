"""Pictures of a moment as they are compared: square crops, and what they show of given places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from mien.errors import InputError
from mien_training.cameras import Camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.capture.localisation.head_crops import head_crops
from mien_training.rendering.photo_consistency.agreement import sampled_logarithms
from mien_training.rendering.photo_consistency.pictures import Pictures, logarithms

__all__ = ["Crops", "HeadUnseenError", "Level", "PlaceColours", "crop_pictures"]


_VISIBLE = 2
"""Pixels along one side of what shows one place: what is hidden differs by more."""


class HeadUnseenError(InputError):
    """Fewer than two cameras see the head: look at their calibration, or at where they point."""


@dataclass(frozen=True, eq=False)
class Crops:
    """C views that show the head, the others left out."""

    pictures: Pictures
    images: Tensor
    """(C, S, S, X) sRGB bytes."""
    camera: tuple[int, ...]
    """C, which of the given cameras each is."""
    pixel_m: float
    """Size of a pixel on the head, about, metres."""

    def without(self, views: Sequence[int]) -> Crops:
        """The same without some of the C."""
        kept = [c for c in range(len(self.camera)) if c not in views]
        masks = self.pictures.masks
        pictures = Pictures(
            self.pictures.views, self.pictures.camera[kept], self.pictures.size,
            None if masks is None else masks[kept],
        )  # fmt: skip
        camera = tuple(self.camera[c] for c in kept)
        return Crops(pictures, self.images[kept], camera, self.pixel_m)


@dataclass(frozen=True, eq=False)
class PlaceColours:
    """Of P places in N pictures."""

    colour: Tensor
    """(N, X, P) logarithms."""
    along: Tensor
    """(N, X, P) their change per metre that the place moves along its normal."""
    across: Tensor
    """(N, X, P, 2) their change per pixel of the crop that the picture is moved."""


class Level:
    """The crops at one resolution."""

    def __init__(self, crops: Crops, shrink: int) -> None:
        self._pictures = crops.pictures
        self._shrink = shrink
        log = logarithms(crops.images, shrink)
        self._channels = log.shape[1]
        wide = F.pad(log, (1, 1, 1, 1), mode="replicate")
        right = (wide[..., 1:-1, 2:] - wide[..., 1:-1, :-2]) / (2 * shrink)
        down = (wide[..., 2:, 1:-1] - wide[..., :-2, 1:-1]) / (2 * shrink)
        self._maps = torch.cat([log, right, down], 1)
        least = max(shrink, _VISIBLE)
        self.visible_size = (crops.images.shape[1] // least, crops.images.shape[2] // least)
        """Rows and columns at which it is worked out what hides what."""

    def shown(self, place: Tensor) -> Tensor:
        """(N, X, P) logarithms at places (P, 3), world: `colours` without what moving changes."""
        return sampled_logarithms(place, self._maps[:, : self._channels], self._pictures)

    def colours(self, place: Tensor, normal: Tensor) -> PlaceColours:
        """Of places (P, 3), world, with unit normals (P, 3)."""
        found = sampled_logarithms(place, self._maps, self._pictures)
        colour, right, down = torch.split(found, self._channels, 1)
        views = self._pictures.views
        view, intrinsics = (
            values[self._pictures.camera] for values in (views.camera_from_world, views.intrinsics)
        )
        turn = view[:, :3, :3].transpose(1, 2)
        seen = place @ turn + view[:, None, :3, 3]
        way = normal @ turn
        depth = seen[..., 2:].clamp_min(0.01)
        # Crops are pinholes of one focal length: the derivative of f (x, y) / z.
        moved = (way[..., :2] - seen[..., :2] / depth * way[..., 2:]) / depth
        moved = moved * intrinsics[:, 0, 0, None, None]
        along = right * moved[:, None, :, 0] + down * moved[:, None, :, 1]
        return PlaceColours(colour, along, torch.stack([right, down], -1))


def crop_pictures(
    images: Sequence[NDArray[np.uint8]],
    cameras: Sequence[Camera],
    masks: Sequence[NDArray[np.bool_]] | None,
    world_from_head: NDArray[np.float64],
    side: int,
) -> Crops:
    """Crops of `side` pixels of images (H, W, 3 or 1). Raises InputError for pictures, masks and
    cameras that do not fit each other, HeadUnseenError for fewer than two that see the head."""
    if len(images) != len(cameras) or (masks is not None and len(masks) != len(cameras)):
        raise InputError(
            f"polish: {len(images)} images, {len(cameras)} cameras and "
            f"{'no' if masks is None else len(masks)} masks, expected as many of each"
        )
    channels = {image.shape[2] if image.ndim == 3 else 0 for image in images}
    if len(channels) > 1 or not channels <= {1, 3}:
        raise InputError(f"polish: images of {sorted(channels)} channels, expected all 1 or all 3")
    if any(image.dtype != np.uint8 for image in images):
        raise InputError("polish: expected images of uint8")
    found = head_crops(cameras, world_from_head, side) if len(cameras) else ()
    # In an order of their own: sums round alike however they came.
    order = sorted(range(len(found)), key=lambda c: cameras[c].camera_from_world.ravel().tolist())
    kept = [c for c in order if found[c].sees_head]
    if len(kept) < 2:
        raise HeadUnseenError(
            f"polish: {len(kept)} of {len(cameras)} cameras see the head, expected 2"
        )
    inside = [
        found[c].covered() if masks is None else np.asarray(found[c].labels(masks[c]), np.bool_)
        for c in kept
    ]
    pictures = Pictures(
        CameraBatch.of([found[c].camera for c in kept]), torch.arange(len(kept)), (side, side),
        torch.from_numpy(np.stack(inside)),
    )  # fmt: skip
    crops = torch.from_numpy(np.stack([found[c].image(images[c]) for c in kept]))
    head = world_from_head[:3, 3]
    pixel = [np.linalg.norm(cameras[c].centre - head) / found[c].camera.K[0, 0] for c in kept]
    return Crops(pictures, crops, tuple(kept), float(np.median(pixel)))
