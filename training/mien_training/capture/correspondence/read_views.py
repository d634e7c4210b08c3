"""The correspondence net applied to the views of one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.errors import InputError
from mien_training.capture.correspondence.correspondence_net import (
    STRIDE,
    CorrespondenceNet,
    ViewMaps,
)
from mien_training.capture.localisation.head_crops import HeadCrop
from mien_training.capture.localisation.map_rays import MapRays, map_rays

__all__ = ["ReadViews", "read_views"]


_LEAST = 0.02
"""Certainty below which a pixel is not used."""


@dataclass(frozen=True, eq=False)
class ReadViews:
    """What the net makes of C crops."""

    crops: tuple[HeadCrop, ...]
    maps: ViewMaps
    """Of C views."""
    features: Tensor
    """(C, F, h, w) of which the maps are linear."""

    def rays(self, rays_per_view: int = 600, sure_m: float = 0.004) -> MapRays:
        """Of the pixels that the original images cover, and whose places are hardly farther off
        than some times `sure_m`."""
        return map_rays(
            [crop.camera for crop in self.crops], list(self.maps.canonical.numpy()),
            list(self.certainty(sure_m)), rays_per_view, _LEAST,
        )  # fmt: skip

    def certainty(self, sure_m: float) -> NDArray[np.float32]:
        """(C, h, w) as `ViewMaps.certainty`, 0 beyond the original images."""
        return np.asarray(self.maps.certainty(sure_m).numpy() * self.covered, np.float32)

    def skin(self) -> NDArray[np.float32]:
        """(C, h, w) 0..1 how likely bare skin is, 0 beyond the original images."""
        return np.asarray(torch.sigmoid(self.maps.skin).numpy() * self.covered, np.float32)

    @cached_property
    def covered(self) -> NDArray[np.bool_]:
        """(C, h, w) what the original images cover."""
        return np.stack([crop.covered()[::STRIDE, ::STRIDE] for crop in self.crops])


@torch.no_grad()
def read_views(
    net: CorrespondenceNet,
    images: Sequence[NDArray[np.uint8]],
    crops: Sequence[HeadCrop],
) -> ReadViews:
    """Maps and features of crops of images (H, W, 3 or 1).

    Raises InputError for crops whose side the net cannot take.
    """
    side = crops[0].camera.width
    if side % net.multiple:
        raise InputError(
            f"read_views: crops of {side} pixels, expected a multiple of {net.multiple}"
        )
    device = next(net.parameters()).device
    shown = np.stack([crop.image(image) for crop, image in zip(crops, images, strict=True)])
    told = torch.from_numpy(shown).permute(0, 3, 1, 2).expand(-1, 3, -1, -1).float() / 127.5 - 1
    told = told.contiguous(memory_format=torch.channels_last).to(device)
    maps, features = net.with_features(told)
    return ReadViews(
        tuple(crops),
        ViewMaps(maps.skin.cpu(), maps.canonical.cpu(), maps.deviation.cpu(), maps.normals.cpu()),
        features.cpu(),
    )
