"""Parts of a head that lie against each other and must move apart freely: lips, lids, eyes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from mien_training.geometry.laplacian import mesh_edges
from mien_training.geometry.tetrahedral_edges import ContactPair
from mien_training.head.template import Template

__all__ = ["contact_pairs"]

Mask = NDArray[np.bool_]
Float64Array = NDArray[np.float64]


def contact_pairs(template: Template) -> tuple[ContactPair, ...]:
    """The pairs of a template that its own shapes tell apart, those with both sides present:

    lips: upper and lower, by jawOpen; teeth: likewise, of the upper and the lower arch;
    lidsLeft, lidsRight: upper and lower, by eyeBlink; eyes: the eyeballs and all skin.

    Halves of lips and lids grow over the surface from what surely belongs to one side; near the
    corners, where the halves meet, vertices belong to neither. A shape that the template lacks
    leaves out its pairs.
    """
    return tuple(p for p in _candidates(template) if p.first.any() and p.second.any())


def _candidates(template: Template) -> Iterator[ContactPair]:
    regions = template.regions
    jaw = _motion(template, "jawOpen")
    if jaw is not None:
        amount = np.linalg.norm(jaw, axis=1)
        for name in ("lips", "teeth"):
            region = regions[name]
            peak = amount[region].max(initial=0.0)
            if peak > 0:
                yield _halves(
                    template, name, region,
                    region & (amount < 0.15 * peak), region & (amount > 0.6 * peak), 0.1 * peak,
                )  # fmt: skip
    for side, sign in (("Left", 1), ("Right", -1)):
        blink = _motion(template, f"eyeBlink{side}")
        if blink is not None:
            yield from _lids(
                template, side, regions["skin"] & (sign * template.vertices[:, 0] > 0), blink
            )
    yield ContactPair("eyes", regions["eyes"].copy(), regions["skin"] & ~regions["eyes"])


def _motion(template: Template, shape: str) -> Float64Array | None:
    if shape not in template.shape_names:
        return None
    return np.asarray(template.shape_deltas[template.shape_names.index(shape)], np.float64)


def _lids(template: Template, side: str, skin: Mask, blink: Float64Array) -> Iterator[ContactPair]:
    """The upper lid is what a blink moves; the lower one is the still skin that it comes to."""
    amount = np.linalg.norm(blink, axis=1)
    peak = amount[skin].max(initial=0.0)
    if peak <= 0:
        return
    vertices = template.vertices.astype(np.float64)
    upper = skin & (amount > 0.5 * peak)
    closed = vertices[upper] + blink[upper]
    near_closed = cKDTree(closed).query(vertices)[0]
    near_open = cKDTree(vertices[upper]).query(vertices)[0]
    meeting_height = np.median(closed[:, 1])
    lower = skin & (amount < 0.2 * peak) & (near_closed < 0.5 * peak)
    lower &= vertices[:, 1] < meeting_height + 0.1 * peak
    domain = skin & (np.minimum(near_closed, near_open) < peak)
    yield _halves(template, f"lids{side}", domain, upper, lower, 0.1 * peak)


def _halves(
    template: Template, name: str, domain: Mask, first: Mask, second: Mask, margin_m: float
) -> ContactPair:
    """The domain's vertices by the nearer seed, along the surface; nearly equal ones in neither."""
    edges = mesh_edges(template.triangles)
    edges = edges[domain[edges].all(1)]
    n = len(template.vertices)
    i, j = edges.T
    vertices = template.vertices.astype(np.float64)
    length = np.linalg.norm(vertices[i] - vertices[j], axis=1)
    graph = coo_array((length, (i, j)), shape=(n, n)).tocsr()
    to_first, to_second = (
        dijkstra(graph, directed=False, indices=np.flatnonzero(seeds), min_only=True)
        if seeds.any()
        else np.full(n, np.inf)
        for seeds in (first, second)
    )
    with np.errstate(invalid="ignore"):  # what neither reaches is infinitely far from both
        lead = to_second - to_first
        return ContactPair(name, domain & (lead > margin_m), domain & (-lead > margin_m))
