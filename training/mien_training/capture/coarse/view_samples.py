"""What feature maps of several views hold where points in space are seen."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mien.errors import InputError
from mien_training.cameras.camera_batch import CameraBatch

__all__ = ["project_points", "sample_views"]

_NEAR_M = 0.01


def project_points(
    points: Tensor, cameras: CameraBatch, size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """(B, V, P, 2) places in images, -1 at the left or upper edge and 1 at the other, and
    (B, V, P) bool: before the camera and in its image.

    points (B, P, 3) world, metres; cameras: B V of them, those of the first moment first; size:
    width and height of all images, pixels. Finite, with gradients, wherever points lie. Raises
    InputError where cameras are no multiple of moments.
    """
    batch, count = points.shape[:2]
    views, left = divmod(len(cameras.intrinsics), batch)
    if left or not views:
        raise InputError(
            f"project_points: {len(cameras.intrinsics)} cameras for {batch} moments, expected a "
            "multiple"
        )
    every = points.repeat_interleave(views, 0)
    index = torch.arange(batch * views, device=points.device)
    pixels = cameras.pixels(index, every)
    axis = cameras.camera_from_world[:, 2:3]
    depth = (every * axis[..., :3]).sum(-1) + axis[..., 3]
    places = 2 * pixels / pixels.new_tensor(size) - 1
    inside = (depth > _NEAR_M) & (places.abs() <= 1).all(-1)
    # Very distant places would not stay finite in the sampler.
    places = torch.nan_to_num(places, 4.0, 4.0, -4.0).clamp(-4.0, 4.0)
    return places.reshape(batch, views, count, 2), inside.reshape(batch, views, count)


def sample_views(
    features: Tensor, points: Tensor, cameras: CameraBatch, size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """(B, V, C, P) features, bilinear, 0 where not seen, and (B, V, P) bool: seen.

    features (B, V, C, H, W) over the whole of images of `size`, width and height in pixels,
    however many features there are to a pixel; points (B, P, 3) world, metres; cameras: B V.
    Raises InputError as `project_points`, or for other shapes.
    """
    if features.ndim != 5 or len(features) != len(points):
        raise InputError(
            f"sample_views: features {tuple(features.shape)} for points {tuple(points.shape)}, "
            "expected (B, V, C, H, W) and (B, P, 3)"
        )
    places, inside = project_points(points, cameras, size)
    if places.shape[1] != features.shape[1]:
        raise InputError(
            f"sample_views: features of {features.shape[1]} views, cameras of {places.shape[1]}"
        )
    # Edges are repeated: half a pixel at the border is not half as bright.
    sampled = functional.grid_sample(
        features.flatten(0, 1), places.flatten(0, 1)[:, :, None], mode="bilinear",
        padding_mode="border", align_corners=False,
    )[..., 0]  # fmt: skip
    sampled = sampled.reshape(*features.shape[:3], -1)
    return sampled * inside[:, :, None], inside
