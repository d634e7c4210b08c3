"""A head of Gaussians that hang on the anchors, and what an expression changes of each.

One Gaussian for every texel and every layer of hair, as FlashAvatar (Xiang et al. 2024) has them;
each keeps a place, a turn, a size, an opacity and a colour of its own in its anchor's frame, and
the expression network adds to all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.avatar import PinholeCamera
from mien_training.avatar.anchors import AnchorAtlas, HairLayers, TorchAnchors
from mien_training.rendering.splats.splat_renderer import render_splats

__all__ = ["CHANGES", "Cloud", "SplatHead"]

CHANGES = 16
"""Of a texel: place 3, turn 3, log size 3, opacity 1, colour 3; colour of the hair above it 3."""
_OPAQUE, _HAIR_OPAQUE = 2.0, -2.0
"""Logit of opacity at first, on the skin and above it."""
_FLAT = 0.35
"""Thickness at first, in parts of the distance of neighbours."""
_WIDE = 0.7
"""Width at first."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """G Gaussians of B frames, ready to be drawn."""

    means: Tensor
    """(B, G, 3) metres, rig space."""
    rotations: Tensor
    """(B, G, 4) xyzw"""
    scales: Tensor
    """(B, G, 3) metres."""
    opacities: Tensor
    """(B, G) 0..1"""
    colours: Tensor
    """(B, G, 3) sRGB display codes over 255."""

    def image(self, camera: PinholeCamera, side: int) -> Tensor:
        """(side, side, 4) premultiplied, of the first frame."""
        drawn = render_splats(
            self.means[:1], self.rotations[:1], self.scales[:1], self.opacities[:1],
            self.colours[:1], [camera], (side, side),
        )  # fmt: skip
        return drawn.image[0]


class SplatHead(nn.Module):
    """Parameters of the Gaussians; the expression network is another module."""

    anchor: Tensor
    lift_m: Tensor
    spacing_m: Tensor

    def __init__(self, atlas: AnchorAtlas, size: int, layers: HairLayers | None, seed: int) -> None:
        """On an atlas of `size` texels a side; without layers there is no hair."""
        super().__init__()
        anchors = atlas.anchors(size)
        self.anchors = TorchAnchors(anchors)
        self.size = size
        texels = len(anchors.texel)
        lifted = (
            np.zeros((0, 2))
            if layers is None
            else np.stack(
                [np.tile(layers.chosen, len(layers.offsets_m)),
                 np.repeat(layers.offsets_m, len(layers.chosen))], 1
            )
        )  # fmt: skip
        anchor = np.concatenate([np.arange(texels), lifted[:, 0].astype(np.int64)])
        lift = np.concatenate([np.zeros(texels), lifted[:, 1]])
        self.register_buffer("anchor", torch.from_numpy(anchor))
        self.register_buffer("lift_m", torch.from_numpy(lift).float())
        self.register_buffer("spacing_m", torch.from_numpy(_spacing(atlas, size)).float())
        count = len(anchor)
        generator = torch.Generator().manual_seed(seed)
        on_skin = torch.from_numpy(lift == 0)
        self.place = nn.Parameter(0.1 * torch.randn(count, 3, generator=generator))
        self.turn = nn.Parameter(torch.zeros(count, 3))
        size_log = torch.log(torch.tensor([_WIDE, _WIDE, _FLAT]))
        self.size_log = nn.Parameter(size_log.repeat(count, 1))
        self.opacity = nn.Parameter(torch.where(on_skin, _OPAQUE, _HAIR_OPAQUE))
        self.colour = nn.Parameter(torch.zeros(count, 3))

    def parameter_groups(self, rate: float) -> list[dict[str, object]]:
        """For the optimiser: colours learn fastest, places slowest."""
        speed = {"place": 0.5, "turn": 0.5, "size_log": 0.5, "opacity": 2.0, "colour": 2.0}
        return [
            {"params": [getattr(self, name)], "lr": rate * factor, "name": name}
            for name, factor in speed.items()
        ]

    def forward(self, vertices: Tensor, changes: Tensor) -> Cloud:
        """On a mesh (B, V, 3), rig space, metres, with changes (B, CHANGES, S, S)."""
        with torch.no_grad():
            poses = self.anchors(vertices)
        of_texel = self.anchors.sample(changes)[:, self.anchor]  # (B, G, CHANGES)
        on_skin = (self.lift_m == 0)[:, None]
        move = of_texel * on_skin
        colour = torch.where(on_skin, of_texel[..., 10:13], of_texel[..., 13:16])
        frame = poses.rotations[:, self.anchor]
        grown = poses.scales[:, self.anchor, None]
        step = self.spacing_m[self.anchor, None]
        local = (self.place + move[..., :3]) * step
        local = torch.cat([local[..., :2], local[..., 2:] + self.lift_m[:, None]], -1)
        means = poses.positions[:, self.anchor] + (frame @ (grown * local)[..., None])[..., 0]
        turn = F.normalize(F.pad(self.turn + move[..., 3:6], (0, 1), value=1.0), dim=-1)
        scales = grown * step * (self.size_log + move[..., 6:9]).clamp(-5, 3).exp()
        return Cloud(
            means,
            quaternion_product(poses.quaternions[:, self.anchor], turn),
            scales,
            torch.sigmoid(self.opacity + move[..., 9]),
            torch.sigmoid(self.colour + colour),
        )


def quaternion_product(a: Tensor, b: Tensor) -> Tensor:
    """(..., 4) xyzw: first b's rotation, then a's."""
    av, aw = a[..., :3], a[..., 3:]
    bv, bw = b[..., :3], b[..., 3:]
    vector = aw * bv + bw * av + torch.linalg.cross(av + 0 * bv, bv + 0 * av)
    return torch.cat([vector, aw * bw - (av * bv).sum(-1, keepdim=True)], -1)


def quaternion_turned(q: Tensor, v: Tensor) -> Tensor:
    """Vectors (..., 3) turned by unit quaternions (..., 4) xyzw."""
    axis, w = q[..., :3], q[..., 3:]
    t = 2 * torch.linalg.cross(axis, v)
    turned: Tensor = v + w * t + torch.linalg.cross(axis, t)
    return turned


def _spacing(atlas: AnchorAtlas, size: int) -> NDArray[np.float64]:
    """(N,) metres from one texel to the next, on the neutral."""
    anchors = atlas.anchors(size)
    vertices = atlas.template.vertices.astype(np.float64)
    extra = (vertices[anchors.extra_corners] * anchors.extra_weights[..., None]).sum(1)
    places = np.concatenate([vertices, extra])[anchors.source[anchors.triangles]]
    area = 0.5 * np.linalg.norm(
        np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0]), axis=1
    )
    flat = anchors.uvs[anchors.triangles].astype(np.float64)
    a, b = flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]
    texels = 0.5 * np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) * size**2
    # A triangle smaller than a texel has one all the same.
    return np.asarray(np.sqrt(area / np.maximum(texels, 1.0))[anchors.triangle])
