"""One disc of mesh laid flat into a rectangle, without folds and with the areas asked for.

Convex combinations (Tutte 1963; mean value coordinates, Floater 2003) map a disc onto a convex
shape one to one, whatever their positive weights. The weights are changed until every triangle has
its area (Yoshizawa, Belyaev, Seidel 2004, "A fast and simple stretch-minimizing mesh
parameterization"). The rectangle's rim belongs to a strip of triangles added around the disc and
every hole is filled with a fan, so that the disc's own rim finds its place by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.linalg import spsolve

from mien_training.avatar.anchors.layout.relax import relax
from mien_training.avatar.anchors.layout.topology import rims

__all__ = ["flatten"]

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]

_ROUNDS = 10
_STEP = 0.6
"""Exponent of the stretch by which weights are divided; 1 in the paper, less is steadier."""
_RELAXED = 24
"""Rounds of `relax`, at most."""
_LOOSE = 0.3
"""What the shape of triangles counts that only fill, against their area."""
_MOST = 4.0
"""Change of a weight in one round, at most."""


def flatten(
    points: Float64Array,
    corners: Int64Array,
    areas: Float64Array,
    size: tuple[float, float],
    margin: float,
) -> Float64Array:
    """(n, 2) places in [0, width] x [0, height] of a disc's vertices, x right, y up.

    points (n, 3) metres; corners (m, 3) of one piece with at least one rim; areas (m,) wanted, any
    unit; size: width and height of the rectangle; margin: that the strip around takes, at first.
    Upright as seen from the piece's front.
    """
    disc = _Disc.of(points, corners, areas, size, margin)
    weights = disc.mean_value_weights()
    rim = disc.on_rim(size, _turn(disc, points, weights, size))
    best, least = None, np.inf
    for _ in range(_ROUNDS):
        flat = disc.solve(weights, rim)
        stretch = disc.stretch(flat)
        energy = float((disc.areas * np.minimum(stretch, 1e6) ** 2).sum())
        if best is None or energy < least:
            best, least = flat, energy
        at = disc.at_vertices(stretch)
        weights = disc.scaled(weights, np.clip(at**-_STEP, 1 / _MOST, _MOST))
    assert best is not None
    best = relax(best, disc.corners, disc.shapes, disc.importance, disc.free, _RELAXED)
    return np.asarray(best[: len(points)])


@dataclass(frozen=True, eq=False)
class _Disc:
    """The piece with its holes filled and a strip around it."""

    corners: Int64Array
    """(m', 3) real triangles first."""
    areas: Float64Array
    """(m',) wanted, in the rectangle's unit."""
    shapes: Float64Array
    """(m', 2, 2) each triangle's two edges from its first corner, flat, of the area wanted."""
    importance: Float64Array
    """(m',) weight of its shape."""
    free: int
    """Vertices that find their place; those of the rectangle's rim come after them."""
    rim: Float64Array
    """(k,) how far along it each vertex of the rim lies, 0..1."""

    @classmethod
    def of(
        cls,
        points: Float64Array,
        corners: Int64Array,
        areas: Float64Array,
        size: tuple[float, float],
        margin: float,
    ) -> _Disc:
        loops = rims(corners)
        lengths = [np.linalg.norm(points[n] - points[np.roll(n, -1)], axis=1) for n in loops]
        outer = int(np.argmax([length.sum() for length in lengths]))
        count, added, wanted = len(points), [], []
        whole = size[0] * size[1]
        strip = min(2 * (size[0] + size[1]) * margin, 0.25 * whole)
        mean = float(areas.mean())
        for number, loop in enumerate(loops):
            if number != outer:
                ahead = np.roll(loop, -1)
                added.append(np.stack([ahead, loop, np.full(len(loop), count)], 1))
                wanted.append(np.full(len(loop), 0.1 * mean))
                count += 1
        loop, length = loops[outer], lengths[outer]
        k = len(loop)
        ahead, own = np.roll(loop, -1), count + np.arange(k)
        beside = np.roll(own, -1)
        ring = np.concatenate([np.stack([ahead, loop, own], 1), np.stack([ahead, own, beside], 1)])
        real = np.concatenate([areas, *wanted])
        real *= (whole - strip) / real.sum()
        share = np.maximum(length, 0.2 * length.mean())
        share = share / share.sum()
        every = np.concatenate([real, 0.5 * strip * np.tile(share, 2)])
        triangles = np.concatenate([corners, *added, ring])
        shapes = np.empty((len(triangles), 2, 2))
        shapes[: len(corners)] = _flat_edges(points[corners])
        shapes[len(corners) :] = _EQUILATERAL
        double = shapes[:, 0, 0] * shapes[:, 1, 1] - shapes[:, 0, 1] * shapes[:, 1, 0]
        shapes *= np.sqrt(2 * every / double)[:, None, None]
        along = np.concatenate([[0.0], np.cumsum(share)[:-1]])
        weights = np.where(np.arange(len(every)) < len(corners), every, _LOOSE * every)
        return cls(triangles, every, shapes, weights, count, along)

    def mean_value_weights(self) -> csr_matrix:
        """(free, free + k) positive weights of each vertex's neighbours."""
        rows, columns, values = [], [], []
        corner = np.concatenate([np.zeros_like(self.shapes[:, :1]), self.shapes], 1)
        for c in range(3):
            here, one, two = (corner[:, (c + i) % 3] for i in range(3))
            a, b = one - here, two - here
            la, lb = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
            cosine = ((a * b).sum(1) / (la * lb)).clip(-0.999, 0.999)
            half = np.sqrt((1 - cosine) / (1 + cosine))
            for other, length in ((1, la), (2, lb)):
                rows.append(self.corners[:, c])
                columns.append(self.corners[:, (c + other) % 3])
                values.append(half / length)
        row, column = np.concatenate(rows), np.concatenate(columns)
        inner = row < self.free
        total = self.free + len(self.rim)
        matrix = coo_matrix(
            (np.concatenate(values)[inner], (row[inner], column[inner])), (self.free, total)
        )
        return matrix.tocsr()

    def on_rim(self, size: tuple[float, float], turn: float) -> Float64Array:
        """(k, 2) places around the rectangle, against the clock from `turn` of its length on."""
        width, height = size
        stops = np.cumsum([0.0, width, height, width, height])
        at = np.mod(self.rim + turn, 1.0) * stops[-1]
        x = np.interp(at, stops, [0, width, width, 0, 0])
        y = np.interp(at, stops, [0, 0, height, height, 0])
        return np.stack([x, y], 1)

    def solve(self, weights: csr_matrix, rim: Float64Array) -> Float64Array:
        """(free + k, 2) places: each free vertex the mean of its neighbours."""
        total = np.asarray(weights.sum(1)).ravel()
        scaled = csr_matrix(
            (weights.data / np.repeat(total, np.diff(weights.indptr)), weights.indices,
             weights.indptr), weights.shape,
        )  # fmt: skip
        diagonal = coo_matrix((np.ones(self.free), (np.arange(self.free),) * 2))
        inside = spsolve((diagonal - scaled[:, : self.free]).tocsc(), scaled[:, self.free :] @ rim)
        return np.concatenate([np.asarray(inside).reshape(self.free, 2), rim])

    def stretch(self, flat: Float64Array) -> Float64Array:
        """(m',) root mean square of both ways' lengths wanted over those there are."""
        p = flat[self.corners]
        edges = p[:, 1:] - p[:, :1]
        double = edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0]
        inverse = np.empty_like(edges)
        inverse[:, 0, 0], inverse[:, 1, 1] = edges[:, 1, 1], edges[:, 0, 0]
        inverse[:, 0, 1], inverse[:, 1, 0] = -edges[:, 0, 1], -edges[:, 1, 0]
        inverse /= np.maximum(np.abs(double), 1e-18)[:, None, None]
        jacobian = inverse @ self.shapes
        return np.asarray(np.sqrt(0.5 * (jacobian**2).sum((1, 2))))

    def at_vertices(self, stretch: Float64Array) -> Float64Array:
        """(free + k,) of the triangles around each vertex."""
        count = self.free + len(self.rim)
        area = np.repeat(self.areas, 3)
        total = np.bincount(self.corners.ravel(), area, count)
        squared = np.repeat(np.minimum(stretch, 1e6) ** 2, 3)
        return np.asarray(np.sqrt(np.bincount(self.corners.ravel(), area * squared, count) / total))

    @staticmethod
    def scaled(weights: csr_matrix, factor: Float64Array) -> csr_matrix:
        return csr_matrix(
            (weights.data * factor[weights.indices], weights.indices, weights.indptr),
            weights.shape,
        )


