"""The head that everybody's rig starts from, as plain arrays; the same for every source."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.rig import Joint

__all__ = ["MATERIALS", "REGIONS", "IdentityBasis", "LandmarkMap", "Template"]

Float32Array = NDArray[np.float32]
Int32Array = NDArray[np.int32]

MATERIALS = ("skin", "eye", "teeth", "mouth", "tongue")
"""Every triangle has one; `mouth` is the cavity and the gums."""

REGIONS = (
    "skin", "lips", "lids", "brows", "eyes", "iris",
    "mouthCavity", "teeth", "tongue", "neck",
)  # fmt: skip
"""Named vertex sets. lips, lids, brows and neck are parts of skin, iris a part of eyes."""


@dataclass(frozen=True, eq=False)
class LandmarkMap:
    """Where the tracker's 478 points sit on the template."""

    triangle: Int32Array
    """(478,) triangle of each point; -1 where the template has no such place."""
    barycentric: Float32Array
    """(478, 3) weights of that triangle's corners, summing to 1."""

    def positions(self, vertices: Float32Array, triangles: Int32Array) -> Float32Array:
        """(478, 3) points on (V, 3) vertices, same space; NaN where a point is absent."""
        corners = vertices[triangles[self.triangle]]
        points = np.einsum("lc,lcx->lx", self.barycentric, corners).astype(np.float32)
        points[self.triangle < 0] = np.nan
        return np.asarray(points)


@dataclass(frozen=True, eq=False)
class IdentityBasis:
    """People as a linear space: vertices = neutral + sum_m c_m * modes_m, c_m ~ N(0, 1)."""

    modes: Float32Array
    """(M, V, 3) displacement of one standard deviation each, metres."""

    def sample(self, seed: int) -> Float32Array:
        """(V, 3) displacement of a random, plausible person (coefficients clipped to +-2.5)."""
        c = np.random.default_rng(seed).standard_normal(len(self.modes)).clip(-2.5, 2.5)
        return np.tensordot(c.astype(np.float32), self.modes, axes=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Template:
    """Topology, UVs, regions, landmarks, joints, mirror map, identities and named shapes.

    Vertices are not split at UV seams. Rig space: metres, +Y up, face along +Z, origin at the
    base of the neck (`head_root`).
    """

    name: str
    licence: str
    """SPDX name and who is to be credited; travels into the character package."""
    vertices: Float32Array
    """(V, 3) mean neutral head, metres, rig space."""
    polygons: Int32Array
    """(P, 4) quads as authored; -1 in the last column marks a triangle."""
    triangles: Int32Array
    """(F, 3) fan of `polygons`, counter-clockwise seen from outside."""
    triangle_polygon: Int32Array
    """(F,) the polygon each triangle came from."""
    uvs: Float32Array
    """(U, 2) texture coordinates in [0, 1], (0, 0) the upper left corner, as in glTF."""
    uv_triangles: Int32Array
    """(F, 3) indices into `uvs`, corner by corner beside `triangles`."""
    triangle_material: Int32Array
    """(F,) index into MATERIALS."""
    regions: dict[str, NDArray[np.bool_]]
    """Name from REGIONS -> (V,) membership."""
    mirror: Int32Array
    """(V,) vertex on the other side, an involution; mid-line vertices map to themselves."""
    landmarks: LandmarkMap
    joints: tuple[Joint, ...]
    """mien.rig.JOINT_NAMES, in that order."""
    joint_weights: Float32Array
    """(V, 5) skinning weight of each joint, rows sum to 1."""
    jaw_pivot: tuple[float, float, float]
    """Centre of the jaw's hinge axis (which is parallel to X), metres, rig space."""
    shape_names: tuple[str, ...]
    """K names, ARKit's in canonical order, those the source has no motion for left out."""
    shape_deltas: Float32Array
    """(K, V, 3) displacement at weight 1, rigid head motion removed, metres, rig space."""
    identity: IdentityBasis | None = None
    """None for a head of one person only (any glTF)."""
    notes: tuple[str, ...] = ()
    """Sentences for the user: what was changed when the head was read, and what it lacks."""
