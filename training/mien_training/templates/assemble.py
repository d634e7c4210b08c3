"""Parts become one template: concatenation, UV layout, regions, mirror map, modes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mien_training.head.template import MATERIALS, LandmarkMap, Template

__all__ = [
    "Part",
    "Whole",
    "absent_landmarks",
    "concatenate_parts",
    "mirror_map",
    "principal_modes",
]

Float64Array = NDArray[np.float64]

GUM_BAND = 0.22
"""Share of the mouth material's texture height that the gums take, at its bottom."""

_MIRROR_GAP_M = 0.002
"""Farther from its partner's mirror image no vertex is."""


@dataclass(frozen=True, eq=False)
class Part:
    """A piece of the head with its own UVs, before the pieces become one."""

    vertices: Float64Array
    """(V, 3) metres, rig space."""
    polygons: NDArray[np.int64]
    """(P, 4), -1 in the last column marks a triangle."""
    uvs: Float64Array
    """(U, 2), v downwards."""
    uv_polygons: NDArray[np.int64]
    label: NDArray[np.str_]
    """(P,) one of MATERIALS, or "gum"."""
    deltas: Float64Array
    """(K, V, 3) motion in every shape, metres."""


@dataclass(frozen=True, eq=False)
class Whole:
    """All parts as one mesh; every material has a UV square of its own."""

    vertices: NDArray[np.float32]
    polygons: NDArray[np.int32]
    triangles: NDArray[np.int32]
    triangle_polygon: NDArray[np.int32]
    uvs: NDArray[np.float32]
    uv_triangles: NDArray[np.int32]
    label: NDArray[np.str_]
    """(P,) MATERIALS name or "gum"."""
    deltas: NDArray[np.float32]

    def template(self, **fields: Any) -> Template:
        """A Template of this mesh; `fields` are those the mesh alone does not tell."""
        material = np.where(self.label == "gum", "mouth", self.label)
        index = np.array([MATERIALS.index(m) for m in material], np.int32)
        return Template(
            vertices=self.vertices,
            polygons=self.polygons,
            triangles=self.triangles,
            triangle_polygon=self.triangle_polygon,
            uvs=self.uvs,
            uv_triangles=self.uv_triangles,
            triangle_material=index[self.triangle_polygon],
            regions=material_regions(self.vertices, self.polygons, self.label),
            shape_deltas=self.deltas,
            **fields,
        )


def concatenate_parts(parts: list[Part]) -> Whole:
    """One mesh from parts; UVs rescaled so that each material fills its own unit square."""
    polygons, uv_polygons, v0, u0 = [], [], 0, 0
    for part in parts:
        polygons.append(np.where(part.polygons < 0, -1, part.polygons + v0))
        uv_polygons.append(np.where(part.uv_polygons < 0, -1, part.uv_polygons + u0))
        v0 += len(part.vertices)
        u0 += len(part.uvs)
    polygon = np.concatenate(polygons)
    uv_polygon = np.concatenate(uv_polygons)
    label = np.concatenate([part.label for part in parts])
    places = np.concatenate([p.vertices for p in parts])
    left = np.asarray(places[polygon[:, 0], 0] > 0)
    uvs, uv_polygon = _second_eye_apart(
        np.concatenate([p.uvs for p in parts]), uv_polygon, label, left
    )
    uvs, uv_polygon = _uv_squares(uvs, uv_polygon, label)
    triangles, owner = _fan(polygon)
    uv_triangles, _ = _fan(uv_polygon)
    return Whole(
        vertices=places.astype(np.float32),
        polygons=polygon.astype(np.int32),
        triangles=triangles.astype(np.int32),
        triangle_polygon=owner.astype(np.int32),
        uvs=uvs.astype(np.float32),
        uv_triangles=uv_triangles.astype(np.int32),
        label=label,
        deltas=np.concatenate([p.deltas for p in parts], axis=1).astype(np.float32),
    )


