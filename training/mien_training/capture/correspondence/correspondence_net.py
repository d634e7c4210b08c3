"""A net that tells of every pixel which place of the head it shows, and how surely.

One image in; the place on the template's mean head, its uncertainty, the surface's normal and
whether it is bare skin out (as the dense maps of Feng et al. 2018, "Joint 3D Face Reconstruction
and Dense Alignment with Position Map Regression Network", turned round: places of pixels instead of
pixels of places; uncertainty after Kendall and Gal 2017). Where a mesh is known roughly, its own
places are shown to the net as a hint, and it tells what is different: hints carry over what other
views and other moments have found.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mien_training.networks.unet import UNet

__all__ = ["AWAY_M", "HINTS", "LEAST_M", "STRIDE", "UNIT_M", "CorrespondenceNet", "ViewMaps"]

STRIDE = 2
"""Pixels of the image a side to one of the maps."""
HINTS = 4
"""Place on the mean head of a mesh that is known roughly, and how far it is one: 1 on the mesh, a
half just beside it, 0 elsewhere."""
UNIT_M = 0.1
"""Of places inside the net."""
LEAST_M = 2e-4
"""Of expected distances."""
AWAY_M = 0.02
"""Of differences from hints inside the net."""
_OUT = 12


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
    """Images (B, 3, H, W) in -1..1 and hints (B, HINTS, H / 2, W / 2) -> `ViewMaps`.

    H and W are multiples of 2^levels. Grey images have three equal channels.
    """

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64, 128, 192), deeper: int = 3) -> None:
        """`widths`: channels of each level, the finest first, multiples of 8; `deeper`: residual
        blocks at the coarsest one, which sees the whole head."""
        super().__init__()
        self.unet = UNet(3 * STRIDE**2 + HINTS + 2, _OUT, widths, deeper=deeper)

    @property
    def features(self) -> int:
        """Channels of the last features."""
        return self.unet.widths[0]

    @property
    def multiple(self) -> int:
        """Of which sides of images are multiples."""
        return int(STRIDE * 2 ** (len(self.unet.widths) - 1))

    def forward(self, images: Tensor, hints: Tensor) -> ViewMaps:
        return _maps(self.unet(_seen(images, hints)), hints)

    def with_features(self, images: Tensor, hints: Tensor) -> tuple[ViewMaps, Tensor]:
        """Also the last features (B, widths[0], H / 2, W / 2), of which the maps are linear."""
        features = self.unet.features(_seen(images, hints))
        return _maps(self.unet.last(features), hints), features


def _seen(images: Tensor, hints: Tensor) -> Tensor:
    """Pixels, hints, and where in the image each of them is: heads are about in the middle."""
    scale = hints.new_tensor([1 / UNIT_M] * 3 + [1.0])[:, None, None]
    batch, _, height, width = hints.shape
    across = torch.linspace(-1, 1, width, device=hints.device).expand(batch, 1, height, width)
    down = torch.linspace(-1, 1, height, device=hints.device)[:, None].expand(across.shape)
    return torch.cat([F.pixel_unshuffle(images, STRIDE), hints * scale, across, down], 1)


def _maps(raw: Tensor, hints: Tensor) -> ViewMaps:
    """Where there is a hint, the difference from it; elsewhere places themselves."""
    hinted = hints[:, 3] > 0
    told = hints[:, :3] + AWAY_M * raw[:, 4:7]
    canonical = torch.where(hinted[:, None], told, UNIT_M * raw[:, 1:4])
    near, far = AWAY_M * F.softplus(raw[:, 8]), UNIT_M * F.softplus(raw[:, 7])
    return ViewMaps(
        raw[:, 0],
        canonical.permute(0, 2, 3, 1),
        LEAST_M + torch.where(hinted, near, far),
        F.normalize(raw[:, 9:12], dim=1).permute(0, 2, 3, 1),
    )
