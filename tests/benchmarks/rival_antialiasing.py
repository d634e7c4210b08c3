"""Two other ways to give outlines a gradient, for comparison with `rendering.antialias`."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mien_training.rendering.antialiasing.antialias import EdgeTopology
from mien_training.rendering.antialiasing.pixel_pairs import PixelPairs, neighbours
from mien_training.rendering.visibility import RasterOut

__all__ = ["DeodrMesh", "PerTriangle"]


class PerTriangle:
    """The scheme of nvdiffrast (Laine et al. 2020, section 3.3), written anew: for two neighbours
    that see different triangles, an outline is sought among the three edges of the triangle that
    the nearer one sees. Rows and columns are weighted as in `PixelPairs`, so that nothing differs
    but where the edge is looked for."""

    def __init__(self, faces: Tensor) -> None:
        topology = EdgeTopology.of(faces)
        self.faces = faces
        count = int(faces.max()) + 1
        keys = topology.ends[:, 0] * count + topology.ends[:, 1]  # sorted
        sides = torch.stack([faces, faces.roll(-1, 1)], -1).sort(-1).values
        self.ends = sides
        edge = torch.searchsorted(keys, sides[..., 0] * count + sides[..., 1])
        self.opposite = topology.opposite[edge]
        """(F, 3, 2) third vertices of the triangles at each edge."""

    def __call__(self, image: Tensor, out: RasterOut, clip: Tensor) -> Tensor:
        """(1, H, W, C) antialiased."""
        size = (image.shape[1], image.shape[2])
        pixels = clip.new_tensor([size[1], size[0]])
        xy = (clip[0, :, :2] / clip[0, :, 3:] + 1) * 0.5 * pixels
        pairs = [self._pairs(out, xy, axis, size) for axis in (0, 1)]
        flat = image.reshape(-1, image.shape[-1])
        return (pairs[0] + pairs[1]).blend(flat).reshape(image.shape)

    def _pairs(self, out: RasterOut, xy: Tensor, axis: int, size: tuple[int, int]) -> PixelPairs:
        tri_id, depth = out.tri_id.flatten(), out.depth.detach().flatten()
        first, second = neighbours(axis, size, xy.device)
        other = tri_id[first] != tri_id[second]
        first, second = first[other], second[other]
        swap = depth[second] < depth[first]
        near, far = torch.where(swap, second, first), torch.where(swap, first, second)
        centre = torch.stack([near % size[1], near // size[1]], 1).to(xy.dtype) + 0.5
        forward = torch.where(swap, -1.0, 1.0).to(xy.dtype)[:, None]
        ends = xy[self.ends[tri_id[near]]]  # (N, 3, 2 ends, 2)
        u, v = ends[..., axis] - centre[:, axis, None, None], ends[..., 1 - axis]
        v = v - centre[:, 1 - axis, None, None]
        run = v[..., 1] - v[..., 0]
        safe = torch.where(run == 0, 1.0, run)
        slope = (u[..., 1] - u[..., 0]) / safe
        reach = (u[..., 0] - v[..., 0] * slope) * forward
        with torch.no_grad():
            third = xy[self.opposite[tri_id[near]]]
            along, across = ends[..., 1, :] - ends[..., 0, :], third - ends[..., :1, :]
            side = along[..., None, 0] * across[..., 1] - along[..., None, 1] * across[..., 0]
            outline = side.prod(-1) > 0
            crosses = ((v[..., 0] < 0) != (v[..., 1] < 0)) & (reach >= 0) & (reach <= 1)
            found = outline & crosses & (tri_id[near] >= 0)[:, None]
            which = found.int().argmax(1)
            kept = found.any(1).nonzero()[:, 0]
        which = which[kept]
        weight = 1 / (1 + slope[kept, which].detach() ** 2)
        name = 2 * first[kept] + axis
        return PixelPairs(name, near[kept], far[kept], reach[kept, which], weight)


class DeodrMesh:
    """DEODR (de La Gorce et al. 2011): outlines drawn over their edges; colours from vertices.

    Without perspective correction and without back faces, which its backward pass cannot have.
    """

    def __init__(self, faces: Tensor) -> None:
        from deodr.triangulated_mesh import TriMeshAdjacencies

        self.faces = faces.numpy()
        self.adjacencies = TriMeshAdjacencies(self.faces, clockwise=False)

    def __call__(self, clip: Tensor, colour: Tensor, background: float, side: int) -> Tensor:
        """(1, side, side, C) image of clip-space vertices (1, V, 4) with colours (V, C)."""
        xy = (clip[0, :, :2] / clip[0, :, 3:] + 1) * 0.5 * side
        scene = self._scene(xy.detach().numpy(), clip[0, :, 3].detach().numpy(), side)
        scene.background_color = np.full(colour.shape[1], background)
        scene.nb_colors = colour.shape[1]
        return _Deodr.apply(xy, colour, scene)[None]

    def _scene(self, xy: np.ndarray, depth: np.ndarray, side: int):
        from deodr.differentiable_renderer import Scene2D

        a, b, c = np.moveaxis(xy[self.faces], 1, 0)
        u, v = b - a, c - a
        front = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0] < 0
        outline = (self.adjacencies.edges_faces_ones @ front) == 1
        count, corners = len(self.faces), self.faces.astype(np.uint32)
        none, colours = np.zeros(count, bool), np.zeros((len(xy), 1))
        return Scene2D(
            faces=corners, faces_uv=corners, ij=xy, depths=depth, textured=none,
            uv=np.zeros((len(xy), 2)), shade=np.zeros(len(xy)), colors=colours, shaded=none,
            edgeflags=outline[np.asarray(self.adjacencies.faces_edges)], height=side, width=side,
            nb_colors=1, texture=np.zeros((0, 0)), background_color=np.zeros(1), clockwise=False,
            backface_culling=True, integer_pixel_centers=False,
        )  # fmt: skip


class _Deodr(torch.autograd.Function):
    @staticmethod
    def forward(ctx, xy, colour, scene):
        scene.colors = colour.detach().numpy().copy()
        scene.colors_b = np.zeros_like(scene.colors)
        ctx.scene = scene
        return torch.from_numpy(scene.render(1.0)[0])

    @staticmethod
    def backward(ctx, gradient):
        ctx.scene.clear_gradients()
        ctx.scene.render_backward(np.ascontiguousarray(gradient.numpy()))
        return torch.from_numpy(ctx.scene.ij_b), torch.from_numpy(ctx.scene.colors_b), None
