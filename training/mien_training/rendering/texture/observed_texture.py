"""A head's skin as cameras saw it: pictures laid out on the texture and mixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from mien.deform import vertex_normals
from mien_training.cameras import Camera, project
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.head import MATERIALS, Template
from mien_training.rendering.appearance import srgb_from_linear
from mien_training.rendering.bake import TexelMap, bake_texels
from mien_training.rendering.shading import linear_from_srgb
from mien_training.rendering.texture.texture_fill import fill_unknown
from mien_training.rendering.visibility import rasterize

__all__ = ["ObservedTexture"]

Float32Array = NDArray[np.float32]

_SQUARELY = 0.25
"""Cosine of the line of sight below which a texel tells nothing."""
_SHARPNESS = 6
"""Power of that cosine: the camera that looks most squarely nearly decides, for a mean of views
that lie a millimetre apart is blurred."""
_BEHIND_M = 0.003
"""A texel this far behind what its pixel sees is hidden."""
_GAIN_TEXELS = 20_000
"""Texels at most from which the cameras' brightness is compared."""
_GAIN_ROUNDS = 3
_DARK, _BRIGHT = 0.01, 0.95
"""Linear light between which brightness is compared."""


@dataclass(frozen=True, eq=False)
class _View:
    """What one picture shows of the N texels."""

    colour: Float32Array
    """(N, 3) linear."""
    weight: Float32Array
    """(N,) 0 where it shows nothing."""


