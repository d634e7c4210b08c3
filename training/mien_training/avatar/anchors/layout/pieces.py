"""A mesh cut into discs: its parts, opened where nobody looks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import dijkstra

from mien_training.avatar.anchors.layout.topology import (
    components,
    neighbour_edges,
    rims,
    welded_corners,
)

__all__ = ["Piece", "cut_into_discs"]

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]

_ROUND = 0.2
"""Area over squared length of the rim (a flat disc: 0.08) beyond which a piece is slit open."""
_BACK = 0.3
"""Share of a closed part's area that is cut off behind."""
_DEAR = 30.0
_ASIDE = 20.0
"""How much more a slit costs through what matters, and beside the middle, per length."""


@dataclass(frozen=True, eq=False)
class Piece:
    """Triangles that form a disc, but for holes."""

    triangles: Int64Array
    """(m,) which of the mesh."""
    corners: Int64Array
    """(m, 3) its own vertices, counted from 0."""
    source: Int64Array
    """(n,) the mesh's vertex that each of its own is."""


def cut_into_discs(
    vertices: Float64Array, triangles: NDArray[np.int32], worth: Float64Array, towards: Float64Array
) -> list[Piece]:
    """The pieces of a mesh, each triangle in one of them.

    vertices (V, 3) metres; worth (F,) positive: slits avoid what is worth most; towards (F, 3) the
    direction from which each triangle is seen, or 0: closed parts are cut at their far side.
    """
    return _cut(vertices, triangles, worth, towards, np.arange(len(triangles)))


def _cut(
    vertices: Float64Array,
    triangles: NDArray[np.int32],
    worth: Float64Array,
    towards: Float64Array,
    chosen: Int64Array,
) -> list[Piece]:
    found = []
    edges = neighbour_edges(triangles[chosen])
    label = components(len(chosen), edges)
    for k in range(int(label.max(initial=-1)) + 1):
        inside = np.flatnonzero(label == k)
        number = np.full(len(chosen), -1)
        number[inside] = np.arange(len(inside))
        own = edges[label[edges[:, 0]] == k].copy()
        own[:, [0, 2]] = number[own[:, [0, 2]]]
        ids = chosen[inside]
        piece = _piece(triangles, ids, own)
        holes = len(rims(piece.corners))
        sides = len(ids) * 3 - len(own)
        sphere = len(piece.source) - sides + len(ids) + holes == 2
        if sphere and holes:
            found.append(_slit(vertices, triangles, worth, piece, own))
            continue
        centre = vertices[triangles[ids]].mean(1)
        if sphere:
            way = towards[ids].sum(0)
            way = way if np.linalg.norm(way) > 1e-9 else np.array([0.0, 0.0, 1.0])
            share = _BACK
        else:
            way, share = np.linalg.svd(centre - centre.mean(0), full_matrices=False)[2][0], 0.5
        for part in _halves(vertices, triangles, ids, centre @ way, share, own):
            found += _cut(vertices, triangles, worth, towards, part)
    return found


def _piece(triangles: NDArray[np.int32], ids: Int64Array, edges: Int64Array) -> Piece:
    corners = welded_corners(len(ids), edges)
    source = np.zeros(int(corners.max()) + 1, np.int64)
    source[corners] = triangles[ids]
    return Piece(ids, corners, source)


def _halves(
    vertices: Float64Array,
    triangles: NDArray[np.int32],
    ids: Int64Array,
    height: Float64Array,
    share: float,
    edges: Int64Array,
) -> tuple[Int64Array, Int64Array]:
    """Triangles above and below the height that has `share` of the area below it, crumbs given to
    the other side."""
    p = vertices[triangles[ids]]
    area = np.linalg.norm(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), axis=1) + 1e-15
    order = np.argsort(height, kind="stable")
    below = np.zeros(len(ids), np.bool_)
    until = int(np.searchsorted(np.cumsum(area[order]), share * area.sum()))
    below[order[: min(max(until, 1), len(ids) - 1)]] = True
    for side in (True, False):
        kept = edges[(below[edges[:, 0]] == side) & (below[edges[:, 2]] == side)]
        label = components(len(ids), kept)
        size = np.bincount(label[below == side], area[below == side])
        below[(below == side) & (label != size.argmax())] = not side
    if below.all() or not below.any():
        below = np.arange(len(ids)) < max(len(ids) // 2, 1)
    return ids[~below], ids[below]


def _slit(
    vertices: Float64Array,
    triangles: NDArray[np.int32],
    worth: Float64Array,
    piece: Piece,
    edges: Int64Array,
) -> Piece:
    """The piece, if it is more bag than sheet cut from its rim to the far end of what is worth
    least."""
    points = vertices[piece.source]
    loops = rims(piece.corners)
    lengths = [
        float(np.linalg.norm(points[n] - points[np.roll(n, 1)], axis=1).sum()) for n in loops
    ]
    rim = loops[int(np.argmax(lengths))]
    p = points[piece.corners]
    area = 0.5 * np.linalg.norm(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), axis=1).sum()
    if area < _ROUND * max(lengths) ** 2:
        return piece
    count = len(points)
    price = np.ones(count)
    np.maximum.at(price, piece.corners.ravel(), np.repeat(worth[piece.triangles], 3))
    price /= price.min()
    begin, end = piece.corners.ravel(), np.roll(piece.corners, -1, 1).ravel()
    length = np.linalg.norm(points[begin] - points[end], axis=1)

    def routes(cost: Float64Array) -> csr_matrix:
        return coo_matrix((cost, (begin, end)), (count, count)).tocsr()

    far = dijkstra(routes(length), directed=False, indices=rim, min_only=True)
    # Heads are alike left and right: their slit had better be in the middle.
    aside = np.abs(points[:, 0] - 0.5 * (points[:, 0].min() + points[:, 0].max()))
    cheap = np.isfinite(far) & (price <= np.quantile(price, 0.5))
    goal = int(np.where(cheap, far - aside, -np.inf).argmax())
    price += _DEAR * (price - 1) + _ASIDE * aside / max(float(aside.max()), 1e-9)
    cost, before = dijkstra(
        routes(length * 0.5 * (price[begin] + price[end])), False, [goal], return_predecessors=True
    )
    cost, before = cost[0], before[0]
    on_rim = np.isin(np.arange(count), np.concatenate(loops))
    at = int(rim[cost[rim].argmin()])
    path = [at]
    while at != goal:
        at = int(before[at])
        path.append(at)
    while len(path) > 1 and on_rim[path[1]]:
        path = path[1:]  # along the rim nothing is left to cut
    steps = set(pairwise(path))
    steps |= {(b, a) for a, b in steps}
    a, i = edges[:, 0], edges[:, 1]
    whole = np.array(
        [
            (int(x), int(y)) not in steps
            for x, y in zip(piece.corners[a, i], piece.corners[a, (i + 1) % 3], strict=True)
        ]
    )
    return _piece(triangles, piece.triangles, edges[whole])
