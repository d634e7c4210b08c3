"""What views show around a mesh: layers of samples along its normals, fused with its visibility.

Surface-aware fusion after Bolkart, Li and Black 2023 ("Instant Multi-View Head Capture through
Learnable Registration", section 3.2: visibility times the angle of sight). Layers instead of a
volume for each vertex: errors of a first mesh are of a known side. Each sample also holds the
difference between the place on the mean head that a view shows there and the vertex' own, which
says along the surface what layers say across it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from mien_training.cameras.camera_batch import CameraBatch
from mien_training.capture.coarse.view_fusion import fuse_views, surface_weights
from mien_training.capture.coarse.view_samples import project_points, sample_views
from mien_training.capture.learning.moment_reading import LAYERS
from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rendering.visibility import interpolate, rasterize

__all__ = ["MeshSamples", "mesh_samples", "vertex_visibility"]

_OFF_M = 0.01
"""Unit of differences between places on the mean head."""
_HIDDEN_M = 0.006
"""A vertex so far behind what a view sees there is hidden."""
_LEAST_SURE = 0.02
_RIDGE = 0.05
"""Of the closest correction, against one view that is sure."""
_AT_ONCE = 512
"""Vertices: what is sampled about so many stays in a processor's cache."""
_AGREED, _ROUNDS = 0.5, 4
"""Disagreement, in units, at which a view keeps a quarter of its say, and how often views are asked
anew."""


@dataclass(frozen=True, eq=False)
class MeshSamples:
    """Of K vertices and L layers; head space."""

    fused: Tensor
    """(K, L, F) mean and variance over views."""
    closest: Tensor
    """(K, 3) the correction that most views agree on: least squares of what each says across its
    line of sight, with a ridge; metres."""
    support: Tensor
    """(K, 3) what it rests on: logarithm of the weight in all of the views that agree, of its
    weakest direction, and their disagreement, in centimetres."""
    normals: Tensor
    """(K, 3) unit."""
    visible: Tensor
    """(C, K) 0..1"""


def channels_of(features: int) -> int:
    """F of `MeshSamples.fused`, of a net with so many features."""
    return 2 * (features + sum(LAYERS.values())) + 1


def mesh_samples(
    mesh: Tensor,
    triangles: Tensor,
    chosen: Tensor,
    canonical: Tensor,
    maps: Tensor,
    cameras: CameraBatch,
    side: int,
    layers_m: Tensor,
    surface: bool = True,
    differences: bool = True,
) -> MeshSamples:
    """Around vertices `chosen` (K,) of a mesh (V, 3), triangles (F, 3), in head space, metres.

    canonical (V, 3): the vertices' places on the mean head; maps (C, LAYERS and features, h, w) of
    square crops of `side` pixels; layers_m (L,): distances along the normal. Without `surface`
    all views count alike, without `differences` places on the mean head are not compared.
    """
    normals = F.normalize(vertex_normals(mesh[None], triangles)[0], dim=1)
    visible = vertex_visibility(mesh, triangles, chosen, cameras, side, maps.shape[-1])
    weight = surface_weights(
        visible[None], normals[chosen][None], mesh[chosen][None], cameras.centres[None]
    )[0]
    if not surface:
        weight = torch.ones_like(weight)
    parts = [
        _samples_about(
            mesh[part],
            normals[part],
            canonical[part],
            maps,
            cameras,
            side,
            layers_m,
            share,
            differences,
        )
        for part, share in zip(
            torch.split(chosen, _AT_ONCE), torch.split(weight, _AT_ONCE, 1), strict=True
        )
    ]
    fused, closest, support = (torch.cat(told) for told in zip(*parts, strict=True))
    return MeshSamples(fused, closest, support, normals[chosen], visible)


