"""Views that the correspondence net learns from: crops of moments, rightly labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor

from mien.errors import InputError
from mien_training.cameras import Camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.capture.correspondence.correspondence_loss import MapLabels
from mien_training.capture.correspondence.correspondence_net import STRIDE
from mien_training.capture.localisation.head_crops import (
    HEAD_CENTRE,
    HEAD_RADIUS_M,
    crop_cameras,
)
from mien_training.head import MATERIALS, Template
from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rendering.visibility import interpolate, rasterize
from mien_training.synthetic.capture.moments import CaptureMoment

__all__ = ["SampleSpec", "ViewSamples", "crop_place", "draw_samples"]

Float64Array = NDArray[np.float64]


@dataclass(frozen=True)
class SampleSpec:
    """How crops are drawn: about heads that have been located, as most are read, and before that,
    when heads have to be found."""

    side: int = 128
    """Of the crops, pixels."""
    located: float = 0.65
    """Share of views cut out about a head whose place, size and tilt are known roughly."""
    wide: float = 0.08
    """Share of views in which the head may be anywhere, and small; in what is left it is about in
    the middle, as upright as the camera."""
    off_m: float = 0.01
    """Standard deviation of the middle of crops of located heads, along each axis."""
    scale: float = 0.05
    """Standard deviation of the logarithm of their size."""
    roll_rad: float = 0.06
    """Standard deviation of their tilt."""
    unsure: float = 2.0
    """How many times as far off crops of heads are that are about in the middle."""
    widest: float = 2.6
    """By how much more wide images may show than the head, along a side."""
    aside: float = 0.5
    """How far from the middle the head may be there, as a share of the room that is left."""

    def __post_init__(self) -> None:
        if min(self.located, self.wide) < 0 or self.located + self.wide > 1 or self.widest < 1:
            raise InputError(
                f"SampleSpec: located {self.located}, wide {self.wide}, widest {self.widest}, "
                "expected shares of 1 in all at most, and 1 or more"
            )


@dataclass(frozen=True, eq=False)
class ViewSamples:
    """B views."""

    images: Tensor
    """(B, 3, S, S) -1..1."""
    labels: MapLabels

    def to(self, device: torch.device) -> ViewSamples:
        """The same on another device."""
        true = self.labels
        labels = MapLabels(*(getattr(true, f.name).to(device) for f in fields(true)))
        return ViewSamples(self.images.to(device), labels)


def draw_samples(
    views: Sequence[tuple[CaptureMoment, int]],
    template: Template,
    spec: SampleSpec,
    rng: np.random.Generator,
) -> ViewSamples:
    """Of views: moments and indices of cameras; a function of the arguments alone."""
    small, skin, head = [], [], []
    images = np.empty((len(views), spec.side, spec.side, 3), np.uint8)
    for n, (moment, c) in enumerate(views):
        (large,) = crop_cameras([moment.cameras[c]], *crop_place(moment, c, spec, rng))
        little = large.resized(spec.side // STRIDE)
        images[n] = large.image(moment.images[c])
        part = np.asarray(little.labels(moment.part[c], outside=-1), np.int8)
        skin.append(part == MATERIALS.index("skin"))
        head.append((part >= 0) & (part < len(MATERIALS)))
        small.append(little.camera)
    labels = _labels([m for m, _ in views], small, np.stack(skin), np.stack(head), template)
    return ViewSamples(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1, labels)


def _labels(
    moments: Sequence[CaptureMoment],
    cameras: Sequence[Camera],
    skin: NDArray[np.bool_],
    head: NDArray[np.bool_],
    template: Template,
) -> MapLabels:
    """The truth is drawn into the crops: to the pixel, which labels of the originals are not."""
    every, side = CameraBatch.of(cameras), skin.shape[1]
    truth = torch.from_numpy(np.stack([m.vertices for m in moments]))
    faces, index = _faces(template), torch.arange(len(moments))
    with torch.no_grad():
        out = rasterize(every.clip(index, truth), faces, (side, side))
        turn = every.camera_from_world[:, :3, :3].transpose(1, 2)
        normals = torch.stack([_normals(moment, template) for moment in moments]) @ turn
        canonical = torch.from_numpy(template.vertices).expand(len(moments), -1, -1)
        maps = interpolate(torch.cat([canonical, normals], 2), faces, out)
    there = out.tri_id >= 0
    return MapLabels(
        torch.from_numpy(skin) & there,
        there,
        torch.from_numpy(head) & there,
        maps[..., :3],
        torch.nn.functional.normalize(maps[..., 3:], dim=-1),
    )


@lru_cache(maxsize=4)
def _faces(template: Template) -> Tensor:
    return torch.from_numpy(template.triangles.astype(np.int64))


@lru_cache(maxsize=64)
def _normals(moment: CaptureMoment, template: Template) -> Tensor:
    """(V, 3) world; moments are looked at many times."""
    return vertex_normals(torch.from_numpy(moment.vertices)[None], _faces(template))[0]


def crop_place(
    moment: CaptureMoment, c: int, spec: SampleSpec, rng: np.random.Generator
) -> tuple[Float64Array, int, float, Float64Array]:
    """Of a crop of camera `c`, as `crop_cameras` takes them: centre, world, metres; side, pixels;
    radius, metres; and what is up in it, world."""
    true, view = moment.world_from_head, moment.cameras[c].camera_from_world[:3, :3]
    centre = true[:3, :3] @ HEAD_CENTRE + true[:3, 3]
    kind, off = rng.random(), spec.off_m * rng.standard_normal(3)
    wider, tilt = spec.scale * rng.standard_normal(), spec.roll_rad * rng.standard_normal()
    above = -view[1]
    if kind < spec.located:
        above = Rotation.from_rotvec(tilt * view[2]).apply(true[:3, 1])
        return centre + off, spec.side, float(np.exp(wider)) * HEAD_RADIUS_M, above
    above = Rotation.from_rotvec(spec.unsure * tilt * view[2]).apply(above)
    if kind < spec.located + spec.wide:
        most = float(np.exp(rng.uniform(0, np.log(spec.widest))))
        room = spec.aside * (most - 1 + 0.2) * HEAD_RADIUS_M
        return centre + rng.uniform(-room, room, 3), spec.side, most * HEAD_RADIUS_M, above
    radius = float(np.exp(spec.unsure * wider)) * HEAD_RADIUS_M
    return centre + spec.unsure * off, spec.side, radius, above
