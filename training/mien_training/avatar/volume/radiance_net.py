"""From features nearby to density and colour (Bai et al. 2023, section 3.2 and supplement)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mien_training.avatar.volume.anchoring import Nearby
from mien_training.avatar.volume.encoding import encode, encoded_size
from mien_training.avatar.volume.volume_config import VolumeSize

__all__ = ["DENSITY", "SOLID", "SOLID_M", "RadianceNet"]

DENSITY = 200.0
"""Per metre, of one unit of what the network says."""
SOLID, SOLID_M = 4.0, 0.002
"""What the network says of points inside, and less outside, before it has learnt: density that
starts as nothing everywhere has no gradient to come alive by."""


class RadianceNet(nn.Module):
    """MLP0 on every piece nearby, their weighted sum, MLP1 to density, MLP2 to colour."""

    def __init__(self, size: VolumeSize) -> None:
        super().__init__()
        self.longest_m, self.bands = size.longest_m, size.bands
        # The first layer of MLP0 in two parts: that of the features is the same for all points.
        self.of_offset = nn.Linear(encoded_size(3, size.bands[0]), size.width)
        self.of_features = nn.Linear(size.features, size.width, bias=False)
        self.mlp0 = _layers(size.layers[0] - 1, size.width)
        self.mlp1 = _layers(size.layers[1], size.width)
        self.density = nn.Linear(size.width, 1)
        seen = size.width + encoded_size(3, size.bands[1])
        self.mlp2 = nn.Sequential(nn.Linear(seen, size.colour_width), nn.ReLU())
        self.colour = nn.Linear(size.colour_width, 3)
        nn.init.zeros_(self.density.weight)
        nn.init.zeros_(self.density.bias)

    def forward(self, near: Nearby, table: Tensor, view: Tensor) -> tuple[Tensor, Tensor]:
        """(P,) density, per metre, and (P, 3) colour, display codes 0..1.

        table (N, F): features; view (P, 3): unit, from the camera to the point, head space.
        """
        count, k, m = near.rows.shape
        z = self.of_features(table).index_select(0, near.rows.flatten()).view(count, k, m, -1)
        z = z[:, :, 0] if near.blend is None else (z * near.blend[..., None]).sum(2)
        x = F.relu(self.of_offset(encode(near.offsets, self.longest_m, self.bands[0])) + z)
        x = (self.mlp0(x) * near.shares[..., None]).sum(1)
        x = self.mlp1(x)
        prior = -SOLID * torch.tanh(near.heights / SOLID_M)
        density = DENSITY * F.softplus(self.density(x)[:, 0] + prior) * near.presence
        seen = self.mlp2(torch.cat([x, encode(view, 2.0, self.bands[1])], 1))
        return density, torch.sigmoid(self.colour(seen))


def _layers(count: int, width: int) -> nn.Sequential:
    parts = [part for _ in range(count) for part in (nn.Linear(width, width), nn.ReLU())]
    return nn.Sequential(*parts)
