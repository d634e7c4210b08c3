"""The eyeballs of a head whose parts have no telling names: by motion, shape and place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from mien.channels import ARKIT_CHANNELS
from mien_training.geometry.alignment import fit_alignment
from mien_training.templates.assemble import Part
from mien_training.templates.placing import fit_sphere

__all__ = ["find_eyes"]

Float64Array = NDArray[np.float64]

_LEAST_VERTICES = 8
_ROUND = 0.12
"""Most that an eyeball's surface departs from a sphere, in its radii (root mean square)."""
_RADIUS = (0.03, 0.25)
"""Of an eyeball, in widths of the whole head."""
_RIGID = 0.15
"""Most that eyeLook targets may bend an eyeball, as a share of how far they move it."""
_STILL = 0.05
"""Share of the largest motion below which a vertex is none of the face."""
_AROUND = 1.6
"""Radius of a head around its face, in extents of that."""
_TWIN = 0.25
"""How far the pair may be from mirror images, in radii of an eyeball or shares of its size."""


@dataclass(frozen=True, eq=False)
class _Component:
    part: int
    triangles: NDArray[np.int64]
    """Rows of the part's polygons."""
    centre: Float64Array
    radius: float
    looks: float
    """How far eyeLook targets carry it, metres; 0 where they bend it or leave it alone."""


def find_eyes(parts: Sequence[Part], names: tuple[str, ...]) -> list[NDArray[np.bool_]] | None:
    """(P,) of every part: the polygons that belong to an eyeball; None where no pair is found.

    `names` are those of the K shapes of `Part.deltas`. Looks at connected components: a pair is
    two of them, mirror images of each other, that either the eyeLook targets turn without bending
    them or that are nearly spherical and lie in the front half of the head. What lies within the
    pair (iris, pupil, an inner ball) and around it (a cornea) belongs to it.
    """
    corners = _head(parts)
    low, high = corners.min(0), corners.max(0)
    width, middle = float(high[0] - low[0]), 0.5 * (low + high)
    found = [c for at, part in enumerate(parts) for c in _components(at, part, names)]
    small = [c for c in found if _RADIUS[0] * width < c.radius < _RADIUS[1] * width]
    best: tuple[float, _Component, _Component] | None = None
    for i, a in enumerate(small):
        for b in small[i + 1 :]:
            size = 0.5 * (a.radius + b.radius)
            gap = np.abs((a.centre - b.centre) * [0, 1, 1]).max()
            off = abs(0.5 * (a.centre[0] + b.centre[0]) - middle[0])
            apart = abs(a.centre[0] - b.centre[0])
            twins = max(gap, abs(a.radius - b.radius)) < _TWIN * size
            moved = min(a.looks, b.looks)
            # Balls that no target moves: in the middle, before the ears and not at the throat.
            placed = (
                off < _TWIN * size
                and a.centre[2] > middle[2]
                and a.centre[1] > low[1] + 0.3 * (high[1] - low[1])
            )
            if not twins or apart < 1.5 * size or not (moved > 0 or placed):
                continue
            score = size + 10 * moved * (moved > 1e-4)
            if best is None or score > best[0]:
                best = (score, a, b)
    if best is None:
        return None
    chosen = [np.zeros(len(part.polygons), bool) for part in parts]
    for ball in best[1:]:
        for other in found:
            distance = float(np.linalg.norm(other.centre - ball.centre))
            if other is ball or distance + 0.5 * other.radius < 1.1 * ball.radius:
                chosen[other.part][other.triangles] = True
    return chosen


def _head(parts: Sequence[Part]) -> Float64Array:
    """(N, 3) the vertices around what the shapes move: an avatar's body is many heads wide."""
    corners = np.concatenate([part.vertices for part in parts])
    far = np.concatenate([np.abs(part.deltas).max((0, 2), initial=0.0) for part in parts])
    face = corners[far > _STILL * far.max()]
    if not len(face):
        return corners
    low, high = face.min(0), face.max(0)
    gap = np.linalg.norm(corners - 0.5 * (low + high), axis=1)
    near = gap < _AROUND * (high - low).max()
    return np.asarray(corners[near]) if near.any() else corners  # none: one vertex moves


def _components(at: int, part: Part, names: tuple[str, ...]) -> list[_Component]:
    """Connected pieces that could be an eye or a piece of one."""
    triangles = part.polygons[:, :3]
    looks = [names.index(n) for n in ARKIT_CHANNELS if n.startswith("eyeLook") and n in names]
    # Seams of UVs or normals do not part a surface; a lid that touches the ball moves otherwise.
    moved = part.deltas[looks].transpose(1, 0, 2).reshape(len(part.vertices), -1)
    table = np.concatenate([part.vertices.round(6), moved.round(5)], 1)
    _, place = np.unique(table, axis=0, return_inverse=True)
    corners = place.ravel()[triangles]
    count = int(corners.max()) + 1
    ends = (corners[:, [0, 1]].ravel(), corners[:, [1, 2]].ravel())
    graph = coo_matrix((np.ones(len(ends[0])), ends), shape=(count, count))
    number, label = connected_components(graph, directed=False)
    out = []
    for one in range(number):
        rows = np.flatnonzero(label[corners[:, 0]] == one)
        vertices = np.unique(triangles[rows])
        if len(vertices) < _LEAST_VERTICES:
            continue
        points = part.vertices[vertices]
        carried = max((_carried(points, part.deltas[k, vertices]) for k in looks), default=0.0)
        extent = np.ptp(points, axis=0)
        centre, radius = fit_sphere(points)
        off = np.abs(np.linalg.norm(points - centre, axis=1) - radius)
        half = 0.5 * float(extent[:2].max())
        is_round = np.sqrt((off**2).mean()) < _ROUND * radius and 0.5 * half < radius < 2 * half
        if not is_round:
            centre, radius = 0.5 * (points.min(0) + points.max(0)), half
        if is_round or carried > 0:
            out.append(_Component(at, rows, centre, float(radius), carried))
    return out


def _carried(points: Float64Array, deltas: Float64Array) -> float:
    """How far deltas (V, 3) move points (V, 3), 0 where that is no rigid motion."""
    far = float(np.sqrt((deltas**2).sum(1).mean()))
    if far < 1e-4:
        return 0.0
    motion = fit_alignment(points, points + deltas)
    rotation, shift = motion.rotation, motion.translation
    bent = points @ rotation.T + shift - points - deltas
    # A turn by some thirty degrees, as a straight path, bends an eye by a few per cent.
    return far if float(np.sqrt((bent**2).sum(1).mean())) < _RIGID * far else 0.0
