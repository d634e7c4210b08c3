"""What a point of the volume takes its features from: posed anchors nearby, or the surface.

`NearestAnchors` is the paper's (section 3.2). Its "vertices" are the texels of a coarse atlas, not
the mesh's own vertices: they lie where people look (the mesh has as many on the scalp as on the
face), they have frames, the network's map has its values at just these places, and layers of
them stand above the scalp, where no vertex is near.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import distance_transform_edt
from torch import Tensor, nn

from mien_training.avatar.anchors import AnchorAtlas, HairLayers, TorchAnchors, TorchPoses
from mien_training.avatar.anchors.torch_anchors import raise_layers
from mien_training.avatar.volume.nearest_places import NearestOfCloud, NearestOnMesh
from mien_training.avatar.volume.shell import vertex_normals

__all__ = [
    "FADE_M", "REACH_M", "Nearby", "NearestAnchors", "PosedAnchors", "PosedSurface",
    "SurfaceAnchors",
]  # fmt: skip

REACH_M = 0.025
"""From an anchor, or in addition to the shell's thickness over the surface, half of it."""
FADE_M = 0.01
"""Over the last of which density fades."""
_NEAREST_M = 1e-5


@dataclass(frozen=True, eq=False)
class Nearby:
    """What P points have around them, k pieces each."""

    rows: Tensor
    """(P, k, m) of the table of features."""
    blend: Tensor | None
    """(P, k, m) share of each of the m rows; None for one row."""
    offsets: Tensor
    """(P, k, 3) of the point in each piece's frame, metres."""
    shares: Tensor
    """(P, k) of the pieces, sum 1."""
    heights: Tensor
    """(P,) above the skin, metres, negative below it."""
    presence: Tensor
    """(P,) 0..1, what density is multiplied by: 0 far from the head."""

    def only(self, chosen: Tensor) -> Nearby:
        """Of some of the points."""
        blend = None if self.blend is None else self.blend[chosen]
        return Nearby(
            self.rows[chosen], blend, self.offsets[chosen], self.shares[chosen],
            self.heights[chosen], self.presence[chosen],
        )  # fmt: skip


