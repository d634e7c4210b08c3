"""One moment through the networks: pictures in, the whole head out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mien.deform import vertex_normals
from mien_training.cameras import Camera
from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.first_mesh import FirstMesh, first_mesh, polished_by, polished_first
from mien_training.capture.learning.moment_reading import MomentReading
from mien_training.capture.localisation import HeadPose, MapRays
from mien_training.capture.moment_result import MomentResult
from mien_training.capture.polish import PolishConfig
from mien_training.capture.trust import (
    ViewEvidence,
    moment_failure,
    shape_evidence,
    vertex_residuals,
    vertex_trust,
    view_evidence,
)
from mien_training.capture.trust.camera_sightings import moment_sightings, spread_vertices
from mien_training.capture.whole_mesh import carried_mesh
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.head import MATERIALS, Template
from mien_training.runs.content_key import content_digest

__all__ = ["HeadEvidence", "NetPredictor", "PlacedHead"]

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

_SIGHTED = 150
"""Vertices, evenly spread, that cameras are checked by."""
_SURE_M = 0.005
"""Expected distance at which a place counts half where cameras are checked."""
_NEAR_M = 0.012
"""Distance of a ray from the mesh within which it agrees."""
_LEAST_INLIERS = 0.25


@dataclass(frozen=True, eq=False)
class PlacedHead:
    """A head of one moment."""

    first: FirstMesh
    vertices: NDArray[np.float32]
    """(V, 3) world, metres."""
    spread: NDArray[np.float32]
    """(K,) how far off the networks take the vertices of skin to be, metres."""


@dataclass(frozen=True, eq=False)
class HeadEvidence:
    """Of V vertices."""

    views: ViewEvidence
    residual_m: Float64Array
    """(V,) by how much rays nearby pass the mesh."""
    deviation_m: NDArray[np.float32]
    """(V,) how far off the networks take it to be; NaN where nothing is known."""
    off_m: Float64Array
    """(N,) by how much each ray passes the place that it names."""


@dataclass(frozen=True, eq=False)
class NetPredictor:
    """A `HeadPredictor`."""

    net: CaptureNet
    polish: PolishConfig | None = None
    """How meshes are polished by the pictures; None: not at all."""

    @property
    def template(self) -> Template:
        """What its meshes are of."""
        return self.net.template

    @property
    def digest(self) -> str:
        """SHA-256 of all that results follow from beside the pictures."""
        return content_digest([self.net.digest, self.polish])

    @cached_property
    def _sighted(self) -> NDArray[np.int64]:
        return spread_vertices(
            self.template, min(_SIGHTED, int(self.template.regions["skin"].sum()))
        )

    def predict(
        self,
        images: Sequence[NDArray[np.uint8]],
        cameras: Sequence[Camera],
        start: Float64Array | None,
    ) -> MomentResult:
        """See `HeadPredictor`. A start that the pictures do not bear out is not used."""
        clock = Clock()
        head = self.placed(images, cameras, start, clock)
        evidence = self.evidence(head)
        trust = vertex_trust(evidence.views, evidence.residual_m, evidence.deviation_m)
        first, pose, read = head.first, head.first.fit.world_from_head, head.first.read
        sightings = moment_sightings(
            read.crops, list(read.maps.canonical.numpy()), list(read.certainty(_SURE_M)),
            head.vertices, evidence.views, self._sighted, self.template.vertices,
        )  # fmt: skip
        seen = (evidence.views.views > 0)[self.template.regions["skin"]]
        told = replace(
            shape_evidence((head.vertices - pose[:3, 3]) @ pose[:3, :3], self.template.vertices),
            inliers=_agreement(evidence.off_m, first.rays.certainty),
            residual_m=float(np.median(evidence.off_m)), seen_share=float(seen.mean()),
        )  # fmt: skip
        clock.lap("trust")
        return MomentResult(
            vertices=head.vertices,
            world_from_head=pose,
            confidence=trust.confidence.astype(np.float32),
            views=trust.views,
            spread_m=trust.spread_m.astype(np.float32),
            sightings=sightings,
            failure=first.located.failure or moment_failure(told),
            seconds=clock.seconds,
        )

    def placed(
        self,
        images: Sequence[NDArray[np.uint8]],
        cameras: Sequence[Camera],
        start: Float64Array | None,
        clock: Clock | None = None,
    ) -> PlacedHead:
        """See `HeadPredictor`: where the head is, before anything is said of trust."""
        clock = clock or Clock()
        located = None if start is None else HeadPose.given(start, len(cameras))
        first = self._fitted(images, cameras, located)
        if located is not None and _agreement(first.fit.residuals) < _LEAST_INLIERS:
            first = self._fitted(images, cameras, None)
        clock.lap("fit")
        if self.net.first.polish is not None:
            first = polished_first(first, images, cameras, self.template, self.net.first.polish)
        clock.lap("pictures")
        reading = MomentReading.of(first)
        skin = self.net.corrected(reading)
        mesh = carried_mesh(self.template, reading.fitted, skin.places)
        pose = reading.world_from_head
        vertices = (mesh @ pose[:3, :3].T + pose[:3, 3]).astype(np.float32)
        clock.lap("refinement")
        if self.polish is not None:
            polished = polished_by(first, vertices, images, cameras, self.template, self.polish)
            vertices = vertices if polished is None else polished.vertices
            clock.lap("polish")
        return PlacedHead(first, vertices, skin.spread)

    def evidence(self, head: PlacedHead) -> HeadEvidence:
        """What speaks for and against each vertex."""
        template, read, placed = self.template, head.first.read, head.vertices
        views = view_evidence(
            placed, vertex_normals(placed, template.triangles), template.triangles,
            [crop.camera for crop in read.crops], list(read.skin()),
        )  # fmt: skip
        places, off = offsets(template, placed, head.first.rays)
        residual = vertex_residuals(placed, places, off, head.first.rays.certainty)
        deviation = np.full(len(template.vertices), np.nan, np.float32)
        deviation[self.net.linear.chosen.numpy()] = head.spread
        return HeadEvidence(views, residual, deviation, off)

    def _fitted(
        self,
        images: Sequence[NDArray[np.uint8]],
        cameras: Sequence[Camera],
        located: HeadPose | None,
    ) -> FirstMesh:
        net = self.net
        return first_mesh(
            net.correspondence,
            images,
            cameras,
            net.template,
            net.heads,
            replace(net.first, polish=None),
            located,
        )


def offsets(
    template: Template, placed: Float32Array, rays: MapRays
) -> tuple[Float64Array, Float64Array]:
    """(N, 3) where a mesh (V, 3), world, has the places that rays name, and (N,) how far the rays
    pass by them, metres."""
    skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    nearest = nearest_on_surface(template.vertices, skin, rays.canonical)
    corners = placed[skin[nearest.triangle]].astype(np.float64)
    places = (corners * nearest.barycentric[..., None]).sum(1)
    return places, np.linalg.norm(np.cross(places - rays.origins, rays.directions), axis=1)


def _agreement(off: Float64Array, certainty: Float64Array | None = None) -> float:
    """Share of rays that pass the mesh nearby."""
    weights = np.ones(len(off)) if certainty is None else certainty
    return float(weights[off < _NEAR_M].sum() / max(weights.sum(), 1e-12))


class Clock:
    """Seconds of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._since
        self._since = now
