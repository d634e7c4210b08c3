"""From a fit at the basis's size to maps for engines: finer, with pores, with tangent frames."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rendering.relief.face_atlas import FaceAtlas
from mien_training.rendering.relief.face_chart import FaceChart
from mien_training.rendering.relief.pores import pore_heights
from mien_training.rendering.relief.relief_normals import atlas_gradients

__all__ = ["finer_maps", "tangent_frames"]

Float32Array = NDArray[np.float32]
_BORDER = 0.04
"""Share of the atlas's side over which relief fades to nothing at its borders."""


def finer_maps(
    atlas: FaceAtlas, heights: Tensor, size: int, pores_m: float, seed: int
) -> Float32Array:
    """(3, size, size) metres: heights (3, S, S) enlarged smoothly, and at rest pores of depth
    `pores_m`, which images of a whole face do not resolve; 0 where the head has no skin."""
    large = F.interpolate(heights[None], size=(size, size), mode="bicubic", antialias=True)[
        0
    ].numpy()
    texels = atlas.texels(size)
    on_skin = np.zeros(size * size, np.float32)
    on_skin[texels.texel] = 1
    head = atlas.template
    chart = FaceChart(FaceFrame.of(head, head.vertices))
    pores = np.zeros(size * size, np.float32)
    pores[texels.texel] = pore_heights(texels.interpolate(head.vertices), chart, pores_m, seed)
    large[0] += pores.reshape(size, size)
    at = (np.arange(size) + 0.5) / size
    edge = (np.minimum(at, 1 - at) / _BORDER).clip(0, 1)
    fade = np.outer(edge, edge) * on_skin.reshape(size, size)
    return np.asarray(large * fade, np.float32)


def tangent_frames(atlas: FaceAtlas, size: int) -> Float32Array:
    """(2, 2, size, size): slopes along the tangent (of u) and the bitangent (towards smaller v, as
    glTF's normal maps have it), per slope along u and along v; of the neutral, per metre."""
    head = atlas.template
    posed = torch.from_numpy(head.vertices)[None]
    faces = torch.from_numpy(head.triangles.astype(np.int64))
    normals = F.normalize(vertex_normals(posed, faces)[0], dim=-1)
    gradients = atlas_gradients(posed, atlas.triangles, torch.from_numpy(atlas.places))[0]
    texels = atlas.texels(size)
    normal = F.normalize(torch.from_numpy(texels.interpolate(normals.numpy())), dim=-1)
    both = texels.interpolate(gradients.reshape(len(gradients), 6).numpy()).reshape(-1, 2, 3)
    of_u, of_v = torch.from_numpy(both).unbind(1)
    tangent = F.normalize(torch.linalg.cross(of_v, normal), dim=-1)
    tangent = tangent * torch.where((tangent * of_u).sum(-1, keepdim=True) < 0, -1.0, 1.0)
    up = F.normalize(torch.linalg.cross(normal, tangent), dim=-1)
    up = up * torch.where((up * of_v).sum(-1, keepdim=True) > 0, -1.0, 1.0)
    rows = [[(of_u * axis).sum(-1), (of_v * axis).sum(-1)] for axis in (tangent, up)]
    image = np.zeros((2, 2, size * size), np.float32)
    image[:, :, texels.texel] = np.array([[r.numpy() for r in row] for row in rows])
    return image.reshape(2, 2, size, size)
