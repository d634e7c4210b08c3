"""Interior edges through the inside of a mesh: what lies near in space moves together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import Delaunay, QhullError, cKDTree

from mien.errors import InputError
from mien_training.geometry.laplacian import Int64Array, mesh_edges, unique_edges
from mien_training.geometry.self_intersection import Float64Array, checked_mesh
from mien_training.geometry.signed_distance import signed_distance

__all__ = ["ContactPair", "InteriorEdges", "tetrahedral_edges"]

_CLEARANCE = 0.5
"""Share of the spacing that interior nodes keep from the surface."""


@dataclass(frozen=True, eq=False)
class ContactPair:
    """Two vertex sets that lie against each other and must part freely: no edge joins them."""

    name: str
    first: NDArray[np.bool_]
    """(V,) membership."""
    second: NDArray[np.bool_]
    """(V,) membership; disjoint from `first`."""

    def __post_init__(self) -> None:
        if (
            self.first.dtype != bool
            or self.first.ndim != 1
            or self.first.shape != self.second.shape
        ):
            raise InputError(f"ContactPair {self.name!r}: expected two (V,) masks of one length")
        if (self.first & self.second).any():
            raise InputError(f"ContactPair {self.name!r}: a vertex is in both sets")


@dataclass(frozen=True, eq=False)
class InteriorEdges:
    """A surface and nodes inside it, and the edges that join them beyond the surface's own."""

    nodes: Float64Array
    """(N, 3) rest positions: the surface's vertices under their own indices, then interior ones."""
    surface_count: int
    """V; nodes from here on are interior and never drawn."""
    edges: Int64Array
    """(E, 2) interior edges i < j, each once, sorted; none is an edge of the surface."""
    tetrahedra: Int64Array
    """(T, 4) those whose edges they are."""


def tetrahedral_edges(
    vertices: ArrayLike,
    triangles: ArrayLike,
    spacing: float,
    contact_pairs: Sequence[ContactPair] = (),
    motions: ArrayLike | None = None,
    stretch_limit: float = 1.0,
) -> InteriorEdges:
    """Tetrahedral connections of a surface that may be open, nested and cut through itself.

    A grid of interior nodes and the surface's vertices are joined by a Delaunay tetrahedralisation
    of which the tetrahedra with their centre inside remain; inside is where the winding number
    exceeds one half (Barill et al. 2018, "Fast Winding Numbers for Soups and Clouds"). It need not
    conform to the surface, for a graph Laplacian uses its edges alone. In place of the constrained
    mesher of Ming et al. 2024 (arXiv 2401.08398), which refuses surfaces that cut themselves.

    vertices: (V, 3) at rest; triangles: (F, 3), outward counter-clockwise. Vertices in no triangle
        stay without interior edges: hand in some of the triangles to join only these.
    spacing: of the grid, in the vertices' unit; 0.012 m suits a head.
    contact_pairs: vertex sets that must not be joined; a tetrahedron with vertices of both goes.
    motions: (K, V, 3) displacements that must stay cheap, such as a template's shapes: an edge
        between surface vertices goes if one of them changes it by more than `stretch_limit` times
        its length.

    Every vertex of a triangle keeps at least one interior edge: one whose tetrahedra all went is
    joined to the nearest node that neither rule excludes (unless they exclude all). Deterministic.
    Raises InputError for other shapes, a spacing that is not positive or leaves more than ten
    million grid points, or a surface without volume.
    """
    points, faces = checked_mesh("tetrahedral_edges", vertices, triangles)
    count = len(points)
    rules = _Rules(points, contact_pairs, motions, stretch_limit)
    used = np.unique(faces)
    if len(used) < 4:
        raise InputError(f"tetrahedral_edges: triangles of {len(used)} vertices, expected a solid")
    nodes = np.concatenate([points, _interior_grid(points, faces, spacing)])
    taking_part = np.concatenate([used, np.arange(count, len(nodes))])
    try:
        cells = taking_part[Delaunay(nodes[taking_part]).simplices]
    except QhullError:
        raise InputError("tetrahedral_edges: vertices lie in a plane, expected a solid") from None
    cells = cells[signed_distance(points, faces, nodes[cells].mean(1)) < 0]
    cells = cells[~rules.joined(cells)]
    surface = mesh_edges(faces)
    corners = [(a, b) for a in range(4) for b in range(a)]
    edges = unique_edges(np.concatenate([cells[:, pair] for pair in corners]).astype(np.int64))
    edges = edges[~_among(edges, surface, len(nodes)) & ~rules.overstretched(edges)]
    bare = np.setdiff1d(used, edges)
    edges = unique_edges(np.concatenate([edges, _nearest_edges(bare, nodes, used, surface, rules)]))
    return InteriorEdges(nodes, count, edges, cells.astype(np.int64))


