"""The fitted skin as a texture for the character: what was seen, and paint where nothing was."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from torch import Tensor

from mien_training.cameras.camera_batch import CameraBatch
from mien_training.head import MATERIALS, Template
from mien_training.rendering.appearance import Appearance, srgb_from_linear
from mien_training.rendering.visibility import rasterize

__all__ = ["seen_texels", "skin_texture", "white_light"]

_SKIN = MATERIALS.index("skin")
_BLEND = 0.04
"""Width of the transition to paint, as a share of the texture's side."""
_DETAIL = 0.02
"""Paint coarser than this, as a share of the texture's side, gives way to colours seen nearby."""
_SQUARELY = 0.3
"""Texels that no camera saw within this cosine of their normal count as unseen."""


def seen_texels(
    template: Template, views: CameraBatch, camera: Tensor, vertices: Tensor, side: int,
    pixels: int, compared: NDArray[np.bool_],
) -> NDArray[np.bool_]:  # fmt: skip
    """(side, side) texels of the skin that a camera saw squarely, in images of `pixels` a side.

    camera (N,), vertices (N, V, 3): the posed heads that were rendered; compared (F,): the
    triangles whose colours the fit compared, for others have learnt none.
    """
    faces = torch.from_numpy(template.triangles).long()
    uv_faces = torch.from_numpy(template.uv_triangles).long()
    uvs = torch.from_numpy(template.uvs)
    skin = torch.from_numpy((template.triangle_material == _SKIN) & compared)
    seen = np.zeros((side, side), np.bool_)
    for n in range(len(camera)):
        one = camera[n : n + 1].cpu()
        posed = vertices[n : n + 1].cpu()
        out = rasterize(views.clip(one, posed), faces, (pixels, pixels))
        hit = (out.tri_id[0] >= 0).nonzero(as_tuple=True)
        triangle, share = out.tri_id[0][hit], out.bary[0][hit]
        corners = posed[0, faces[triangle]]
        normal = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        sight = views.centres[one[0]] - corners.mean(1)
        square = torch.nn.functional.cosine_similarity(normal, sight, dim=-1) > _SQUARELY
        kept = skin[triangle] & square
        uv = (share[kept][..., None] * uvs[uv_faces[triangle[kept]]]).sum(1).numpy()
        column, row = np.minimum((uv * side).astype(int), side - 1).T
        seen[row, column] = True
    # Where pixels are coarser than texels, the texels between two seen ones were seen as well.
    return np.asarray(ndimage.binary_closing(seen, iterations=max(side // 128, 1)))


def white_light(appearance: Appearance) -> Tensor:
    """(3,) linear RGB of the light's mean over all directions, which the skin's texture takes."""
    return (appearance.light[0] * 0.282095).clamp_min(0.05)


def skin_texture(
    appearance: Appearance, seen: NDArray[np.bool_], painted: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """(S, S, 3) sRGB albedo: the fitted texture where `seen`, and elsewhere its colours, which
    `paint_surroundings` has spread, with the fine detail of `painted` (S, S, 3).

    Light and albedo are known up to a common factor; it is chosen so that the light is white and
    of mean brightness 1.
    """
    side = painted.shape[0]
    with torch.no_grad():
        albedo = appearance.textures[_SKIN][0].permute(1, 2, 0) * white_light(appearance)
        fitted = (srgb_from_linear(albedo.clamp(0, 1)) * 255).cpu().numpy()
    large = np.stack(
        [
            np.asarray(Image.fromarray(c).resize((side, side), Image.Resampling.BICUBIC))
            for c in fitted.astype(np.float32).transpose(2, 0, 1)
        ],
        axis=-1,
    )
    mask = Image.fromarray(seen.astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR)
    known = np.asarray(mask) > 0.5
    if not known.any():
        return painted
    inwards = ndimage.distance_transform_edt(known) / (_BLEND * side)
    share = np.clip(inwards, 0, 1)[..., None]
    paint = painted.astype(np.float32)
    width = _DETAIL * side
    detail = paint / np.maximum(ndimage.gaussian_filter(paint, (width, width, 0)), 1)
    mixed = large * (share + (1 - share) * detail)
    return np.asarray(np.rint(mixed).clip(0, 255).astype(np.uint8))