class NearestAnchors(nn.Module):
    """Texels of an atlas, and layers of them above the scalp."""

    lift_m: Tensor
    anchor: Tensor
    uvs: Tensor

    def __init__(self, atlas: AnchorAtlas, size: int, hair: bool, features: int) -> None:
        super().__init__()
        anchors = atlas.anchors(size)
        self.anchors = TorchAnchors(anchors)
        count = len(anchors.texel)
        layers = HairLayers.of(atlas, size) if hair else None
        self.offsets_m = () if layers is None else layers.offsets_m
        chosen = np.zeros(0, np.int64) if layers is None else layers.chosen
        self.register_buffer("chosen", torch.from_numpy(chosen))
        lift = np.concatenate([np.zeros(count), np.repeat(self.offsets_m, len(chosen))])
        self.register_buffer("lift_m", torch.from_numpy(lift.astype(np.float32)))
        of = np.concatenate([np.arange(count), np.tile(chosen, len(self.offsets_m))])
        self.register_buffer("anchor", torch.from_numpy(of))
        at = np.stack([anchors.texel % size, anchors.texel // size], 1) + 0.5
        self.register_buffer("uvs", torch.from_numpy((at / size).astype(np.float32)))
        self.own = nn.Parameter(torch.zeros(len(of) - count, features))
        """(L M, F) what layers add to their anchors' features."""

    def table(self, maps: Tensor) -> Tensor:
        """(B, N + L M, F) features of (B, F, S, S) maps."""
        if maps.shape[-1] == self.anchors.size:
            found = self.anchors.sample(maps)
        else:
            grid = (2 * self.uvs - 1)[None, None].expand(len(maps), -1, -1, -1)
            found = F.grid_sample(maps, grid, align_corners=False)[:, :, 0].transpose(1, 2)
        raised = found[:, self.anchor[found.shape[1] :]] + self.own
        return torch.cat([found, raised], 1)

    def pose(self, vertices: Tensor) -> PosedAnchors:
        """On a mesh (V, 3), metres."""
        poses = self.anchors(vertices)
        if self.offsets_m:
            chosen = self.get_buffer("chosen")
            above = raise_layers(poses, chosen, self.offsets_m)
            poses = TorchPoses(
                torch.cat([poses.positions, above.positions]),
                torch.cat([poses.rotations, above.rotations]),
                torch.cat([poses.scales, above.scales]),
            )
        return PosedAnchors(poses, self.lift_m)


class PosedAnchors:
    """Anchors where an expression has them."""

    def __init__(self, poses: TorchPoses, lift_m: Tensor) -> None:
        self.poses, self.lift_m = poses, lift_m
        self._cloud = NearestOfCloud(poses.positions)

    def nearby(self, points: Tensor) -> Nearby:
        """Of points (P, 3); four pieces, weighted by inverse distance; differentiable in them."""
        index = self._cloud.find(points, REACH_M)
        there = index >= 0
        index = index.clamp_min(0)
        away = points[:, None] - self.poses.positions[index]
        offsets = (self.poses.rotations[index].transpose(-1, -2) @ away[..., None])[..., 0]
        distance = away.square().sum(-1).clamp_min(_NEAREST_M**2).sqrt()
        shares = there / distance
        shares = shares / shares.sum(1, keepdim=True).clamp_min(1e-12)
        heights = (shares * (offsets[..., 2] + self.lift_m[index])).sum(1)
        presence = ((REACH_M - distance[:, 0]) / FADE_M).clamp(0, 1) * there[:, 0]
        return Nearby(index[..., None], None, offsets, shares, heights, presence)


class SurfaceAnchors(nn.Module):
    """The whole surface, between the texels of the features' own map."""

    filled: Tensor
    uvs: Tensor
    triangles: Tensor
    places: Tensor
    thickness_m: Tensor

    def __init__(self, atlas: AnchorAtlas, size: int, thickness_m: Tensor) -> None:
        """thickness_m (V,): of the shell."""
        super().__init__()
        anchors = atlas.anchors(size)
        self.anchors, self.size = TorchAnchors(anchors), size
        number = np.full(size**2, -1, np.int64)
        number[anchors.texel] = np.arange(len(anchors.texel))
        empty = (number < 0).reshape(size, size)
        row, column = distance_transform_edt(empty, return_distances=False, return_indices=True)
        filled = number.reshape(size, size)[row, column].ravel()
        for name, value in {
            "filled": filled,
            "uvs": atlas.uvs[atlas.triangles],
            "triangles": atlas.triangles.astype(np.int64),
            "places": atlas.source.astype(np.int64),
        }.items():
            self.register_buffer(name, torch.from_numpy(value))
        thick = self.anchors.with_extra(thickness_m[:, None])[:, 0]
        self.register_buffer("thickness_m", thick[self.places])

    def table(self, maps: Tensor) -> Tensor:
        """(B, S^2, F) features of (B, F, S, S) maps."""
        return maps.flatten(2).transpose(1, 2)

    def pose(self, vertices: Tensor) -> PosedSurface:
        """On a mesh (V, 3), metres."""
        return PosedSurface(self, vertices)


class PosedSurface:
    """The surface where an expression has it."""

    def __init__(self, anchors: SurfaceAnchors, vertices: Tensor) -> None:
        self.anchors = anchors
        self.poses = anchors.anchors(vertices)
        on_head = anchors.anchors.with_extra(vertices)
        self.vertices = on_head[anchors.places]
        self._normals = vertex_normals(on_head, anchors.places[anchors.triangles])[anchors.places]
        self._mesh = NearestOnMesh(self.vertices, anchors.triangles)
        self._reach_m = float(anchors.thickness_m.max()) + REACH_M / 2

    def nearby(self, points: Tensor) -> Nearby:
        """Of points (P, 3); one piece, of the four texels around the nearest point of the surface;
        differentiable in the points but for where that is."""
        kept, size = self.anchors, self.anchors.size
        face, share = self._mesh.find(points, self._reach_m)
        there, face = face >= 0, face.clamp_min(0)
        corners = kept.triangles[face]
        on = (self.vertices[corners] * share[..., None]).sum(1)
        at = (kept.uvs[face] * share[..., None]).sum(1) * size - 0.5
        low = at.floor()
        part = at - low
        columns = torch.stack([low[:, 0], low[:, 0] + 1], 1).long().clamp(0, size - 1)
        rows = torch.stack([low[:, 1], low[:, 1] + 1], 1).long().clamp(0, size - 1)
        texels = (rows[:, :, None] * size + columns[:, None]).flatten(1)
        across = torch.stack([1 - part[:, 0], part[:, 0]], 1)
        down = torch.stack([1 - part[:, 1], part[:, 1]], 1)
        blend = (down[:, :, None] * across[:, None]).flatten(1)
        own = kept.filled[texels.gather(1, blend.argmax(1, keepdim=True))[:, 0]]
        away = points - on
        offsets = (self.poses.rotations[own].transpose(-1, -2) @ away[..., None])[..., 0]
        # The texel's own frame may be another piece's at a cut: it is not asked where inside is.
        normal = F.normalize((self._normals[corners] * share[..., None]).sum(1), dim=1)
        distance = away.square().sum(-1).clamp_min(_NEAREST_M**2).sqrt()
        reach = (kept.thickness_m[corners] * share).sum(1) + REACH_M / 2
        presence = ((reach - distance) / FADE_M).clamp(0, 1) * there
        return Nearby(
            texels[:, None], blend[:, None], offsets[:, None], torch.ones_like(distance)[:, None],
            (away * normal).sum(1), presence,
        )  # fmt: skip