def _fan(polygons: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(F, 3) triangles in polygon order and the (F,) polygon of each."""
    quads = polygons[:, 3] >= 0
    owner = np.repeat(np.arange(len(polygons)), 1 + quads)
    second = np.zeros(len(owner), bool)
    second[1:] = owner[1:] == owner[:-1]
    p = polygons[owner]
    return np.where(second[:, None], p[:, [0, 2, 3]], p[:, [0, 1, 2]]), owner


def _second_eye_apart(
    uvs: Float64Array,
    polygons: NDArray[np.int64],
    label: NDArray[np.str_],
    left: NDArray[np.bool_],
) -> tuple[Float64Array, NDArray[np.int64]]:
    """Where both eyeballs lie on the same UVs, the left one's moved beside the right one's.

    Eyes look straight ahead and their balls do not: one image of an iris would fit one of them.
    """
    own, other = (polygons[(label == "eye") & side] for side in (left, ~left))
    if not len(own) or not len(other):
        return uvs, polygons
    boxes = [uvs[p[p >= 0]] for p in (own, other)]
    if (boxes[0].min(0) > boxes[1].max(0)).any() or (boxes[1].min(0) > boxes[0].max(0)).any():
        return uvs, polygons
    shift = np.array([1.05 * (boxes[1][:, 0].max() - boxes[0][:, 0].min()), 0.0])
    moved = np.where(own < 0, -1, own + len(uvs))
    out = polygons.copy()
    out[(label == "eye") & left] = moved
    return np.concatenate([uvs, uvs + shift]), out


def _uv_squares(
    uvs: Float64Array, polygons: NDArray[np.int64], label: NDArray[np.str_]
) -> tuple[Float64Array, NDArray[np.int64]]:
    """Each label's UVs in a square of their own; gums share the mouth's, below."""
    out, new = [], np.full_like(polygons, -1)
    count = 0
    for name in np.unique(label):
        rows = label == name
        used, inverse = np.unique(polygons[rows], return_inverse=True)
        inverse = inverse.reshape(-1, 4)
        first = 1 if used[0] < 0 else 0
        values = uvs[used[first:]]
        low, high = values.min(0), values.max(0)
        square = 0.005 + 0.99 * (values - low) / np.maximum(high - low, 1e-9)
        if name == "mouth":
            square[:, 1] *= 1 - GUM_BAND
        elif name == "gum":
            square[:, 1] = 1 - GUM_BAND + 0.01 + square[:, 1] * (GUM_BAND - 0.02)
        out.append(square)
        new[rows] = np.where(polygons[rows] < 0, -1, inverse - first + count)
        count += len(square)
    return np.concatenate(out), new


def material_regions(
    vertices: NDArray[np.float32], polygons: NDArray[np.int32], label: NDArray[np.str_]
) -> dict[str, NDArray[np.bool_]]:
    """The regions that materials tell: skin, eyes, teeth, tongue, mouthCavity, neck, iris.

    lips, lids and brows start empty; they come from the landmarks.
    """

    def member(*names: str) -> NDArray[np.bool_]:
        corners = polygons[np.isin(label, names)]
        mask = np.zeros(len(vertices), bool)
        mask[np.unique(corners[corners >= 0])] = True
        return mask

    skin, eyes = member("skin"), member("eye")
    chin = np.quantile(vertices[skin, 1], 0.18)
    regions = {
        "skin": skin,
        "lips": np.zeros(len(vertices), bool),
        "lids": np.zeros(len(vertices), bool),
        "brows": np.zeros(len(vertices), bool),
        "eyes": eyes,
        "iris": np.zeros(len(vertices), bool),
        "mouthCavity": member("mouth", "gum"),
        "teeth": member("teeth"),
        "tongue": member("tongue"),
        "neck": skin & (vertices[:, 1] < chin),
    }
    for side in (1, -1):
        ball = eyes & (vertices[:, 0] * side > 0)
        if ball.any():
            points = vertices[ball]
            centre = (points.min(0) + points.max(0)) / 2
            radius = (points.max(0) - points.min(0))[:2].mean() / 2
            off_axis = np.linalg.norm((vertices - centre)[:, :2], axis=1)
            regions["iris"] |= ball & (off_axis < 0.5 * radius) & (vertices[:, 2] > centre[2])
    return regions


def mirror_map(vertices: NDArray[np.float32], triangles: NDArray[np.int32]) -> NDArray[np.int32]:
    """(V,) vertex at the mirrored place within the mirrored connected part; an involution.

    Vertices without a mutual partner map to themselves.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(vertices)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]]])
    graph = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(n, n))
    count, component = connected_components(graph, directed=False)
    centres = (
        np.stack([np.bincount(component, vertices[:, k], count) for k in range(3)], 1)
        / np.bincount(component, minlength=count)[:, None]
    )
    partner = np.asarray(cKDTree(centres).query(centres * [-1, 1, 1])[1])
    mirror = np.arange(n, dtype=np.int32)
    for c in range(count):
        mine = np.flatnonzero(component == c)
        theirs = np.flatnonzero(component == partner[c])
        to = np.asarray(cKDTree(vertices[theirs]).query(vertices[mine] * [-1, 1, 1])[1])
        back = np.asarray(cKDTree(vertices[mine]).query(vertices[theirs] * [-1, 1, 1])[1])
        gap = np.linalg.norm(vertices[theirs][to] * [-1, 1, 1] - vertices[mine], axis=1)
        mutual = (back[to] == np.arange(len(mine))) & (gap < _MIRROR_GAP_M)
        mirror[mine[mutual]] = theirs[to[mutual]]
    broken = mirror[mirror] != np.arange(n)
    mirror[broken] = np.flatnonzero(broken)
    return mirror


def principal_modes(samples: Float64Array, count: int) -> NDArray[np.float32]:
    """(count, V, 3) principal components of (N, V, 3) centred samples, one deviation long.

    The largest entry of a mode is positive; of entries within a thousandth of it the first, as each
    has a twin on the other side of a face, and rounding would choose between them.
    """
    n = len(samples)
    flat = samples.reshape(n, -1)
    values, vectors = np.linalg.eigh(flat @ flat.T / (n - 1))
    order = np.argsort(values)[::-1][:count]
    # Columns of `vectors` weigh samples; scaled so that each mode is one standard deviation.
    modes = vectors[:, order].T @ flat / np.sqrt(n - 1)
    size = np.abs(modes)
    lead = (size >= 0.999 * size.max(1, keepdims=True)).argmax(1)
    signed = modes * np.sign(modes[np.arange(len(modes)), lead])[:, None]
    return np.asarray(signed.reshape(len(signed), -1, 3), np.float32)


def absent_landmarks() -> LandmarkMap:
    """A map that knows no point yet."""
    return LandmarkMap(np.full(478, -1, np.int32), np.zeros((478, 3), np.float32))
