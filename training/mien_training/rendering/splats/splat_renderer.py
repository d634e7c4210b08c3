"""Gaussian splats as differentiable images, by the kernels that also draw at run time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from mien.avatar.pinhole import PinholeCamera, camera_arrays
from mien.errors import InputError
from mien_training.rendering.splats.splat_reference import draw_reference
from mien_training.rendering.splats.warp_stream import warp_on

__all__ = ["SplatBackend", "SplatImages", "render_splats"]

SplatBackend = Literal["torch", "warp"]

_WIDTHS = {"means": 3, "rotations": 4, "scales": 3, "opacities": 0, "colours": 3}


@dataclass(frozen=True, eq=False)
class SplatImages:
    """What B cameras see."""

    image: torch.Tensor
    """(B, H, W, 4) premultiplied RGB and coverage, sRGB display codes over 255. Over a background:
    `image[..., :3] + (1 - image[..., 3:]) * background`."""
    depth: torch.Tensor | None
    """(B, H, W) depth along the view axis, metres, premultiplied: divide by the coverage."""


def render_splats(
    means: torch.Tensor,
    rotations: torch.Tensor,
    scales: torch.Tensor,
    opacities: torch.Tensor,
    colours: torch.Tensor,
    cameras: Sequence[PinholeCamera],
    size: tuple[int, int],
    *,
    depth: bool = False,
    backend: SplatBackend = "warp",
) -> SplatImages:
    """Images of size (H, W) of N Gaussians, or of B sets of them.

    means (N, 3) or (B, N, 3), metres, in the cameras' world; rotations (.., 4) xyzw, of any length;
    scales (.., 3) standard deviations, metres; opacities (..) 0..1; colours (.., 3) sRGB display
    codes over 255. One camera serves all sets, one set serves all cameras. Differentiable in the
    five tensors, once; none of the cameras.

    Backend "warp" draws in float32, on the CPU or CUDA as `means` lie; "torch" is the reference,
    in the precision of `means`, for a few hundred Gaussians. Values are not checked; Warp leaves
    out what is not finite. Raises InputError for shapes that do not fit, cameras with distortion
    and unknown backends, MissingExtraError without warp-lang.
    """
    tensors = dict(zip(_WIDTHS, (means, rotations, scales, opacities, colours), strict=True))
    frames, each = _checked(tensors, len(cameras))
    if size[0] < 1 or size[1] < 1:
        raise InputError(f"render_splats: size {size}, expected (H, W), both positive")
    poses, lenses = (torch.from_numpy(array) for array in camera_arrays(cameras))
    kept = means.dtype if backend == "torch" else torch.float32
    batch = [
        tensor.to(means.device, kept).expand(frames, each, *((width,) if width else ()))
        for tensor, width in zip(tensors.values(), _WIDTHS.values(), strict=True)
    ]
    batch += [
        poses.to(means.device, kept).expand(frames, 4, 4),
        lenses.to(means.device, kept).expand(frames, 4),
    ]
    if backend == "torch":
        drawn = [draw_reference(size, *rows) for rows in zip(*batch, strict=True)]
        far = torch.stack([d for _, d in drawn]) if depth else None
        return SplatImages(torch.stack([image for image, _ in drawn]), far)
    if backend != "warp":
        raise InputError(f"render_splats: backend {backend!r}, expected 'torch' or 'warp'")
    inputs = [tensor.contiguous() for tensor in batch]
    image, deep = _Draw.apply(*inputs, size, depth)  # type: ignore[no-untyped-call]
    return SplatImages(image, deep if depth else None)


def _checked(tensors: dict[str, torch.Tensor], cameras: int) -> tuple[int, int]:
    """B and N that all agree on."""
    frames = {cameras}
    each = tensors["means"].shape[-2] if tensors["means"].ndim >= 2 else -1
    for name, tensor in tensors.items():
        tail = (each, _WIDTHS[name]) if _WIDTHS[name] else (each,)
        lead = tensor.shape[: tensor.ndim - len(tail)]
        if tuple(tensor.shape[len(lead) :]) != tail or len(lead) > 1:
            text = ", ".join(["N", *([str(_WIDTHS[name])] if _WIDTHS[name] else [])])
            raise InputError(
                f"render_splats: {name} {tuple(tensor.shape)}, expected ({text}) or (B, {text}), "
                f"with N of means {tuple(tensors['means'].shape)}"
            )
        frames |= set(lead)
    if len(frames - {1}) > 1 or 0 in frames:
        raise InputError(
            f"render_splats: {sorted(frames)} sets of Gaussians and cameras ({cameras}), "
            "expected 1 or one same number of all"
        )
    return max(frames), each


class _Draw(torch.autograd.Function):
    """Kernels forward and backward; see `mien.avatar.splat_pipeline` for the axes."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> tuple[torch.Tensor, torch.Tensor]:
        from mien.avatar.splat_pipeline import blend, tiled

        *tensors, (height, width), with_depth = inputs
        means = tensors[0]
        frames = len(means)
        with warp_on(means, "render_splats") as wp:
            cloud = _cloud(wp, tensors, (height, width))
            light = means.new_empty(frames, height, width, 4)
            grid = (frames, height, width)
            depth = means.new_empty(grid if with_depth else (frames, 0, 0))
            needed = any(ctx.needs_input_grad)
            last = means.new_empty(grid if needed else (frames, 0, 0), dtype=torch.int32)
            scene = tiled(cloud)
            blend(
                scene, wp.from_torch(light, dtype=wp.vec4), wp.from_torch(depth),
                wp.from_torch(last),
            )  # fmt: skip
        if needed:
            ctx.save_for_backward(*tensors, light, last)
            ctx.scene = scene
            ctx.with_depth = with_depth
        image = light.clone()
        image[..., 3].neg_().add_(1.0)
        return image, depth

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, image_gradient: torch.Tensor, depth_gradient: torch.Tensor) -> Any:
        from mien.avatar.splat_pipeline import blend_backward

        *tensors, light, last = ctx.saved_tensors
        size = (light.shape[1], light.shape[2])
        gradients = [torch.zeros_like(tensor) for tensor in tensors[:5]]
        image_gradient = image_gradient.contiguous()
        depth_gradient = depth_gradient.contiguous()
        with warp_on(light, "render_splats") as wp:
            blend_backward(
                ctx.scene,
                wp.from_torch(light, dtype=wp.vec4),
                wp.from_torch(last),
                wp.from_torch(image_gradient, dtype=wp.vec4),
                wp.from_torch(depth_gradient),
                _cloud(wp, [*gradients, *tensors[5:]], size),
            )
        return (*gradients, None, None, None, None)


def _cloud(wp: Any, tensors: Sequence[torch.Tensor], size: tuple[int, int]) -> Any:
    from mien.avatar.splat_pipeline import Cloud

    types = (wp.vec3, wp.vec4, wp.vec3, wp.float32, wp.vec3, wp.mat44, wp.vec4)
    arrays = [wp.from_torch(t.detach(), dtype=d) for t, d in zip(tensors, types, strict=True)]
    return Cloud(size, *arrays)