def _samples_about(
    at: Tensor,
    normal: Tensor,
    canonical: Tensor,
    maps: Tensor,
    cameras: CameraBatch,
    side: int,
    layers_m: Tensor,
    weight: Tensor,
    differences: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """`fused`, `closest` and `support` of vertices at (K, 3), whose views weigh (C, K)."""
    points = at[:, None] + layers_m[:, None] * normal[:, None]  # (K, L, 3)
    count, layers = points.shape[:2]
    seen, inside = sample_views(maps[None], points.reshape(1, -1, 3), cameras, (side, side))
    seen = seen[0].reshape(*seen.shape[1:3], count, layers)  # (C, X, K, L)
    place, facing, rest = seen[:, :3], seen[:, 3:6], seen[:, 6:]
    off = (place - canonical.T[None, :, :, None]) / _OFF_M
    # Where nothing is seen places are zeros: no difference, instead of a long one.
    sure = rest[:, 2]
    off = torch.where(sure[:, None] > _LEAST_SURE / 4, off, 0.0).clamp(-3, 3)
    if not differences:
        off = torch.zeros_like(off)
    turned = facing - normal.T[None, :, :, None]
    rest = torch.cat([rest[:, :1] / _OFF_M, rest[:, 1:]], 1)
    told = torch.cat([off, turned, rest], 1)
    weights = weight[..., None] * inside[0].reshape(-1, count, layers) * (_LEAST_SURE + sure)
    mean, variance = fuse_views(told.flatten(2)[None], weights.flatten(1)[None])
    total = (weights.sum(0)[None] + 1e-4).log()
    fused = torch.cat([m[0].reshape(-1, count, layers) for m in (mean, variance)] + [total])
    middle = layers // 2
    closest, support = _closest(off[..., middle], weights[..., middle], at, cameras.centres)
    return fused.permute(1, 2, 0), closest, support


def vertex_visibility(
    mesh: Tensor, triangles: Tensor, chosen: Tensor, cameras: CameraBatch, side: int, cells: int
) -> Tensor:
    """(C, K) 0..1: vertices `chosen` of a mesh (V, 3) that face a camera, and that no other part of
    the mesh hides, by its depth on a grid of `cells` a side."""
    views = len(cameras.intrinsics)
    every = mesh.expand(views, -1, -1)
    index = torch.arange(views, device=mesh.device)
    out = rasterize(cameras.clip(index, every), triangles, (cells, cells))
    away = (every - cameras.centres[:, None]).norm(dim=-1, keepdim=True)
    depth = interpolate(away, triangles, out)[..., 0]
    depth = torch.where(out.tri_id >= 0, depth, torch.inf)
    # Beside an edge the farther side is meant: neighbours of what is seen are seen.
    places, _ = project_points(mesh[chosen][None], cameras, (side, side))
    far = torch.where(depth.isfinite(), depth, 1e3)[:, None]
    far = F.max_pool2d(far, 3, 1, 1)
    at = F.grid_sample(far, places[0][:, None], mode="nearest", align_corners=False)[:, 0, 0]
    behind = away[:, chosen, 0] - at
    normals = vertex_normals(mesh[None], triangles)[0, chosen]
    facing = ((cameras.centres[:, None] - mesh[chosen]) * normals).sum(-1) > 0
    visible: Tensor = (1 - behind / _HIDDEN_M).clamp(0, 1) * facing
    return visible


def _closest(off: Tensor, weight: Tensor, at: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """`closest` and `support` of differences (C, 3, K), in units, and weights (C, K).

    A view that shows c + off where the vertex c is sees c itself farther on, by -off across its
    line of sight; nothing is said along it. Beside an outline, where a map's pixels show what lies
    behind, a view says centimetres: those that the others do not agree with lose their say (Geman
    and McClure's weights).
    """
    sight = F.normalize(at[None] - centres[:, None], dim=-1)  # (C, K, 3)
    one = torch.eye(3, device=sight.device)
    across = one - sight[..., :, None] * sight[..., None, :]
    wanted = -off.transpose(1, 2)[..., None]
    kept = weight
    for number in range(_ROUNDS):
        weighted = kept[..., None, None] * across
        matrix = weighted.sum(0) + _RIDGE * one
        moved = torch.linalg.solve(matrix, (weighted @ wanted).sum(0))
        left = (across @ (moved[None] - wanted))[..., 0].square().sum(-1)
        if number < _ROUNDS - 1:
            kept = weight / (1 + left / _AGREED**2).square()
    total = kept.sum(0)
    spread = ((kept * left).sum(0) / total.clamp_min(1e-6)).sqrt()
    weakest = torch.linalg.eigvalsh(matrix)[:, 0]
    support = torch.stack([(total + 1e-3).log(), weakest.log(), spread], 1)
    return _OFF_M * moved[..., 0], support
