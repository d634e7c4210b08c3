"""Scalp, ears and neck as the cameras see them: the fit compares the face alone.

Hair is not modelled, so what lies on the scalp's texels is the colour of the hair in front of it,
and where no camera looks, that of the texels nearby.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from mien_training.footage.observations import Observations
from mien_training.head import MATERIALS
from mien_training.rendering.appearance import harmonics
from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rendering.shading import linear_from_srgb
from mien_training.rendering.texture.texture_fill import fill_unknown
from mien_training.rendering.visibility import rasterize
from mien_training.rig.photometric.objective import Objective

__all__ = ["paint_surroundings"]

_SKIN = MATERIALS.index("skin")
_FRAMES = 24
_SQUARELY = 0.45
"""Cosine to the line of sight below which a pixel may show what is behind the head."""
_DARKEST = 0.15
"""Light below this share of white says nothing of what it falls on."""


def paint_surroundings(objective: Objective) -> NDArray[np.bool_]:
    """Give the skin's texels that the fit has not compared a colour; (S, S) those that are seen.

    Colours that were learnt stay as they are.
    """
    seen, appearance = objective.seen, objective.model.appearance
    with torch.no_grad():
        texture = appearance.textures[_SKIN]
        side = texture.shape[-1]
        total = torch.zeros(side * side, 4, device=texture.device)
        learnt = torch.zeros(side * side, dtype=torch.bool, device=texture.device)
        shapes = objective.model.rig()
        usable = objective.uses_pixels.nonzero()[:, 0]
        if not len(usable):
            usable = torch.arange(len(seen.camera), device=texture.device)
        some = torch.linspace(0, len(usable) - 1, min(len(usable), _FRAMES)).round().long()
        for frame in torch.split(usable[some.to(usable.device)], 1):
            vertices = shapes.posed(objective.motion_at(frame))
            _gather(objective, seen, frame, vertices, total, learnt)
        # Where pixels are coarser than texels, those between two learnt ones were learnt as well.
        grid = learnt.reshape(side, side).cpu().numpy()
        grid = ndimage.binary_closing(grid, iterations=max(side // 128, 1)) | grid
        learnt = torch.from_numpy(grid).to(texture.device).flatten()
        known = (total[:, 3] > 0) & ~learnt
        values = texture[0].permute(1, 2, 0).reshape(-1, 3).clone()
        values[known] = total[known, :3] / total[known, 3:]
        sure = (learnt | known).reshape(side, side).cpu().numpy()
        whole = fill_unknown(values.reshape(side, side, 3).cpu().numpy(), sure)
        texture.copy_(torch.from_numpy(whole).permute(2, 0, 1)[None])
    return sure


def _gather(
    objective: Objective, seen: Observations, frame: Tensor, vertices: Tensor, total: Tensor,
    learnt: Tensor,
) -> None:  # fmt: skip
    """Add one frame's colours, freed from light, to (S^2, 3 and a weight) texels."""
    head, appearance = objective.renderer, objective.model.appearance
    side = appearance.textures[_SKIN].shape[-1]
    size = (seen.images.shape[1], seen.images.shape[2])
    camera = seen.camera[frame]
    out = rasterize(seen.views.clip(camera, vertices), head.faces, size)
    row, column = (out.tri_id[0] >= 0).nonzero(as_tuple=True)
    triangle, share = out.tri_id[0, row, column], out.bary[0, row, column][..., None]
    corners = head.faces[triangle]
    normals = (share * vertex_normals(vertices, head.faces)[0][corners]).sum(1)
    sight = seen.views.centres[camera] - (share * vertices[0][corners]).sum(1)
    square = torch.nn.functional.cosine_similarity(normals, sight, dim=-1)
    uv = (share * head.uvs[head.uv_faces[triangle]]).sum(1)
    texel = (uv * side).long().clamp(0, side - 1)
    place = texel[:, 1] * side + texel[:, 0]
    skin = head.material[triangle] == _SKIN
    compared = objective.compares(triangle)
    learnt[place[skin & compared]] = True
    normal = torch.nn.functional.normalize(normals, dim=-1)
    gain = torch.cat([appearance.log_gain.new_zeros(1, 3), appearance.log_gain]).exp()[camera]
    light = (harmonics(normal) @ appearance.light) * gain
    white = float(0.282095 * appearance.light[0].mean())
    codes = seen.images[frame][0, row, column]
    there = (codes > 0).any(1)  # beyond the border of a recording, crops are black
    kept = skin & ~compared & there & (square > _SQUARELY) & (light.amin(1) > _DARKEST * white)
    weight = square[kept, None].square()
    linear = torch.from_numpy(linear_from_srgb(codes[kept].cpu().numpy())).to(light.device)
    albedo = (linear / light[kept]).clamp(0.001, 1.5)
    total.index_add_(0, place[kept], torch.cat([weight * albedo, weight], 1))
