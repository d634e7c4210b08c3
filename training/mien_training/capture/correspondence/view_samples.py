"""Views that the correspondence net learns from: crops of moments, rightly labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor

from mien_training.cameras import Camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.capture.correspondence.correspondence_loss import MapLabels
from mien_training.capture.correspondence.correspondence_net import STRIDE
from mien_training.capture.correspondence.hint_maps import hint_maps, no_hints
from mien_training.capture.localisation.head_crops import (
    HEAD_CENTRE,
    HEAD_RADIUS_M,
    crop_cameras,
)
from mien_training.capture.morphable.linear_heads import LinearHeads
from mien_training.head import MATERIALS, Template
from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rendering.visibility import interpolate, rasterize
from mien_training.synthetic.capture.moments import CaptureMoment

__all__ = ["SampleSpec", "ViewSamples", "draw_samples"]

Float64Array = NDArray[np.float64]


@dataclass(frozen=True)
class SampleSpec:
    """How crops and hints are drawn."""

    side: int = 128
    """Of the crops, pixels."""
    hinted: float = 0.7
    """Share of views with a hint."""
    wide: float = 0.06
    """Share of views without hint in which the head may be anywhere, and small; in the others it is
    about in the middle, as large as usual, as in crops of a head whose place is known roughly."""
    widest: float = 2.6
    """By how much more wide images may show than the head, along a side."""
    aside: float = 0.5
    """How far from the middle the head may be there, as a share of the room that is left."""
    off_m: float = 0.02
    """Standard deviation of the middle of the other crops, along each axis."""
    scale: float = 0.12
    """Standard deviation of the logarithm of their size."""
    roll_rad: float = 0.12
    """Standard deviation of the tilt of views without hint."""
    turn_rad: float = 0.05
    """Standard deviation of a hint's turn about each axis; the least are a tenth of it, the
    most twice as much."""
    move_m: float = 0.006
    """Of its shift along each axis, likewise."""
    mean_heads: float = 0.5
    """Share of hints that are the mean head; the others are the person, off by part of a draw from
    the linear heads."""

    def with_hints(self, share: float) -> SampleSpec:
        """The same with another share of hinted views, none wide; hints are the mean head."""
        return replace(self, hinted=share, mean_heads=1.0, wide=0.0)


@dataclass(frozen=True, eq=False)
class ViewSamples:
    """B views."""

    images: Tensor
    """(B, 3, S, S) -1..1."""
    hints: Tensor
    """(B, HINTS, S / 2, S / 2)"""
    labels: MapLabels

    def to(self, device: torch.device) -> ViewSamples:
        """The same on another device."""
        true = self.labels
        labels = MapLabels(*(getattr(true, f.name).to(device) for f in fields(true)))
        return ViewSamples(self.images.to(device), self.hints.to(device), labels)


def draw_samples(
    views: Sequence[tuple[CaptureMoment, int]],
    template: Template,
    heads: LinearHeads,
    spec: SampleSpec,
    rng: np.random.Generator,
) -> ViewSamples:
    """Of views: moments and indices of cameras; a function of the arguments alone."""
    small, skin, head, rough = [], [], [], []
    hinted = np.zeros(len(views), np.bool_)
    images = np.empty((len(views), spec.side, spec.side, 3), np.uint8)
    for n, (moment, c) in enumerate(views):
        hinted[n] = rng.random() < spec.hinted
        if hinted[n]:
            mesh, pose = _rough(moment, template, heads, spec, rng)
            rough.append(mesh)
            centre, up = pose[:3, :3] @ HEAD_CENTRE + pose[:3, 3], pose[:3, 1]
            radius = HEAD_RADIUS_M * float(np.exp(0.04 * rng.standard_normal()))
        else:
            centre, radius, up = _anywhere(moment, c, spec, rng)
        (large,) = crop_cameras([moment.cameras[c]], centre, spec.side, radius, up)
        little = large.resized(spec.side // STRIDE)
        images[n] = large.image(moment.images[c])
        part = np.asarray(little.labels(moment.part[c], outside=-1), np.int8)
        skin.append(part == MATERIALS.index("skin"))
        head.append((part >= 0) & (part < len(MATERIALS)))
        small.append(little.camera)
    labels = _labels([m for m, _ in views], small, np.stack(skin), np.stack(head), template)
    hints = no_hints(len(views), *labels.skin.shape[1:])
    if rough:
        own = [camera for camera, has in zip(small, hinted, strict=True) if has]
        hints[torch.from_numpy(hinted)] = hint_maps(
            torch.from_numpy(np.stack(rough)), _faces(template),
            torch.from_numpy(template.vertices), CameraBatch.of(own), hints.shape[-1],
        )  # fmt: skip
    shown = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
    return ViewSamples(shown, hints, labels)


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


def _rough(
    moment: CaptureMoment,
    template: Template,
    heads: LinearHeads,
    spec: SampleSpec,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float32], Float64Array]:
    """(V, 3) world, and the pose (4, 4) of a guess of the head."""
    true = moment.world_from_head
    amount = float(np.exp(rng.uniform(np.log(0.1), np.log(2.0))))
    turn = Rotation.from_rotvec(amount * spec.turn_rad * rng.standard_normal(3)).as_matrix()
    shift = amount * spec.move_m * rng.standard_normal(3)
    middle = true[:3, :3] @ HEAD_CENTRE + true[:3, 3]
    pose = np.eye(4)
    pose[:3, :3] = turn @ true[:3, :3]
    pose[:3, 3] = turn @ (true[:3, 3] - middle) + middle + shift
    if rng.random() < spec.mean_heads:
        rest = template.vertices.astype(np.float64)
    else:
        off = rng.uniform(0.05, 0.7) * rng.standard_normal(len(heads.variances))
        away = np.tensordot((off * np.sqrt(heads.variances)).astype(np.float32), heads.basis, 1)
        rest = (moment.vertices - true[:3, 3]) @ true[:3, :3] + away
    return (rest @ pose[:3, :3].T + pose[:3, 3]).astype(np.float32), pose


def _anywhere(
    moment: CaptureMoment, c: int, spec: SampleSpec, rng: np.random.Generator
) -> tuple[Float64Array, float, Float64Array]:
    """Centre, radius, metres, and what is up in an image of which nothing is known yet."""
    true, camera = moment.world_from_head, moment.cameras[c]
    centre = true[:3, :3] @ HEAD_CENTRE + true[:3, 3]
    if rng.random() * (1 - spec.hinted) < spec.wide:
        wider = float(np.exp(rng.uniform(0, np.log(spec.widest))))
        room = spec.aside * (wider - 1 + 0.2) * HEAD_RADIUS_M
        centre = centre + rng.uniform(-room, room, 3)
    else:
        wider = float(np.exp(spec.scale * rng.standard_normal()))
        centre = centre + spec.off_m * rng.standard_normal(3)
    view = camera.camera_from_world[:3, :3]
    tilt = spec.roll_rad * rng.standard_normal()
    up = view.T @ np.array([np.sin(tilt), -np.cos(tilt), 0.0])
    return centre, wider * HEAD_RADIUS_M, up
