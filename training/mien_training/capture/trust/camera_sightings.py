"""Where cameras see chosen vertices, by dense correspondence: what a rig is checked by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from mien.errors import InputError
from mien_training.cameras import Camera
from mien_training.capture.localisation.head_crops import HeadCrop
from mien_training.capture.trust.view_evidence import ViewEvidence
from mien_training.footage.captured import CameraResiduals, MomentSightings
from mien_training.head import Template

__all__ = ["camera_residuals", "map_pixels", "moment_sightings",
           "spread_vertices"]  # fmt: skip

Float64Array = NDArray[np.float64]

_NEIGHBOURS = 9
_REACH_M = 0.006
"""Pixels that name a place farther than this from a vertex's own say nothing of it."""
_RIDGE_M = 0.0005
"""Slopes are believed where neighbours' places differ by more than this."""
_LEAST_COSINE = 0.3


def spread_vertices(template: Template, count: int) -> NDArray[np.int64]:
    """(count,) vertices evenly spread over the skin, each the farthest from those before; the same
    for every moment and camera. Raises InputError for more than there are."""
    skin = np.flatnonzero(template.regions["skin"])
    if not 1 <= count <= len(skin):
        raise InputError(f"spread_vertices: count {count}, expected 1 to {len(skin)}")
    at = template.vertices[skin].astype(np.float64)
    far, found = np.full(len(at), np.inf), [0]
    for _ in range(count - 1):
        far = np.minimum(far, ((at - at[found[-1]]) ** 2).sum(1))
        found.append(int(far.argmax()))
    return skin[found]


def moment_sightings(
    crops: Sequence[HeadCrop],
    canonical: Sequence[ArrayLike],
    certainty: Sequence[ArrayLike],
    vertices: ArrayLike,
    evidence: ViewEvidence,
    chosen: NDArray[np.integer],
    canonical_vertices: ArrayLike,
    most: int = 60,
) -> MomentSightings:
    """Of a predicted mesh (V, 3), world, before C crops with maps canonical (H, W, 3) and certainty
    (H, W) each; at most so many of the `chosen` vertices a camera, evenly among those it sees.

    canonical_vertices (V, 3): the mean head's, which the maps name places on. Raises InputError
    for another number of maps than crops.
    """
    if not len(crops) == len(canonical) == len(certainty) == len(evidence.in_sight):
        raise InputError(
            f"moment_sightings: {len(crops)} crops, {len(canonical)} and {len(certainty)} maps, "
            f"evidence of {len(evidence.in_sight)} views, expected as many of each"
        )
    at, own = np.asarray(vertices), np.asarray(canonical_vertices, np.float64)
    parts = []
    for c, (crop, places, sure) in enumerate(zip(crops, canonical, certainty, strict=True)):
        good = evidence.seen[c, chosen] & (evidence.cosine[c, chosen] > _LEAST_COSINE)
        members = chosen[good]
        pixel, weight = map_pixels(places, sure, own[members])
        scale = crop.camera.width / np.asarray(sure).shape[1]
        pixel = crop.source_pixels(pixel * scale)
        known = np.flatnonzero(np.isfinite(pixel).all(1))
        kept = known[np.linspace(0, len(known) - 1, min(most, len(known))).round().astype(int)]
        parts.append((np.full(len(kept), c), members[kept], pixel[kept], weight[kept]))
    camera, vertex, pixel, weight = (np.concatenate([p[i] for p in parts]) for i in range(4))
    return MomentSightings(
        camera.astype(np.int32), vertex.astype(np.int32), pixel.astype(np.float32),
        at[vertex].astype(np.float32), weight.astype(np.float32),
    )  # fmt: skip


def map_pixels(
    canonical: ArrayLike, certainty: ArrayLike, places: ArrayLike, least_certainty: float = 0.1
) -> tuple[Float64Array, Float64Array]:
    """(P, 2) pixels of a map that show places (P, 3) on the mean head, metres, and (P,) certainty;
    NaN and 0 where none does.

    A plane through the pixels whose canonical (H, W, 3) places are nearest, weighted by certainty
    (H, W) and distance, read where the place is. Raises InputError for other shapes.
    """
    maps, sure = np.asarray(canonical, np.float64), np.asarray(certainty, np.float64)
    wanted = np.asarray(places, np.float64)
    if maps.shape != (*sure.shape, 3) or sure.ndim != 2 or wanted.shape[1:] != (3,):
        raise InputError(
            f"map_pixels: canonical {maps.shape}, certainty {sure.shape}, places {wanted.shape}, "
            "expected (H, W, 3), (H, W), (P, 3)"
        )
    row, column = np.nonzero((sure >= least_certainty) & np.isfinite(maps).all(2))
    pixel, weight = np.full((len(wanted), 2), np.nan), np.zeros(len(wanted))
    if len(row) < _NEIGHBOURS or not len(wanted):
        return pixel, weight
    named, at = maps[row, column], np.stack([column, row], 1) + 0.5
    away, index = (np.asarray(part) for part in cKDTree(named).query(wanted, k=_NEIGHBOURS))
    own = sure[row, column][index] * np.exp(-0.5 * (away / _REACH_M) ** 2)
    total = own.sum(1)
    share = own / np.maximum(total, 1e-30)[:, None]
    offset = named[index] - wanted[:, None]
    middle = np.einsum("pk,pkx->px", share, offset)
    centre = np.einsum("pk,pkx->px", share, at[index])
    spread = offset - middle[:, None]
    square = np.einsum("pk,pkx,pky->pxy", share, spread, spread) + _RIDGE_M**2 * np.eye(3)
    slope = np.linalg.solve(
        square, np.einsum("pk,pkx,pky->pxy", share, spread, at[index] - centre[:, None])
    )
    found = centre - np.einsum("px,pxy->py", middle, slope)
    near = (away[:, 0] < _REACH_M) & (np.linalg.norm(middle, axis=1) < 0.5 * _REACH_M)
    pixel[near], weight[near] = found[near], (total / _NEIGHBOURS)[near].clip(0, 1)
    return pixel, weight


def camera_residuals(
    names: Sequence[str],
    cameras: Sequence[Camera],
    time_s: ArrayLike,
    moments: Sequence[MomentSightings],
) -> CameraResiduals:
    """A take's, as `write_residuals` writes them: cameras of the calibration by their names, the
    times of T moments, and what was seen in each. Raises InputError where they do not fit."""
    if not moments:
        raise InputError("camera_residuals: no moments, expected at least one")
    counts = [len(m.camera) for m in moments]
    return CameraResiduals(
        names=tuple(names), cameras=tuple(cameras), time_s=np.asarray(time_s, np.float64),
        moment=np.repeat(np.arange(len(moments)), counts).astype(np.int32),
        camera=np.concatenate([m.camera for m in moments]),
        vertex=np.concatenate([m.vertex for m in moments]),
        pixel=np.concatenate([m.pixel for m in moments]),
        point=np.concatenate([m.point for m in moments]),
        certainty=np.concatenate([m.certainty for m in moments]),
    )  # fmt: skip
