"""How shading moves with the surface: by differences between neighbouring pixels.

The derivative of a pixel by the barycentric weights of what it sees is the slope of the colour in
its one triangle. Near outlines triangles are slivers: few pixels meet one, and there the slope is
enormous. The mean is right, but on a shaded head of 10 000 triangles its noise is as large as the
whole gradient, and hardly falls with the resolution. Differences between neighbours are never
larger than the colours. (Cole et al. 2021, "Differentiable Surface Rendering via Non-Differentiable
Sampling", get theirs from splats.)
"""

from __future__ import annotations

import torch
from torch import Tensor

from mien_training.rendering.antialiasing.pixel_pairs import PixelPairs
from mien_training.rendering.visibility import RasterOut

__all__ = ["move_with_surface", "still"]


def still(out: RasterOut) -> RasterOut:
    """The same points of the surface in every pixel: barycentric weights without gradients.

    Shade an image by it and hand both to `antialias`, which then carries the colours along.
    """
    return RasterOut(out.tri_id, out.bary.detach(), out.depth.detach())


def move_with_surface(
    flat: Tensor, xy: Tensor, covered: Tensor, contours: PixelPairs, size: tuple[int, int]
) -> Tensor:
    """(H * W, C) to add to the image (H * W, C): zero, with the gradient of its surface's motion.

    xy: (H * W, 2) where each pixel's point of the surface is seen, the pixel's centre, with
    gradients; covered: (H * W,) whether it sees one. Between neighbours without a contour the
    colour runs evenly from one to the other, and the half at each pixel moves with its point.
    Next to a contour it counts as constant: the contour moves all the difference of its pixels.
    """
    motion = torch.zeros_like(flat)
    shift = torch.where(covered[:, None], xy - xy.detach(), 0.0)
    for axis in (0, 1):
        first, second = contours.free(axis, size)
        rise = 0.5 * (flat[second] - flat[first]).detach()
        for pixel in (first, second):
            motion = motion.index_add(0, pixel, -shift[pixel, axis, None] * rise)
    return motion
