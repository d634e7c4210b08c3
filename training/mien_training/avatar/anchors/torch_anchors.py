"""`mien.avatar.pose_anchors` in torch: the same numbers, with gradients to the vertices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import nn

from mien.avatar.anchors import Anchors, exact_shares
from mien.errors import InputError

__all__ = ["TorchAnchors", "TorchPoses", "quaternion_from_matrix", "raise_layers"]


@dataclass(frozen=True, eq=False)
class TorchPoses:
    """`mien.avatar.AnchorPoses` as tensors."""

    positions: torch.Tensor
    """(..., N, 3) metres."""
    rotations: torch.Tensor
    """(..., N, 3, 3) columns: along u, upwards on the atlas, outwards."""
    scales: torch.Tensor
    """(..., N) local length over that at rest."""

    @property
    def quaternions(self) -> torch.Tensor:
        """(..., N, 4) xyzw, w >= 0."""
        return quaternion_from_matrix(self.rotations)


class TorchAnchors(nn.Module):
    """Anchors on a device; call with vertices."""

    def __init__(self, anchors: Anchors) -> None:
        super().__init__()
        self.size, self.vertex_count = anchors.size, anchors.vertex_count
        flat = anchors.uvs[anchors.triangles].astype("float64")
        for name, value in {
            "texel": anchors.texel,
            "corners": anchors.corners.astype("int64"),
            "atlas_corners": anchors.triangles[anchors.triangle].astype("int64"),
            "bary": exact_shares(anchors.bary),
            "triangles": anchors.triangles.astype("int64"),
            "source": anchors.source.astype("int64"),
            "down": flat[:, 1:, 1] - flat[:, :1, 1],
            "rest_areas": anchors.rest_areas.astype("float64"),
            "extra_corners": anchors.extra_corners.astype("int64"),
            "extra_weights": exact_shares(anchors.extra_weights),
        }.items():
            self.register_buffer(name, torch.from_numpy(value), persistent=False)

    def _buffer(self, name: str, like: torch.Tensor | None = None) -> torch.Tensor:
        value = cast(torch.Tensor, getattr(self, name))
        return value if like is None else value.to(like.dtype)

    def forward(self, vertices: torch.Tensor) -> TorchPoses:
        """Of (..., V, 3) vertices, metres, float32 or float64; differentiable but where a surface
        has shrunk to nothing."""
        if vertices.ndim < 2 or vertices.shape[-2:] != (self.vertex_count, 3):
            raise InputError(
                f"TorchAnchors: vertices {tuple(vertices.shape)}, expected "
                f"(..., {self.vertex_count}, 3)"
            )
        v = self.with_extra(vertices)
        triangles, source = self._buffer("triangles"), self._buffer("source")
        on_head = source[triangles]
        p = v[..., on_head, :]
        first, second = p[..., 1, :] - p[..., 0, :], p[..., 2, :] - p[..., 0, :]
        across = torch.linalg.cross(first, second)
        down = self._buffer("down", v)
        along = down[:, :1] * second - down[:, 1:] * first
        count = v.shape[-2]
        upwards = torch.tensor([0.0, 0.0, 1.0], dtype=v.dtype, device=v.device)
        normals = _unit(_gathered(across, on_head, count), upwards)
        tangents = _gathered(along, triangles, len(source))
        area = _gathered(0.5 * _length(across), on_head, count)[..., 0]
        known = area > 0  # vertices without triangles have no derivative of the root
        rest = self._buffer("rest_areas", v).clamp_min(1e-12)
        ratio = torch.where(known, area / rest, 1.0).sqrt() * known
        corners, bary = self._buffer("corners"), self._buffer("bary", v)
        n = _unit((normals[..., corners, :] * bary[..., None]).sum(-2), upwards)
        ways = (tangents[..., self._buffer("atlas_corners"), :] * bary[..., None]).sum(-2)
        t = _unit(ways - (ways * n).sum(-1, keepdim=True) * n, _perpendicular(n.detach()))
        return TorchPoses(
            (v[..., corners, :] * bary[..., None]).sum(-2),
            torch.stack([t, torch.linalg.cross(n, t), n], -1),
            (ratio[..., corners] * bary).sum(-1),
        )

    def interpolate(self, values: torch.Tensor) -> torch.Tensor:
        """(..., N, C) at the texels of (..., V, C) at the vertices."""
        v = self.with_extra(values)
        weights = self._buffer("bary", v)[..., None]
        return (v[..., self._buffer("corners"), :] * weights).sum(-2)

    def image(self, values: torch.Tensor) -> torch.Tensor:
        """(..., N, C) as (..., C, size, size) images, 0 where there is no head."""
        flat = values.new_zeros((*values.shape[:-2], values.shape[-1], self.size**2))
        flat[..., self._buffer("texel")] = values.transpose(-1, -2)
        return flat.reshape(*flat.shape[:-1], self.size, self.size)

    def sample(self, image: torch.Tensor) -> torch.Tensor:
        """(..., N, C) the texels' own values of (..., C, size, size) images."""
        return image.flatten(-2)[..., self._buffer("texel")].transpose(-1, -2)

    def with_extra(self, v: torch.Tensor) -> torch.Tensor:
        """(..., V + E, C) of (..., V, C) at the vertices, with those that follow them."""
        extra = self._buffer("extra_corners")
        if not len(extra):
            return v
        weights = self._buffer("extra_weights", v)[..., None]
        return torch.cat([v, (v[..., extra, :] * weights).sum(-2)], -2)


