"""What an avatar has to beat: the mean image, and the mesh with a texture made of the film."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from mien_training.avatar.anchors import AnchorAtlas, TorchAnchors
from mien_training.avatar.film.avatar_film import AvatarFilm
from mien_training.cameras import Camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.rendering.visibility import RasterOut, rasterize

__all__ = ["TexturedMesh", "mean_image"]

_SIDE = 512
_BEHIND_M = 0.003
_LIGHT = 1e-2
"""Ridge of what the turn of the normal does to a texel's colour."""


def mean_image(film: AvatarFilm) -> NDArray[np.float32]:
    """(S, S, 4) premultiplied, 0..1: what every frame gets."""
    colour = torch.stack([film.premultiplied(f) for f in range(film.training)]).mean(0).numpy()
    assert film.alpha is not None
    alpha = film.alpha[: film.training].mean(0, dtype=np.float32)[..., None] / 255
    return np.concatenate([colour, alpha], 2).astype(np.float32)


class TexturedMesh:
    """Every texel's colour is linear in its normal towards the camera: texture and light refitted
    to the training frames in closed form, where the mesh is seen."""

    def __init__(self, film: AvatarFilm, atlas: AnchorAtlas, every: int = 4) -> None:
        self.film, self.atlas = film, atlas
        self.anchors = TorchAnchors(atlas.anchors(_SIDE))
        count = len(atlas.anchors(_SIDE).texel)
        left = torch.zeros(count, 4, 4)
        right = torch.zeros(count, 4, 3)
        for frame in range(0, film.training, every):
            normal, pixels, shown = self._seen(frame)
            image = torch.from_numpy(film.images[frame]).float() / 255
            grid = (2 * pixels / film.side - 1)[None, None]
            colour = torch.nn.functional.grid_sample(
                image.permute(2, 0, 1)[None], grid, align_corners=False
            )[0, :, 0].T
            terms = torch.cat([torch.ones(count, 1), normal], 1) * shown[:, None]
            left += terms[:, :, None] * terms[:, None]
            right += terms[:, :, None] * colour[:, None]
        usual = right[:, 0].sum(0) / left[:, 0, 0].sum().clamp_min(1)
        ridge = torch.diag(torch.tensor([1e-3, _LIGHT, _LIGHT, _LIGHT]))
        right[:, 0] += 1e-3 * usual
        self.colour = torch.linalg.solve(left + ridge, right)  # (N, 4, 3)

    def draw(self, frame: int) -> NDArray[np.float32]:
        """(S, S, 4) premultiplied."""
        film, side = self.film, self.film.side
        normal, _, _ = self._seen(frame)
        terms = torch.cat([torch.ones(len(normal), 1), normal], 1)
        texture = self.anchors.image((terms[:, None] @ self.colour)[:, 0].clamp(0, 1))
        known = self.anchors.image(torch.ones(len(normal), 1))
        out, _ = self._raster(film.vertices([frame]), frame)
        triangle = out.tri_id[0]
        corners = torch.from_numpy(self.atlas.uvs[self.atlas.triangles])
        uv = (corners[triangle.clamp_min(0)] * out.bary[0][..., None]).sum(2)
        grid = (2 * uv - 1)[None]
        both = torch.cat([texture * known, known])[None]
        found = torch.nn.functional.grid_sample(both, grid, align_corners=False)[0]
        colour = (found[:3] / found[3:].clamp_min(1e-3)).permute(1, 2, 0)
        on = (triangle >= 0).float()[..., None]
        assert colour.shape[0] == side
        return torch.cat([colour * on, on], 2).numpy()

    def _raster(
        self, vertices: torch.Tensor, frame: int
    ) -> tuple[RasterOut, tuple[CameraBatch, torch.Tensor]]:
        film = self.film
        K = film.K[frame]
        camera = Camera(K, film.camera_from_rig[frame], film.side, film.side)
        views = CameraBatch.of([camera])
        extra = self.anchors.with_extra(vertices)
        places = extra[:, torch.from_numpy(self.atlas.source.astype(np.int64))]
        one = torch.zeros(1, dtype=torch.long)
        faces = torch.from_numpy(self.atlas.triangles.astype(np.int64))
        return rasterize(views.clip(one, places), faces, (film.side, film.side)), (views, places)

    def _seen(self, frame: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Normals towards the camera (N, 3), pixels (N, 2) and whether each texel is seen (N,)."""
        film = self.film
        vertices = film.vertices([frame])
        poses = self.anchors(vertices)
        out, (views, places) = self._raster(vertices, frame)
        matrix = torch.from_numpy(film.camera_from_rig[frame]).float()
        at = poses.positions[0] @ matrix[:3, :3].T + matrix[:3, 3]
        normal = poses.rotations[0, :, :, 2] @ matrix[:3, :3].T
        pixels = views.pixels(torch.zeros(1, dtype=torch.long), poses.positions)[0]
        faces = torch.from_numpy(self.atlas.triangles.astype(np.int64))
        hit = out.tri_id[0].clamp_min(0)
        surface = (places[0, faces[hit]] * out.bary[0][..., None]).sum(2)
        depth = (surface @ matrix[:3, :3].T + matrix[:3, 3])[..., 2]
        depth = torch.where(out.tri_id[0] >= 0, depth, torch.inf)
        column, row = pixels.floor().long().clamp(0, film.side - 1).unbind(-1)
        shown = (at[:, 2] < depth[row, column] + _BEHIND_M) & (normal[:, 2] < -0.2)
        return normal, pixels, shown.float()
