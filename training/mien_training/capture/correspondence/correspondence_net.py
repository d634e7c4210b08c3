"""A net that tells of every pixel which place of the head it shows, and how surely.

One image in; the place on the template's mean head, its uncertainty, the surface's normal and
whether it is bare skin out (as the dense maps of Feng et al. 2018, "Joint 3D Face Reconstruction
and Dense Alignment with Position Map Regression Network", turned round: places of pixels instead of
pixels of places; uncertainty after Kendall and Gal 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mien_training.networks.unet import UNet

__all__ = ["CHANNELS", "LEAST_M", "STRIDE", "UNIT_M", "CorrespondenceNet", "ViewMaps"]

STRIDE = 2
"""Pixels of the image a side to one of the maps."""
UNIT_M = 0.1
"""Of places inside the net."""
LEAST_M = 2e-4
"""Of expected distances."""
CHANNELS = {"skin": (0, 1), "places": (1, 4), "doubt": (4, 5), "facing": (5, 8)}
"""First and end of what the U-Net tells."""
_OUT = 8


@dataclass(frozen=True, eq=False)
class ViewMaps:
    """Of B images, at every second pixel of every second row."""

    skin: Tensor
    """(B, h, w) logit that the pixel shows the head's bare skin."""
    canonical: Tensor
    """(B, h, w, 3) place on the template's mean head, metres, rig space."""
    deviation: Tensor
    """(B, h, w) expected distance of it from the true place, metres."""
    normals: Tensor
    """(B, h, w, 3) unit, camera axes."""

    def certainty(self, sure_m: float) -> Tensor:
        """(B, h, w) in 0..1: weight of a place in a fit, by how likely it is skin and by its
        expected squared distance; half where that distance is `sure_m`."""
        return torch.sigmoid(self.skin) / (1 + (self.deviation / sure_m).square())


class CorrespondenceNet(nn.Module):
    """Images (B, 3, H, W) in -1..1 -> `ViewMaps`.

    H and W are multiples of 2^levels. Grey images have three equal channels.
    """

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64, 128, 192), deeper: int = 3) -> None:
        """`widths`: channels of each level, the finest first, multiples of 8; `deeper`: residual
        blocks at the coarsest one, which sees the whole head."""
        super().__init__()
        self.unet = UNet(3 * STRIDE**2 + 2, _OUT, widths, deeper=deeper)

    @property
    def features(self) -> int:
        """Channels of the last features."""
        return self.unet.widths[0]

    @property
    def multiple(self) -> int:
        """Of which sides of images are multiples."""
        return int(STRIDE * 2 ** (len(self.unet.widths) - 1))

    def forward(self, images: Tensor) -> ViewMaps:
        return self.with_features(images)[0]

    def with_features(self, images: Tensor) -> tuple[ViewMaps, Tensor]:
        """Also the last features (B, widths[0], H / 2, W / 2), of which the maps are linear."""
        features = self.unet.features(_seen(images))
        return _maps(self.unet.last(features)), features


def _seen(images: Tensor) -> Tensor:
    """Pixels, and where in the image each of them is: heads are about in the middle."""
    pixels = F.pixel_unshuffle(images, STRIDE)
    batch, _, height, width = pixels.shape
    across = torch.linspace(-1, 1, width, device=images.device).expand(batch, 1, height, width)
    down = torch.linspace(-1, 1, height, device=images.device)[:, None].expand(across.shape)
    return torch.cat([pixels, across, down], 1)


def _maps(raw: Tensor) -> ViewMaps:
    told = {name: raw[:, first:end] for name, (first, end) in CHANNELS.items()}
    return ViewMaps(
        told["skin"][:, 0],
        UNIT_M * told["places"].permute(0, 2, 3, 1),
        LEAST_M + UNIT_M * F.softplus(told["doubt"][:, 0]),
        F.normalize(told["facing"], dim=1).permute(0, 2, 3, 1),
    )
