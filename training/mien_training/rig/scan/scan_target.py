"""A scan as something to be pulled to: the place, and the way it faces, nearest to each point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mien.deform import vertex_normals
from mien_training.footage.scanned.scan import Scan
from mien_training.geometry.alignment import Alignment
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.head import MATERIALS, Template
from mien_training.rendering.ambient_occlusion import vertex_ambient_occlusion
from mien_training.rendering.noise import smoothstep
from mien_training.rendering.paint.face_frame import FaceFrame
from mien_training.rig.scan.ears import ear_rims

__all__ = ["Match", "ScanPoints", "ScanTarget", "attraction", "corner_shares", "rim_triangles"]

Float64Array = NDArray[np.float64]
Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Match:
    """What each of P points is pulled to."""

    positions: Float64Array
    """(P, 3) nearest place on the scan, rig space, metres."""
    normals: Float64Array
    """(P, 3) unit normal there."""
    valid: NDArray[np.bool_]
    """(P,) near enough, facing the same way, and not on the rim of a hole."""
    distance: Float64Array
    """(P,) metres, not signed."""


class ScanTarget:
    """One surface without seams, moved wherever it is asked for."""

    def __init__(self, scan: Scan) -> None:
        self.vertices, self.triangles = scan.welded()
        self._normals = vertex_normals(
            self.vertices.astype(np.float32), self.triangles.astype(np.int32)
        )
        self._rim = rim_triangles(self.triangles)

    def match(
        self,
        rig_from_scan: Alignment,
        points: Float64Array,
        normals: Float64Array,
        reach_m: float,
        agree: float,
    ) -> Match:
        """For (P, 3) points with unit normals, rig space: those within `reach_m` of the scan and
        whose normals have a scalar product above `agree` are valid."""
        placed = rig_from_scan.points(self.vertices)
        hit = nearest_on_surface(placed, self.triangles, points)
        corners = self.triangles[hit.triangle]
        shares = corner_shares(placed[corners], hit.positions)
        found_normals = _interpolated(self._normals, corners, shares) @ rig_from_scan.rotation.T
        valid = (hit.distance < reach_m) & ~self._rim[hit.triangle]
        valid &= (found_normals * normals).sum(1) > agree
        return Match(hit.positions, found_normals, valid, hit.distance)

    def samples(
        self, rig_from_scan: Alignment, vertices: Float64Array, reach_m: float, count: int
    ) -> tuple[Float64Array, Float64Array]:
        """(count, 3) points evenly over the scan's surface, and unit normals, rig space.

        Only where some of (V, 3) `vertices` lies within `reach_m`; the same ones for every call.
        """
        placed = rig_from_scan.points(self.vertices)
        corners = placed[self.triangles]
        near = cKDTree(vertices).query(corners.mean(1), distance_upper_bound=reach_m)[0]
        part = np.flatnonzero(np.isfinite(near))
        if not len(part):
            return np.zeros((0, 3)), np.zeros((0, 3))
        a, b = (corners[part, i] - corners[part, 0] for i in (1, 2))
        area = np.linalg.norm(np.cross(a, b), axis=1)
        rng = np.random.default_rng(0)
        chosen = part[rng.choice(len(part), count, p=area / area.sum())]
        root, v = np.sqrt(rng.random(count)), rng.random(count)
        shares = np.stack([1 - root, root * (1 - v), root * v], 1)
        normals = _interpolated(self._normals, self.triangles[chosen], shares)
        points = np.einsum("pc,pcx->px", shares, corners[chosen])
        return points, normals @ rig_from_scan.rotation.T


class ScanPoints:
    """Points of the scan, and the nearest places on a head."""

    def __init__(
        self,
        template: Template,
        target: ScanTarget,
        placed: Alignment,
        attracted: Float64Array,
        start: Float64Array,
        count: int = 6000,
    ) -> None:
        """`count` of them, close to the attracted vertices of a head at (V, 3) `start`."""
        skin = template.triangle_material == MATERIALS.index("skin")
        self.triangles = template.triangles[skin]
        self.count = count
        self._all_triangles = template.triangles
        self._usable = (attracted[self.triangles].min(1) > 0.1) & ~rim_triangles(self.triangles)
        near = start[attracted > 0.05]
        self._points, self._normals_there = target.samples(placed, near, _NEAR_M, count)
        self.corners = np.zeros((0, 3), np.int64)
        """(N, 3) vertices around the place of each valid point, from the last `match`."""
        self.shares = np.zeros((0, 3))
        """(N, 3) their weights."""
        self.places = np.zeros((0, 3))
        """(N, 3) where those places belong: the scan's points, rig space, metres."""
        self.normals = np.zeros((0, 3))
        """(N, 3) of the scan."""

    def match(self, vertices: Float32Array, reach_m: float, agree: float) -> None:
        """Look for the nearest places anew, for a head at (V, 3)."""
        if not len(self._points):
            return
        hit = nearest_on_surface(vertices, self.triangles, self._points)
        corners = self.triangles[hit.triangle]
        shares = corner_shares(vertices[corners].astype(np.float64), hit.positions)
        normals = _interpolated(vertex_normals(vertices, self._all_triangles), corners, shares)
        valid = (hit.distance < reach_m) & self._usable[hit.triangle]
        valid &= (normals * self._normals_there).sum(1) > agree
        self.corners, self.shares = corners[valid].astype(np.int64), shares[valid]
        self.places, self.normals = self._points[valid], self._normals_there[valid]


