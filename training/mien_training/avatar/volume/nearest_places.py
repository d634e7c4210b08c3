"""Nearest anchors and nearest points of a surface, on the device on which the tensors lie.

Warp's hash grid takes 10 ms for 8,192 points and 6,300 anchors on one thread, as long as scipy's
tree, and is the same on CUDA.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mien_training.rendering.splats.warp_stream import warp_on

__all__ = ["NEIGHBOURS", "NearestOfCloud", "NearestOnMesh"]

NEIGHBOURS = 4
"""k of MonoAvatar."""
_CELL_M = 0.012
_CELLS = 32


class NearestOfCloud:
    """N places that many points look at."""

    def __init__(self, places: Tensor) -> None:
        """places (N, 3), metres, of which no gradient is asked."""
        self.places = places.detach().float().contiguous()
        with warp_on(self.places, "volume") as wp:
            self._places = wp.from_torch(self.places, dtype=wp.vec3)
            device = wp.device_from_torch(places.device)
            self._grid = wp.HashGrid(_CELLS, _CELLS, _CELLS, device=device)
            self._grid.build(self._places, _CELL_M)

    def find(self, points: Tensor, reach_m: float) -> Tensor:
        """(P, 4) indices of the nearest within reach of points (P, 3); -1 for none."""
        points = points.detach().float().contiguous()
        found = torch.full((len(points), NEIGHBOURS), -1, dtype=torch.int32, device=points.device)
        with warp_on(points, "volume") as wp:
            from mien.avatar.volume.nearest_kernels import four_nearest_kernel

            wp.launch(
                four_nearest_kernel, len(points),
                [self._grid.id, self._places, wp.from_torch(points, dtype=wp.vec3),
                 min(_CELL_M, reach_m), reach_m, wp.from_torch(found)],
                device=wp.device_from_torch(points.device),
            )  # fmt: skip
        return found.long()


class NearestOnMesh:
    """A mesh that many points look at."""

    def __init__(self, vertices: Tensor, triangles: Tensor) -> None:
        """vertices (V, 3), metres, of which no gradient is asked; triangles (F, 3)."""
        self._vertices = vertices.detach().float().contiguous()
        self._triangles = triangles.to(vertices.device).int().flatten().contiguous()
        with warp_on(self._vertices, "volume") as wp:
            self._mesh = wp.Mesh(
                wp.from_torch(self._vertices, dtype=wp.vec3), wp.from_torch(self._triangles)
            )

    def find(self, points: Tensor, reach_m: float) -> tuple[Tensor, Tensor]:
        """(P,) the nearest triangle of points (P, 3), -1 for none within reach; and (P, 3)
        barycentric weights of its corners."""
        points = points.detach().float().contiguous()
        face = torch.full((len(points),), -1, dtype=torch.int32, device=points.device)
        share = torch.zeros(len(points), 2, device=points.device)
        with warp_on(points, "volume") as wp:
            from mien_training.geometry.query_kernels import nearest_kernel

            wp.launch(
                nearest_kernel, len(points),
                [self._mesh.id, wp.from_torch(points, dtype=wp.vec3), reach_m,
                 wp.from_torch(face), wp.from_torch(share, dtype=wp.vec2)],
                device=wp.device_from_torch(points.device),
            )  # fmt: skip
        found = face.long()
        weights = torch.cat([share, 1 - share.sum(1, keepdim=True)], 1)
        corners = self._vertices[self._triangles.reshape(-1, 3)[found.clamp_min(0)].long()]
        distance = ((corners * weights[..., None]).sum(1) - points).norm(dim=1)
        return torch.where(distance <= reach_m, found, -1), weights