class ObservedTexture:
    """Sums over the pictures of moments, added one moment after the other.

    texture = ObservedTexture(template, 1024)
    texture.add(images, cameras, vertices)
    image = texture.image()
    """

    def __init__(self, template: Template, side: int) -> None:
        self.template, self.side = template, side
        self._texels: TexelMap = bake_texels(template, MATERIALS.index("skin"), side)
        count = len(self._texels.texel)
        self._sum = np.zeros((count, 3), np.float64)
        self._weight = np.zeros(count, np.float64)
        self._gains: Float32Array | None = None

    def add(
        self,
        images: Sequence[NDArray[np.uint8]],
        cameras: Sequence[Camera],
        vertices: Float32Array,
        confidence: Float32Array | None = None,
    ) -> None:
        """images (H, W, 3) sRGB of the cameras, the same at every call; vertices (V, 3) world;
        confidence (V,) 0..1 of them, for hair in front of the skin has none."""
        places = self._texels.interpolate(vertices)
        normals = self._texels.interpolate(vertex_normals(vertices, self.template.triangles))
        normals /= np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-9)
        views = [
            self._view(image, camera, vertices, places, normals)
            for image, camera in zip(images, cameras, strict=True)
        ]
        if self._gains is None:
            self._gains = _gains(views)
        share: Float32Array | None = None
        if confidence is not None:
            share = self._texels.interpolate(np.asarray(confidence, np.float32))
        for view, gain in zip(views, self._gains, strict=True):
            weight = view.weight if share is None else view.weight * share
            self._sum += weight[:, None] * view.colour * gain
            self._weight += weight

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(S, S) texels that a picture showed."""
        known = np.zeros(self.side * self.side, np.bool_)
        known[self._texels.texel] = self._weight > 0
        return known.reshape(self.side, self.side)

    def image(self) -> NDArray[np.uint8]:
        """(S, S, 3) sRGB; texels that no picture showed have the colours around them, grey where
        nothing was shown at all."""
        if not self.seen.any():
            return np.full((self.side, self.side, 3), 128, np.uint8)
        flat = np.zeros((self.side * self.side, 3))
        known = self._weight > 0
        flat[self._texels.texel[known]] = self._sum[known] / self._weight[known, None]
        filled = fill_unknown(flat.reshape(self.side, self.side, 3), self.seen).clip(0, 1)
        srgb = srgb_from_linear(torch.from_numpy(filled)).numpy()
        return np.asarray(np.rint(255 * srgb).clip(0, 255), np.uint8)

    def _view(
        self,
        image: NDArray[np.uint8],
        camera: Camera,
        vertices: Float32Array,
        places: Float32Array,
        normals: Float32Array,
    ) -> _View:
        colour = np.zeros((len(places), 3), np.float32)
        weight = np.zeros(len(places), np.float32)
        sight = camera.centre.astype(np.float32) - places
        cosine = (normals * sight).sum(1) / np.linalg.norm(sight, axis=1).clip(1e-9)
        rows = np.flatnonzero(cosine > _SQUARELY)
        plain = replace(camera, k1=0.0, k2=0.0)
        straight, depth = project(plain, places[rows])
        pixels = project(camera, places[rows])[0]
        size = (camera.width, camera.height)
        with np.errstate(invalid="ignore"):
            inside = (straight >= 0).all(1) & (straight < size).all(1)
            inside &= (pixels >= 0).all(1) & (pixels < size).all(1)
        rows, depth, pixels = rows[inside], depth[inside], pixels[inside]
        column, row = straight[inside].astype(np.int64).T
        shown = depth < self._depth(plain, vertices)[row, column] + _BEHIND_M
        colour[rows[shown]] = _bilinear(image, pixels[shown])
        weight[rows[shown]] = cosine[rows[shown]] ** _SHARPNESS
        return _View(colour, weight)

    def _depth(self, camera: Camera, vertices: Float32Array) -> NDArray[np.float64]:
        """(H, W) depth of the head at each pixel's centre, metres; infinity beside it. Of a camera
        without distortion."""
        views, one = CameraBatch.of([camera]), torch.zeros(1, dtype=torch.long)
        clip = views.clip(one, torch.from_numpy(np.asarray(vertices, np.float32))[None])
        faces = torch.from_numpy(self.template.triangles).long()
        out = rasterize(clip, faces, (camera.height, camera.width))
        hit = out.tri_id[0] >= 0
        axis, offset = camera.camera_from_world[2, :3], camera.camera_from_world[2, 3]
        corners = (vertices @ axis + offset)[self.template.triangles]
        found = np.full((camera.height, camera.width), np.inf)
        found[hit.numpy()] = (
            corners[out.tri_id[0][hit].numpy()] * out.bary[0][hit].double().numpy()
        ).sum(1)
        return found


def _gains(views: Sequence[_View]) -> Float32Array:
    """(C, 3) factors that bring the cameras to one brightness, where they see the same texels;
    their geometric mean is 1."""
    step = max(len(views[0].weight) // _GAIN_TEXELS, 1)
    colour = np.stack([view.colour[::step] for view in views]).astype(np.float64)
    weight = np.stack([view.weight[::step] for view in views]).astype(np.float64)
    lit = (colour.min(2) > _DARK) & (colour.max(2) < _BRIGHT)
    weight = np.where(lit, weight, 0.0)[..., None]
    logs = np.log(colour.clip(_DARK, 1.0))
    offsets = np.zeros((len(views), 1, 3))
    shared = (weight > 0).sum(0, keepdims=True) > 1
    weight = weight * shared
    for _ in range(_GAIN_ROUNDS * len(views)):
        mean = ((logs + offsets) * weight).sum(0) / weight.sum(0).clip(1e-9)
        totals = weight.sum(1, keepdims=True)
        off = ((mean - logs - offsets) * weight).sum(1, keepdims=True) / totals.clip(1e-9)
        offsets = offsets + off
    offsets = offsets - offsets.mean(0)
    return np.asarray(np.exp(offsets[:, 0]).clip(0.25, 4.0), np.float32)


def _bilinear(image: NDArray[np.uint8], pixels: NDArray[np.float64]) -> Float32Array:
    """(P, 3) linear light at pixels (P, 2); edges are repeated, grey gets three channels."""
    height, width = image.shape[:2]
    x = (pixels[:, 0] - 0.5).clip(0, width - 1)
    y = (pixels[:, 1] - 0.5).clip(0, height - 1)
    left, top = x.astype(np.int64), y.astype(np.int64)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    u, v = (x - left)[:, None], (y - top)[:, None]
    upper = (1 - u) * _linear(image, top, left) + u * _linear(image, top, right)
    lower = (1 - u) * _linear(image, bottom, left) + u * _linear(image, bottom, right)
    mixed = (1 - v) * upper + v * lower
    return np.asarray(np.broadcast_to(mixed, (len(pixels), 3)), np.float32)


def _linear(
    image: NDArray[np.uint8], row: NDArray[np.int64], column: NDArray[np.int64]
) -> Float32Array:
    return np.asarray(linear_from_srgb(image[row, column]), np.float32)
