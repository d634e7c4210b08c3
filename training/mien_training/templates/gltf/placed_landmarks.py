"""The tracker's 478 points on a head that the tracker does not see, from a few placed by hand."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from scipy.spatial import cKDTree

from mien.errors import InputError
from mien.tracker.canonical import canonical_vertices
from mien_training.head.template import MATERIALS, LandmarkMap, Template

__all__ = ["LANDMARK_POINTS", "NEEDED", "landmarks_from_points"]

Float64Array = NDArray[np.float64]

LANDMARK_POINTS = {
    "rightEyeOuter": 33, "rightEyeInner": 133, "rightEyeTop": 159, "rightEyeBottom": 145,
    "leftEyeOuter": 263, "leftEyeInner": 362, "leftEyeTop": 386, "leftEyeBottom": 374,
    "rightBrowOuter": 70, "rightBrowInner": 107, "leftBrowOuter": 300, "leftBrowInner": 336,
    "noseBridge": 168, "noseTip": 1, "noseBase": 2, "rightNostril": 98, "leftNostril": 327,
    "rightMouthCorner": 61, "leftMouthCorner": 291, "upperLipTop": 0, "upperLipBottom": 13,
    "lowerLipTop": 14, "lowerLipBottom": 17, "chin": 152,
    "rightCheek": 234, "leftCheek": 454, "rightJaw": 172, "leftJaw": 397, "forehead": 10,
}  # fmt: skip
"""Name -> index of the tracker's point; left and right are the character's own."""

NEEDED = (
    "rightEyeOuter", "rightEyeInner", "leftEyeInner", "leftEyeOuter", "noseTip",
    "rightMouthCorner", "leftMouthCorner", "upperLipTop", "lowerLipBottom", "chin", "forehead",
)  # fmt: skip
"""Without these the rest cannot be guessed; every further one makes its region exact."""

_IRIS = (468, 473)
"""First of the five points of the right and of the left iris: its middle, then its rim."""
_RIM = ((1, 0), (0, 1), (-1, 0), (0, -1))
_IRIS_SHARE = 0.45
"""Radius of an iris, in radii of its eyeball."""


def landmarks_from_points(template: Template, points: Mapping[str, Float64Array]) -> LandmarkMap:
    """All 478 points: the canonical face, warped onto `points` and laid on the skin.

    `points` maps names from LANDMARK_POINTS, NEEDED among them, to (3,) places in rig space,
    metres. The warp is a thin-plate spline; irises come from the eyeballs. Raises InputError for
    unknown or missing names and for places off the head.
    """
    unknown = sorted(set(points) - set(LANDMARK_POINTS))
    missing = [name for name in NEEDED if name not in points]
    if unknown:
        raise InputError(
            f"landmarks: there is no point {unknown[0]!r}; there are {', '.join(LANDMARK_POINTS)}"
        )
    if missing:
        raise InputError(f"landmarks: {', '.join(missing)} missing; needed are {', '.join(NEEDED)}")
    names = list(points)
    places = np.stack([np.asarray(points[name], np.float64) for name in names])
    skin = np.flatnonzero(template.regions["skin"])
    tree = cKDTree(template.vertices[skin])
    size = float(np.ptp(template.vertices[skin, 1]))
    gap = np.asarray(tree.query(places)[0])
    if gap.max() > 0.1 * size:
        raise InputError(
            f"landmarks: {names[int(gap.argmax())]!r} lies {gap.max():.3f} m from the skin of a "
            f"head of {size:.3f} m; expected a place in the file's world space, metres"
        )
    left, right = points["leftEyeOuter"], points["rightEyeOuter"]
    if not left[0] > right[0]:
        raise InputError("landmarks: leftEyeOuter lies on the right; left is the character's own")
    source = canonical_vertices()
    anchors = source[[LANDMARK_POINTS[name] for name in names]]
    warp = RBFInterpolator(anchors, places, kernel="thin_plate_spline", degree=1, smoothing=1e-6)
    triangle = np.full(478, -1, np.int32)
    weights = np.zeros((478, 3), np.float32)
    faces = np.flatnonzero(template.triangle_material == MATERIALS.index("skin"))
    warped = warp(source)
    warped[[LANDMARK_POINTS[name] for name in names]] = places
    triangle[:468], weights[:468] = _nearest(template, faces, warped)
    balls = np.flatnonzero(template.triangle_material == MATERIALS.index("eye"))
    for first, joint_name in zip(_IRIS, ("rightEye", "leftEye"), strict=True):
        joint = next(j for j in template.joints if j.name == joint_name)
        centre = np.asarray(joint.position)
        side = template.vertices[template.triangles[balls, 0], 0] * centre[0] > 0
        own = balls[side]
        vertices = template.vertices[np.unique(template.triangles[own])]
        radius = 0.5 * float(np.ptp(vertices[:, :2], axis=0).mean())
        offsets = np.array([(0, 0), *_RIM]) * _IRIS_SHARE * radius
        ahead = np.c_[centre[:2] + offsets, np.full(5, vertices[:, 2].max())]
        rows = slice(first, first + 5)
        triangle[rows], weights[rows] = _nearest(template, own, ahead)
    return LandmarkMap(triangle, weights)


def _nearest(
    template: Template, faces: NDArray[np.int64], points: Float64Array
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The triangle among `faces` nearest to each of (N, 3) points, and where on it."""
    corners = template.vertices[template.triangles[faces]].astype(np.float64)
    _, near = cKDTree(corners.mean(1)).query(points, k=min(24, len(faces)))
    near = near.reshape(len(points), -1)
    weights = _closest(corners[near], points[:, None])
    places = np.einsum("nkc,nkcx->nkx", weights, corners[near])
    off = np.linalg.norm(places - points[:, None], axis=2)
    best = off.argmin(1)
    rows = np.arange(len(points))
    return faces[near[rows, best]].astype(np.int32), weights[rows, best].astype(np.float32)


def _closest(corners: Float64Array, points: Float64Array) -> Float64Array:
    """(..., 3) barycentric weights of the place on triangles (..., 3, 3) nearest to points."""
    a, b, c = corners[..., 0, :], corners[..., 1, :], corners[..., 2, :]

    def along(p: Float64Array, q: Float64Array) -> Float64Array:
        way = q - p
        length = np.maximum((way * way).sum(-1), 1e-18)
        return np.asarray((((points - p) * way).sum(-1) / length).clip(0, 1))

    ab, ac, ap = b - a, c - a, points - a
    d00, d01, d11 = (ab * ab).sum(-1), (ab * ac).sum(-1), (ac * ac).sum(-1)
    d20, d21 = (ap * ab).sum(-1), (ap * ac).sum(-1)
    area = np.maximum(d00 * d11 - d01 * d01, 1e-24)
    v, w = (d11 * d20 - d01 * d21) / area, (d00 * d21 - d01 * d20) / area
    inside = np.stack([1 - v - w, v, w], -1)
    t, zero = [along(a, b), along(b, c), along(c, a)], np.zeros_like(v)
    edges = [
        np.stack([1 - t[0], t[0], zero], -1),
        np.stack([zero, 1 - t[1], t[1]], -1),
        np.stack([t[2], zero, 1 - t[2]], -1),
    ]
    places = [np.einsum("...c,...cx->...x", e, corners) for e in edges]
    off = np.stack([np.linalg.norm(p - points, axis=-1) for p in places], -1)
    edge = np.take_along_axis(np.stack(edges, -2), off.argmin(-1)[..., None, None], -2)[..., 0, :]
    return np.where((inside >= 0).all(-1, keepdims=True), inside, edge)
