"""From Gaussians to an image and back, over Warp arrays: what runtime and training share.

Axes: B frames, N Gaussians each, H x W pixels. `means`, `scales`, `colours` are (B, N) of vec3,
`rotations` (B, N) of vec4 (xyzw), `opacities` (B, N), `poses` (B,) of mat44, `lenses` (B,) of vec4,
as `pinhole.camera_arrays` gives them; float32, all on one device.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.avatar import blend_pixel_kernels, blend_tile_kernels, projection_kernels, tile_kernels
from mien.avatar.splat_limits import TILE
from mien.avatar.tile_planes import BACK_PLANES, PLANES
from mien.avatar.warp_start import wp
from mien.errors import InputError

__all__ = ["MOST_PAIRS", "Cloud", "TiledCloud", "blend", "blend_backward", "tiled"]

MOST_PAIRS = 1 << 28
"""Of Gaussians with tiles: 4 GiB while they are sorted. A head at 512 pixels has 100,000."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """Gaussians and their cameras."""

    size: tuple[int, int]
    """(H, W) of every image, pixels."""
    means: Any
    rotations: Any
    scales: Any
    opacities: Any
    colours: Any
    poses: Any
    lenses: Any

    @property
    def shape(self) -> tuple[int, int]:
        """(B, N)"""
        return self.means.shape[0], self.means.shape[1]

    @property
    def tile_grid(self) -> tuple[int, int]:
        """Columns and rows of tiles."""
        height, width = self.size
        return -(-width // TILE), -(-height // TILE)


@dataclass(frozen=True, eq=False)
class TiledCloud:
    """The ellipses of a cloud, and which of them each tile sees, front to back."""

    cloud: Cloud
    ellipses: Any
    """(B N,) `projection_kernels.Ellipse`"""
    paints: Any
    """(B N,) vec4: RGB, depth in metres."""
    reaches: Any
    """(B N,) vec4i: tiles within reach."""
    members: Any
    """(P or more,) index of the Gaussian of each pair with a tile."""
    ranges: Any
    """(B * tiles,) vec2i into `members`."""


def tiled(cloud: Cloud) -> TiledCloud:
    """Project a cloud and sort it. Raises InputError if it covers the image absurdly often."""
    device = cloud.means.device
    frames, each = cloud.shape
    (height, width), (columns, rows) = cloud.size, cloud.tile_grid
    count, tiles = frames * each, frames * columns * rows
    ellipses = wp.empty(count, dtype=projection_kernels.Ellipse, device=device)
    paints = wp.empty(count, dtype=wp.vec4, device=device)
    reaches = wp.empty(count, dtype=wp.vec4i, device=device)
    ranges = wp.zeros(tiles, dtype=wp.vec2i, device=device)
    depths = wp.empty(2 * count, dtype=float, device=device)
    order = wp.empty(2 * count, dtype=int, device=device)
    members = wp.empty(0, dtype=int, device=device)
    if count == 0:
        return TiledCloud(cloud, ellipses, paints, reaches, members, ranges)
    wp.launch(
        projection_kernels.project_kernel,
        dim=(frames, each),
        inputs=[
            cloud.means, cloud.rotations, cloud.scales, cloud.opacities, cloud.colours,
            cloud.poses, cloud.lenses, width, height, TILE, ellipses, paints, reaches, depths,
            order,
        ],
        device=device,
    )  # fmt: skip
    wp.utils.radix_sort_pairs(depths, order, count)
    ends = wp.empty(count, dtype=int, device=device)
    wp.launch(tile_kernels.count_kernel, dim=count, inputs=[order, reaches, ends], device=device)
    if count * columns * rows > MOST_PAIRS:
        covered = int(ends.numpy().sum(dtype=np.int64))
        if covered > MOST_PAIRS:
            raise InputError(
                f"splats: {count} Gaussians reach {covered} tiles of {TILE} x {TILE} pixels, "
                f"expected at most {MOST_PAIRS}: their scales are too large for this camera"
            )
    wp.utils.array_scan(ends, ends, inclusive=True)
    pairs = int(ends[count - 1 : count].numpy()[0])
    if pairs:
        numbers = wp.empty(2 * pairs, dtype=int, device=device)
        members = wp.empty(2 * pairs, dtype=int, device=device)
        wp.launch(
            tile_kernels.emit_kernel,
            dim=count,
            inputs=[order, reaches, ends, each, columns, rows, numbers, members],
            device=device,
        )
        wp.utils.radix_sort_pairs(numbers, members, pairs, end_bit=max(tiles.bit_length(), 1))
        wp.launch(
            tile_kernels.range_kernel, dim=pairs, inputs=[numbers, pairs, ranges], device=device
        )
    return TiledCloud(cloud, ellipses, paints, reaches, members, ranges)


def blend(
    scene: TiledCloud, light: Any, depth: Any, last: Any, *, per_pixel: bool | None = None
) -> None:
    """Fill `light` (B, H, W) vec4: premultiplied RGB and transmittance; see `blend_pixel_kernels`.

    `depth` (B, H, W) and `last` (B, H, W) int32 are filled too, unless they are (B, 0, 0).
    `per_pixel`: a thread for each pixel instead of each tile, by default on CUDA.
    """
    columns, rows = scene.cloud.tile_grid
    common = [scene.ellipses, scene.paints, scene.members, scene.ranges]
    device = light.device
    if not (device.is_cuda if per_pixel is None else per_pixel):
        tiles = scene.ranges.shape[0]
        planes = wp.empty(tiles * PLANES * TILE * TILE, dtype=float, device=device)
        plane_last = wp.empty(tiles * TILE * TILE, dtype=int, device=device)
        wp.launch(
            blend_tile_kernels.blend_tiles_kernel,
            dim=tiles,
            inputs=[*common, columns, rows, planes, plane_last, light, depth, last],
            device=device,
        )
    else:
        wp.launch(
            blend_pixel_kernels.blend_pixels_kernel,
            dim=light.shape,
            inputs=[*common, TILE, columns, rows, light, depth, last],
            device=device,
        )


def blend_backward(
    scene: TiledCloud,
    light: Any,
    last: Any,
    light_gradients: Any,
    depth_gradients: Any,
    out: Cloud,
    *,
    per_pixel: bool | None = None,
) -> None:
    """Gradients of the loss by the cloud's five arrays into those of `out`, which are zero.

    `light` and `last` as `blend` left them; `light_gradients` (B, H, W) vec4: of premultiplied RGB
    and of coverage; `depth_gradients` (B, H, W), or (B, 0, 0) for none.
    """
    cloud = scene.cloud
    device = light.device
    (height, width), (columns, rows) = cloud.size, cloud.tile_grid
    ellipse_gradients = wp.zeros_like(scene.ellipses)
    paint_gradients = wp.zeros_like(scene.paints)
    common = [scene.ellipses, scene.paints, scene.members, scene.ranges]
    images = [light, last, light_gradients, depth_gradients]
    if not (device.is_cuda if per_pixel is None else per_pixel):
        tiles = scene.ranges.shape[0]
        planes = wp.empty(tiles * BACK_PLANES * TILE * TILE, dtype=float, device=device)
        plane_last = wp.empty(tiles * TILE * TILE, dtype=int, device=device)
        wp.launch(
            blend_tile_kernels.blend_tiles_backward_kernel,
            dim=tiles,
            inputs=[
                *common, columns, rows, *images, planes, plane_last, ellipse_gradients,
                paint_gradients,
            ],
            device=device,
        )  # fmt: skip
    else:
        wp.launch(
            blend_pixel_kernels.blend_pixels_backward_kernel,
            dim=light.shape,
            inputs=[*common, TILE, columns, rows, *images, ellipse_gradients, paint_gradients],
            device=device,
        )
    wp.launch(
        projection_kernels.project_backward_kernel,
        dim=cloud.shape,
        inputs=[
            cloud.means, cloud.rotations, cloud.scales, cloud.poses, cloud.lenses, width, height,
            scene.reaches, ellipse_gradients, paint_gradients,
            out.means, out.rotations, out.scales, out.opacities, out.colours,
        ],
        device=device,
    )  # fmt: skip
