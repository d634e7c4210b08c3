"""One moment through the networks: pictures in, the whole head out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mien_training.cameras import Camera, project
from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.first_mesh import FirstMesh, find_head, first_mesh
from mien_training.capture.learning.moment_reading import MomentReading
from mien_training.capture.localisation import HeadPose, MapRays
from mien_training.capture.moment_result import MomentResult
from mien_training.capture.refinement.mesh_samples import vertex_visibility
from mien_training.capture.whole_mesh import carried_mesh
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.head import MATERIALS, Template

__all__ = ["NetPredictor"]

Float64Array = NDArray[np.float64]

_SEEN = 0.5
"""Visibility from which on a camera counts as seeing a vertex."""
_HALF_M = 0.002
"""Expected distance at which a vertex is believed half."""
_LEAST_INLIERS = 0.2
_NEAR_M = 0.012


@dataclass(frozen=True, eq=False)
class NetPredictor:
    """A `HeadPredictor`."""

    net: CaptureNet

    @property
    def template(self) -> Template:
        """What its meshes are of."""
        return self.net.template

    @property
    def digest(self) -> str:
        """SHA-256 of all that results follow from beside the pictures."""
        return self.net.digest

    def predict(
        self,
        images: Sequence[NDArray[np.uint8]],
        cameras: Sequence[Camera],
        start: Float64Array | None,
    ) -> MomentResult:
        """See `HeadPredictor`. A start that the pictures do not bear out is not used."""
        net, clock = self.net, _Clock()
        located = None if start is None else HeadPose.given(start, len(cameras))
        if located is None:
            located = find_head(net.correspondence, images, cameras, net.template, net.first)
            clock.lap("locate")
        first = self._first(images, cameras, located)
        if start is not None and _inliers(first) < _LEAST_INLIERS:
            located = find_head(net.correspondence, images, cameras, net.template, net.first)
            first = self._first(images, cameras, located)
        clock.lap("first mesh")
        reading = MomentReading.of(first)
        with torch.no_grad():
            skin, doubt = net.refinement(reading)[-1]
            mesh = carried_mesh(net.template, reading.start, skin.numpy())
            visible = vertex_visibility(
                torch.from_numpy(mesh), net.refinement.triangles,
                torch.arange(len(mesh)), reading.cameras(), reading.side, reading.maps.shape[-1],
            ).numpy()  # fmt: skip
        spread = self._spread(doubt.numpy())
        pose = reading.world_from_head
        placed = (mesh @ pose[:3, :3].T + pose[:3, 3]).astype(np.float32)
        clock.lap("refine")
        views = visible * np.array([crop.sees_head for crop in first.read.crops])[:, None] > _SEEN
        return MomentResult(
            vertices=placed,
            world_from_head=pose,
            confidence=(1 / (1 + (spread / _HALF_M) ** 2)).astype(np.float32),
            views=views.sum(0).astype(np.uint8),
            spread_m=spread,
            residual_px=residuals(net.template, placed, first.read.rays(), cameras),
            failure=_failure(first),
            seconds=clock.seconds,
        )

    def _first(
        self, images: Sequence[NDArray[np.uint8]], cameras: Sequence[Camera], located: HeadPose
    ) -> FirstMesh:
        net = self.net
        return first_mesh(
            net.correspondence, images, cameras, net.template, net.heads, net.first, located
        )

    def _spread(self, doubt: NDArray[np.float32]) -> NDArray[np.float32]:
        """(V,) of skin's (K,): other vertices are as unsure as the skin that they follow."""
        chosen = self.net.refinement.chosen.numpy()
        spread = np.full(len(self.net.template.vertices), float(np.median(doubt)), np.float32)
        spread[chosen] = doubt
        return spread


def residuals(
    template: Template, placed: NDArray[np.float32], rays: MapRays, cameras: Sequence[Camera]
) -> Float64Array:
    """(C, 2) mean predicted minus seen pixels of a mesh (V, 3), world, by certainty; NaN where a
    camera has no rays."""
    seen, predicted, weight = correspondences(template, placed, rays)
    found = np.full((len(cameras), 2), np.nan)
    for c in range(len(cameras)):
        own = (rays.camera == c) & np.isfinite(predicted).all(1)
        if own.any() and weight[own].sum() > 0:
            found[c] = np.average((predicted - seen)[own], axis=0, weights=weight[own])
    return found


def correspondences(
    template: Template, placed: NDArray[np.float32], rays: MapRays
) -> tuple[Float64Array, Float64Array, Float64Array]:
    """Pixels (N, 2) where rays see places of the head, pixels (N, 2) where a mesh (V, 3) has them,
    and weights (N,): certainty, robustly. In the rays' own cameras."""
    skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    nearest = nearest_on_surface(template.vertices, skin, rays.canonical)
    corners = placed[skin[nearest.triangle]].astype(np.float64)
    points = (corners * nearest.barycentric[..., None]).sum(1)
    predicted = np.full((len(points), 2), np.nan)
    for c, camera in enumerate(rays.cameras):
        own = rays.camera == c
        if own.any():
            pixels, depth = project(camera, points[own])
            predicted[own] = np.where(depth[:, None] > 0, pixels, np.nan)
    across = np.linalg.norm(np.cross(points - rays.origins, rays.directions), axis=1)
    weight = rays.certainty / (1 + (across / _NEAR_M) ** 2) ** 2
    return rays.pixels, predicted, weight * (nearest.distance < _NEAR_M)


def _inliers(first: FirstMesh) -> float:
    """Share of what was observed that lies near the fit."""
    return float((first.fit.residuals < _NEAR_M).mean())


def _failure(first: FirstMesh) -> str:
    if first.located.failure:
        return first.located.failure
    near = _inliers(first)
    if near < _LEAST_INLIERS:
        return f"only {near:.0%} of what the cameras see agrees on a head"
    return ""


class _Clock:
    """Seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._since
        self._since = now
