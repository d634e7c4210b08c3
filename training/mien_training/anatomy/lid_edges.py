"""The edges of the eyelids as seen from the eyeball's centre: where they meet, and where not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mien_training.anatomy.eyeballs import Eyeball
from mien_training.geometry.laplacian import mesh_edges
from mien_training.geometry.tetrahedral_edges import ContactPair
from mien_training.head import Template

__all__ = ["LidEdges", "angles", "clearance"]

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]

_COLUMNS = np.radians(np.arange(-75.0, 76.0, 2.5))
_OPEN_M = 0.002
"""Where a template's open lids are less apart than this, an eye ends in its corner."""
_INSET = 3
"""Columns beside a corner that are left out: there the lids are one skin."""


@dataclass(frozen=True, eq=False)
class LidEdges:
    """The lids of one eye in columns: angles about the ball's vertical axis, seen from its centre.

    The upper edge is the lowest place of the upper lid's surface in a column, the lower edge the
    highest of the lower lid's. All points are positions about the ball's centre (Eyeball.local).
    """

    skin: Int64Array
    """(S,) vertices near the ball."""
    is_lower: NDArray[np.bool_]
    """(S,) on the lower lid; the rest is the upper one, and the corners."""
    columns: Float64Array
    """(C,) radians, positive to the character's left, from about corner to corner of the
    template's open eye. In another pose they are spread between its own corners."""
    corners: tuple[int, int]
    """The two corners of the eye, indices into `skin`."""
    corner_turns: tuple[float, float]
    """Where the template's open eye has them, radians."""
    upper: Int64Array
    """(E, 2) edges of the upper lid, indices into `skin`."""
    lower: Int64Array
    """(E', 2) likewise."""
    radius: float
    """Of the ball, metres: what an angle is worth."""

    @classmethod
    def of(
        cls, template: Template, eye: Eyeball, lids: ContactPair, reach: float
    ) -> LidEdges | None:
        """The lids of `eye` within `reach` of its radii; None where they are not told apart."""
        v = template.vertices.astype(np.float64) - eye.centre
        away = np.linalg.norm(v, axis=1)
        radius = float(np.median(away[eye.vertices]))
        near = template.regions["skin"] & (away < reach * radius)
        skin = np.flatnonzero(near)
        edges = mesh_edges(template.triangles)
        edges = edges[near[edges].all(1)]
        first, second = lids.first[edges].any(1), lids.second[edges].any(1)
        edges = np.searchsorted(skin, edges)
        upper, lower = edges[first & ~second], edges[second & ~first]
        whole = cls(skin, lids.second[skin], _COLUMNS, (0, 1), (0.0, 0.0), upper, lower, radius)
        top, bottom = whole._heights(v[skin], _COLUMNS)
        apart = (top - bottom) * radius > _OPEN_M
        middle = len(_COLUMNS) // 2
        if not apart[middle]:
            return None
        closed = np.flatnonzero(~apart)
        start = max(closed[closed < middle], default=-1) + 1
        end = min(closed[closed > middle], default=len(apart)) - 1
        turn, rise = angles(v[skin])
        lid = np.unique(np.append(upper, lower))
        found, turns = [], []
        for column in (start, end):
            height = 0.5 * (top[column] + bottom[column])
            far = (turn[lid] - _COLUMNS[column]) ** 2 + (rise[lid] - height) ** 2
            found.append(int(lid[far.argmin()]))
            turns.append(float(turn[found[-1]]))
        return cls(
            skin, whole.is_lower, _COLUMNS[start + _INSET : end + 1 - _INSET], (found[0], found[1]),
            (turns[0], turns[1]), upper, lower, radius,
        )  # fmt: skip

    def columns_of(self, points: Float64Array) -> Float64Array:
        """(C,) the columns with `skin` at (S, 3), radians."""
        x, _, z = points[list(self.corners)].T
        first, last = np.arctan2(x, z)
        own_first, own_last = self.corner_turns
        stretch = (last - first) / (own_last - own_first)
        return np.asarray(first + stretch * (self.columns - own_first))

    def heights(self, points: Float64Array) -> tuple[Float64Array, Float64Array]:
        """(C,) elevation of the upper and of the lower edge with `skin` at (S, 3), radians."""
        return self._heights(points, self.columns_of(points))

    def gaps(self, points: Float64Array) -> Float64Array:
        """(C,) how far apart the edges are, radians; negative where the upper lid overlaps."""
        upper, lower = self.heights(points)
        return np.asarray(upper - lower)

    def _heights(
        self, points: Float64Array, columns: Float64Array
    ) -> tuple[Float64Array, Float64Array]:
        turn, rise = angles(points)
        upper = -_highest(columns, turn, -rise, self.upper)
        return upper, _highest(columns, turn, rise, self.lower)


def _highest(
    columns: Float64Array, turn: Float64Array, rise: Float64Array, edges: Int64Array
) -> Float64Array:
    """(C,) greatest elevation of edges (E, 2) where they cross a column; 0 where none does."""
    a, b = edges.T
    across = (turn[a] <= columns[:, None]) != (turn[b] <= columns[:, None])
    span = turn[b] - turn[a]
    share = (columns[:, None] - turn[a]) / np.where(span == 0, 1.0, span)
    found = np.where(across, rise[a] + share * (rise[b] - rise[a]), -np.inf).max(1, initial=-np.inf)
    return np.asarray(np.where(np.isfinite(found), found, 0.0))


def angles(points: Float64Array) -> tuple[Float64Array, Float64Array]:
    """(N,) turn about the vertical axis, from the front to the left, and (N,) elevation."""
    x, y, z = points.T
    return np.asarray(np.arctan2(x, z)), np.asarray(np.arctan2(y, np.hypot(x, z)))


def clearance(ball: Float64Array, points: Float64Array) -> Float64Array:
    """(N,) distance of points (N, 3) from the surface of a ball (B, 3) along rays from its centre.

    The origin is the centre; negative inside, in the points' unit.
    """
    radius, distance = np.linalg.norm(ball, axis=1), np.linalg.norm(points, axis=1)
    apart, nearest = cKDTree(ball / radius[:, None]).query(points / distance[:, None], k=3)
    weight = 1 / np.maximum(apart, 1e-6)
    return np.asarray(distance - (weight * radius[nearest]).sum(1) / weight.sum(1))