def raise_layers(
    poses: TorchPoses, chosen: torch.Tensor, offsets_m: tuple[float, ...]
) -> TorchPoses:
    """`mien.avatar.raise_layers`: (..., L M, ...) copies of the (M,) chosen anchors, lifted."""
    place = poses.positions[..., chosen, :]
    turn, scale = poses.rotations[..., chosen, :, :], poses.scales[..., chosen]
    way = turn[..., 2] * scale[..., None]
    count = len(offsets_m)
    return TorchPoses(
        torch.cat([place + offset * way for offset in offsets_m], -2),
        torch.cat([turn] * count, -3),
        torch.cat([scale] * count, -1),
    )


def quaternion_from_matrix(m: torch.Tensor) -> torch.Tensor:
    """(..., 4) xyzw, w >= 0, of rotation matrices (..., 3, 3); as `mien.rotation`'s."""
    trace = m.diagonal(dim1=-2, dim2=-1).sum(-1)
    symmetric = m + m.transpose(-1, -2)
    differences = torch.stack(
        [m[..., a, b] - m[..., b, a] for a, b in ((2, 1), (0, 2), (1, 0))], -1
    )
    diagonal = 1 + 2 * m.diagonal(dim1=-2, dim2=-1) - trace[..., None]
    rows = [
        torch.cat(
            [
                torch.where(
                    torch.arange(3, device=m.device) == i, diagonal[..., i : i + 1],
                    symmetric[..., i, :],
                ),
                differences[..., i : i + 1],
            ], -1,
        )
        for i in range(3)
    ]  # fmt: skip
    rows.append(torch.cat([differences, (1 + trace)[..., None]], -1))
    k = torch.stack(rows, -2)
    best = k.diagonal(dim1=-2, dim2=-1).argmax(-1)
    row = k.gather(-2, best[..., None, None].expand(*best.shape, 1, 4))[..., 0, :]
    unit = nn.functional.normalize(row, dim=-1)
    return torch.where(unit[..., 3:] < 0, -unit, unit)


def _gathered(values: torch.Tensor, corners: torch.Tensor, count: int) -> torch.Tensor:
    """(..., count, C) sums over the triangles (F, 3) around each vertex of (..., F, C)."""
    total = values.new_zeros((*values.shape[:-2], count, values.shape[-1]))
    for corner in range(3):
        total = total.index_add(-2, corners[:, corner], values)
    return total


def _length(vectors: torch.Tensor) -> torch.Tensor:
    """(..., 1), with no gradient where it is 0."""
    squared = (vectors**2).sum(-1, keepdim=True)
    some = squared > 0
    return torch.where(some, torch.where(some, squared, 1.0).sqrt(), 0.0)


def _unit(vectors: torch.Tensor, instead: torch.Tensor) -> torch.Tensor:
    length = _length(vectors)
    lost = length < 1e-20
    return torch.where(lost, instead, vectors / torch.where(lost, 1.0, length))


def _perpendicular(n: torch.Tensor) -> torch.Tensor:
    axis = torch.zeros_like(n)
    steep = n[..., 0].abs() < 0.6
    axis[..., 0] = steep.to(n.dtype)
    axis[..., 1] = (~steep).to(n.dtype)
    return nn.functional.normalize(torch.linalg.cross(n, axis), dim=-1)