_EQUILATERAL = np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)]])
_THIN = 0.02
"""Least height of a triangle over its base: thinner ones are taken to be so high."""


def _flat_edges(p: Float64Array) -> Float64Array:
    """(m, 2, 2) two edges of triangles (m, 3, 3), laid flat."""
    first, second = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
    base = np.maximum(np.linalg.norm(first, axis=1), 1e-9)
    along = (first * second).sum(1) / base
    across = np.linalg.norm(np.cross(first, second), axis=1) / base
    longest = np.maximum(base, np.linalg.norm(second, axis=1))
    zero = np.zeros_like(base)
    across = np.maximum(across, _THIN * longest)
    return np.stack([np.stack([base, zero], 1), np.stack([along, across], 1)], 1)


def _turn(
    disc: _Disc, points: Float64Array, weights: csr_matrix, size: tuple[float, float]
) -> float:
    """Where around the rectangle the rim begins, so that the piece stands upright in it."""
    angle = 2 * np.pi * disc.rim
    flat = disc.solve(weights, np.stack([np.cos(angle), np.sin(angle)], 1))[: len(points)]
    area = np.bincount(disc.corners.ravel(), np.repeat(disc.areas, 3))[: len(points)]
    there, here = points[:, :2] @ (1, 1j), flat @ (1, 1j)
    there = there - (area * there).sum() / area.sum()
    # The circle begins in the middle of the right side, the rectangle at its lower left corner.
    lean = np.angle((area * there * here.conj()).sum()) / (2 * np.pi)
    return float(lean + 0.5 * (size[0] + 0.5 * size[1]) / sum(size))