_NEAR_M = 0.03


def rim_triangles(triangles: NDArray[np.integer]) -> NDArray[np.bool_]:
    """(F,) with an edge that no other triangle has."""
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    _, index, count = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
    return np.asarray((count[index.reshape(-1)] == 1).reshape(-1, 3).any(1))


def _interpolated(
    normals: NDArray[np.floating], corners: NDArray[np.integer], shares: Float64Array
) -> Float64Array:
    """(P, 3) unit normals between those (V, 3) of corners (P, 3), weighted by shares (P, 3)."""
    between = np.einsum("pc,pcx->px", shares, normals[corners])
    between /= np.maximum(np.linalg.norm(between, axis=1, keepdims=True), 1e-12)
    return np.asarray(between)


def corner_shares(corners: Float64Array, points: Float64Array) -> Float64Array:
    """(P, 3) barycentric weights of points (P, 3) on triangles (P, 3, 3)."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    p = points - corners[:, 0]
    aa, ab, bb = (a * a).sum(1), (a * b).sum(1), (b * b).sum(1)
    pa, pb = (p * a).sum(1), (p * b).sum(1)
    area = np.maximum(aa * bb - ab * ab, 1e-300)
    v, w = (bb * pa - ab * pb) / area, (aa * pb - ab * pa) / area
    return np.asarray(np.stack([1 - v - w, v, w], 1).clip(0, 1))


def attraction(template: Template, vertices: Float32Array, scalp: float = 0.0) -> Float64Array:
    """(V,) 0..1: how much a scan says about each vertex of a head with vertices at (V, 3).

    Skin counts by the share of the sky that it sees: nothing inside mouth, nostrils and sockets.
    `scalp`: factor for what hair may hide, above the forehead and behind the ears.
    """
    normals = vertex_normals(vertices, template.triangles)
    sky = vertex_ambient_occlusion(vertices, normals, template.triangles)
    skin = np.zeros(len(vertices), bool)
    skin[template.triangles[template.triangle_material == MATERIALS.index("skin")]] = True
    skin &= template.regions["skin"]
    hidden = 1 - _below_hair(template) * (1 - scalp)
    return np.asarray(skin * smoothstep(0.06, 0.22, sky) * hidden, np.float64)


def _below_hair(template: Template) -> Float64Array:
    """(V,) 1 on the scalp, 0 on face, ears and neck, of the template's mean head."""
    v = template.vertices.astype(np.float64)
    forehead = template.landmarks.positions(template.vertices, template.triangles)[10]
    if not np.isfinite(forehead).all():
        forehead = FaceFrame.of(template, template.vertices).eyes.mean(0) + [0, 0.055, 0.02]
    head = next(j.position for j in template.joints if j.name == "head")
    ears = np.concatenate(ear_rims(template))
    top, back = v[ears, 1].max() + 0.005, v[ears, 2].min() - 0.005
    # A line that runs from the forehead's top over the ears, and down behind them.
    slope = (forehead[1] - top) / max(float(forehead[2]) - back, 1e-3)
    line = top + slope * (v[:, 2] - back).clip(0)
    above = smoothstep(0.0, 0.01, v[:, 1] - line)
    behind = smoothstep(0.0, 0.01, back - v[:, 2]) * smoothstep(0.0, 0.01, v[:, 1] - head[1])
    return np.asarray(np.maximum(above, behind), np.float64)
