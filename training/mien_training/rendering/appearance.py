"""What the light does: an albedo texture per material under spherical harmonics.

The irradiance of distant light on a Lambertian surface has nine numbers (Ramamoorthi and Hanrahan
2001, "An Efficient Representation for Irradiance Environment Maps", equations 11 to 13); what skin
mirrors besides is a few soft highlights, as spherical Gaussians of the reflected line of sight.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mien.errors import InputError

__all__ = ["Appearance", "harmonics", "srgb_from_linear"]


def harmonics(normals: Tensor) -> Tensor:
    """(N, 3) unit normals -> (N, 9) real spherical harmonics up to the second order."""
    x, y, z = normals.unbind(-1)
    one = torch.ones_like(x)
    basis = [
        0.282095 * one, 0.488603 * y, 0.488603 * z, 0.488603 * x, 1.092548 * x * y,
        1.092548 * y * z, 0.315392 * (3 * z * z - 1), 1.092548 * x * z, 0.546274 * (x * x - y * y),
    ]  # fmt: skip
    return torch.stack(basis, -1)


def srgb_from_linear(linear: Tensor) -> Tensor:
    """Light 0..1 -> sRGB codes 0..1 (IEC 61966-2-1); darkness keeps a finite slope."""
    curve = 1.055 * linear.clamp_min(0.0031308).pow(1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, 12.92 * linear, curve)


class Appearance(nn.Module):
    """Colour of surface points as sRGB: texture times light, highlights, the camera's gain."""

    def __init__(self, materials: int, side: int, cameras: int) -> None:
        """Grey surfaces in even light; the first material's texture has `side` texels a side, the
        others' a quarter of that.
        """
        super().__init__()
        if materials < 1 or side < 8 or cameras < 1:
            raise InputError(f"Appearance: {materials} materials, side {side}, {cameras} cameras")
        sides = [side, *[max(side // 4, 8)] * (materials - 1)]
        self.textures = nn.ParameterList([torch.full((1, 3, s, s), 0.45) for s in sides])
        self.light = nn.Parameter(torch.zeros(9, 3))
        self.log_gain = nn.Parameter(torch.zeros(cameras - 1, 3))
        self.highlight_from = nn.Parameter(torch.tensor(_HIGHLIGHTS))
        self.highlight_log_colour = nn.Parameter(torch.full((len(_HIGHLIGHTS), 3), -4.0))
        self.highlight_log_sharpness = nn.Parameter(torch.full((len(_HIGHLIGHTS),), 2.0))
        with torch.no_grad():
            self.light[0] = 1 / 0.282095

    def forward(
        self, material: Tensor, uv: Tensor, normals: Tensor, sight: Tensor, camera: Tensor
    ) -> Tensor:
        """(N, 3) sRGB 0..1 (brighter where it is overexposed) of N surface points.

        material (N,) int; uv (N, 2), (0, 0) the upper left; normals and sight, from the surface
        to the camera, (N, 3) in the world, of any length; camera (N,) int.
        """
        albedo = uv.new_zeros(len(uv), 3)
        for index, texture in enumerate(self.textures):
            chosen = (material == index).nonzero()[:, 0]
            if len(chosen):
                grid = (2 * uv[chosen] - 1)[None, None]
                read = F.grid_sample(
                    texture, grid, mode="bilinear", padding_mode="border", align_corners=False
                )
                albedo = albedo.index_copy(0, chosen, read[0, :, 0].T)
        normal, towards = F.normalize(normals, dim=-1), F.normalize(sight, dim=-1)
        light = albedo.clamp_min(0.001) * (harmonics(normal) @ self.light)
        mirrored = 2 * (normal * towards).sum(-1, keepdim=True) * normal - towards
        apart = mirrored @ F.normalize(self.highlight_from, dim=-1).T - 1
        lobes = (self.highlight_log_sharpness.exp() * apart).exp()
        light = light + lobes @ self.highlight_log_colour.exp()
        gain = torch.cat([self.log_gain.new_zeros(1, 3), self.log_gain]).exp()[camera]
        return srgb_from_linear((light * gain).clamp_min(0.0))


_HIGHLIGHTS = [[-0.6, 0.5, 0.7], [0.7, 0.2, 0.7], [0.0, 0.9, 0.4], [0.5, 0.5, -0.6]]
"""Where highlights are first looked for: both sides, above, behind."""