class _Rules:
    """Which nodes may not be joined; interior ones may be joined to all."""

    def __init__(
        self,
        points: Float64Array,
        contact_pairs: Sequence[ContactPair],
        motions: ArrayLike | None,
        stretch_limit: float,
    ) -> None:
        self.points = points
        self.contact_pairs = contact_pairs
        self.stretch_limit = stretch_limit
        self.motions = np.zeros((0, *points.shape)) if motions is None else np.asarray(motions)
        if self.motions.ndim != 3 or self.motions.shape[1:] != points.shape:
            raise InputError(
                f"tetrahedral_edges: motions {self.motions.shape}, expected (K, {len(points)}, 3)"
            )
        if not stretch_limit > 0:
            raise InputError(f"tetrahedral_edges: stretch_limit {stretch_limit}, expected positive")
        for pair in contact_pairs:
            if len(pair.first) != len(points):
                raise InputError(
                    f"tetrahedral_edges: contact pair {pair.name!r} has {len(pair.first)} "
                    f"vertices, expected {len(points)}"
                )

    def joined(self, cells: Int64Array) -> NDArray[np.bool_]:
        """(T,) does a tuple of nodes, (T, k), hold vertices of both sets of a pair."""
        bad = np.zeros(len(cells), bool)
        on_surface = cells < len(self.points)
        for pair in self.contact_pairs:
            first, second = (
                (mask[np.where(on_surface, cells, 0)] & on_surface).any(1)
                for mask in (pair.first, pair.second)
            )
            bad |= first & second
        return bad

    def overstretched(self, edges: Int64Array) -> NDArray[np.bool_]:
        """(E,) does a motion change an edge between surface vertices by more than the limit."""
        bad = np.zeros(len(edges), bool)
        rows = np.flatnonzero((edges < len(self.points)).all(1))
        i, j = edges[rows].T
        length = np.linalg.norm(self.points[i] - self.points[j], axis=1)
        for motion in self.motions:
            change = np.linalg.norm(motion[i] - motion[j], axis=1)
            bad[rows] |= change > self.stretch_limit * length
        return bad


def _interior_grid(points: Float64Array, faces: Int64Array, spacing: float) -> Float64Array:
    """(M, 3) points of a cubic grid about the bounding box's centre, well inside the surface."""
    if not 0 < spacing < np.inf:
        raise InputError(f"tetrahedral_edges: spacing {spacing}, expected a positive number")
    low, high = points[faces].min((0, 1)), points[faces].max((0, 1))
    half = np.floor((high - low) / (2 * spacing))
    if np.prod(2 * half + 1) > 1e7:
        raise InputError(
            f"tetrahedral_edges: spacing {spacing} for a surface of size {high - low}, expected "
            "at most ten million grid points"
        )
    steps = [np.arange(-h, h + 1) * spacing for h in half]
    grid = np.stack(np.meshgrid(*steps, indexing="ij"), -1).reshape(-1, 3) + (low + high) / 2
    return np.asarray(grid[signed_distance(points, faces, grid) < -_CLEARANCE * spacing])


def _among(edges: Int64Array, others: Int64Array, count: int) -> NDArray[np.bool_]:
    """(E,) which of the edges i < j are among the others."""
    return np.isin(edges @ [count, 1], others @ [count, 1])


def _nearest_edges(
    bare: Int64Array, nodes: Float64Array, used: Int64Array, surface: Int64Array, rules: _Rules
) -> Int64Array:
    """(E, 2) one edge for each vertex that has none, to the nearest node that may be joined."""
    taking_part = np.concatenate([used, np.arange(len(rules.points), len(nodes))])
    tree = cKDTree(nodes[taking_part])
    edges = np.zeros((0, 2), np.int64)
    k = 16
    while len(bare) and k < 4 * len(taking_part):
        k = min(k, len(taking_part))
        near = taking_part[tree.query(nodes[bare], k)[1]]
        pairs = np.sort(np.stack([np.repeat(bare, k), near.reshape(-1)], 1), 1)
        allowed = (pairs[:, 0] != pairs[:, 1]) & ~_among(pairs, surface, len(nodes))
        allowed &= ~rules.joined(pairs) & ~rules.overstretched(pairs)
        table = allowed.reshape(-1, k)
        found = table.any(1)
        nearest = pairs.reshape(-1, k, 2)[found, table[found].argmax(1)]
        edges = np.concatenate([edges, nearest])
        bare = bare[~found]
        k *= 4
    return edges
