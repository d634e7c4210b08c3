"""What dense optical flow says of a fit: it has been used by no step, and knows no rig.

Between consecutive frames, at face pixels that can be believed: how far the flow of the images is
from the flow of the fitted rig, and from what needs no rig's shapes: no motion at all, the head's
rigid motion alone, and the tracker's points.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from dense_flow import dense_flow
from scipy.interpolate import LinearNDInterpolator
from scipy.ndimage import binary_dilation
from scipy.spatial import cKDTree

from mien_training.head import Template
from mien_training.metrics.flow_trust import consistent, end_point_errors, texturedness
from mien_training.rendering.surface_flow import surface_flow
from mien_training.rig.model.motion import Motion
from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.report.fitted_scene import FittedScene
from mien_training.templates.regions import compared_triangles, face_region

__all__ = ["METHODS", "PARTS", "face_parts", "flow_opinion"]

METHODS = ("rig", "rigid", "tracker", "none", "rig, moved", "rigid, moved")
"""The rig; its head's motion with weights held still; the tracker's points; no motion. moved: as a
whole, by what it misses in the median of a pair: what is left is not the head's place."""
PARTS = ("mouth", "eyes", "brows", "cheeks", "elsewhere")
LEAST_TEXTURE = 1.5
"""Grey values of 255 a pixel, in the least changing direction."""
LEAST_PIXELS = 30
"""Of a part in a pair of frames; with fewer it has no figures there."""
BORDER_PX = 8
"""Beside what is outside of the footage the flow sees the image's border."""


def face_parts(template: Template) -> np.ndarray:
    """(F,) index into PARTS of the triangles that a fit compares; -1 for all others.

    mouth: within 15 mm of the lips; eyes: lids and eyeballs; brows: within 9 mm of them; cheeks:
    what is left below the eyes, at 20 mm from the middle and beyond; elsewhere: forehead, nose,
    chin.
    """
    v, regions = template.vertices, template.regions
    near = {
        name: cKDTree(v[regions[name]]).query(v)[0] < limit
        for name, limit in (("lips", 0.015), ("brows", 0.009))
    }
    eyes = regions["lids"] | regions["eyes"]
    below = v[:, 1] < v[regions["eyes"], 1].mean()
    part = np.full(len(v), PARTS.index("elsewhere"))
    part[below & (np.abs(v[:, 0]) > 0.02)] = PARTS.index("cheeks")
    part[near["brows"] & face_region(template)] = PARTS.index("brows")
    part[near["lips"]] = PARTS.index("mouth")
    part[eyes] = PARTS.index("eyes")
    of_corners = part[template.triangles]
    return np.where(compared_triangles(template, False), np.sort(of_corners, 1)[:, 1], -1)


def flow_opinion(scene: FittedScene) -> dict[str, Any]:
    """`pairs`: per pair of frames its place, times, and figures; `parts`: of all pairs together.

    Figures are `pixels` and, per method, [median, 95th percentile] of the end-point differences,
    pixels of the compared images.
    """
    parts = face_parts(scene.person)
    lit = scene.seen.images.amax((0, 3)).numpy() > 0
    inner = ~binary_dilation(~lit, iterations=BORDER_PX)
    pairs: list[dict[str, Any]] = []
    pooled: list[dict[str, np.ndarray]] = []
    for a, b in _consecutive(scene):
        images = [scene.seen.images[n].numpy() for n in (a, b)]
        forward, backward = dense_flow(*images), dense_flow(*images[::-1])
        moved, still = _flow(scene, a, b, still=False), _flow(scene, a, b, still=True)
        part = np.where(moved.triangle[0] >= 0, parts[moved.triangle[0]], -1)
        where = (part >= 0) & moved.visible[0].numpy() & inner & consistent(forward, backward)
        where &= texturedness(images[0]) > LEAST_TEXTURE
        flows = {
            "rig": moved.flow[0].numpy(), "rigid": still.flow[0].numpy(),
            "tracker": _tracked(scene, a, b), "none": np.zeros_like(forward),
        }  # fmt: skip
        where &= np.isfinite(flows["tracker"]).all(2)
        for name in ("rig", "rigid") if where.any() else ():
            missed = np.median((forward - flows[name])[where], axis=0)
            flows[f"{name}, moved"] = flows[name] + missed
        errors = {
            name: end_point_errors(forward, flows.get(name, flows["none"]), where)
            for name in METHODS
        }
        errors["part"] = part[where]
        pooled.append(errors)
        pairs.append({
            "frames": [int(scene.seen.frame[n]) for n in (a, b)],
            "time_s": float(scene.seen.times_s[a]), **_of_parts(errors),
        })  # fmt: skip
    whole = {name: np.concatenate([e[name] for e in pooled]) for name in (*METHODS, "part")}
    fast = _fastest(pooled)
    return {
        "pairs": pairs,
        "parts": _of_parts(whole),
        "fast": _of_parts({n: np.concatenate([e[n] for e in fast]) for n in whole}),
    }


def _fastest(pooled: list[dict[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
    """The quarter of the pairs in which the face moves most."""
    moves = [np.median(e["none"]) if len(e["none"]) else -1.0 for e in pooled]
    return [pooled[n] for n in np.argsort(moves)[-max(1, len(moves) // 4) :]]


def _of_parts(errors: dict[str, np.ndarray]) -> dict[str, Any]:
    """Figures of the face, and of those of its parts that have enough pixels."""
    found = {}
    for name in ("face", *PARTS):
        mine = errors["part"] >= 0 if name == "face" else errors["part"] == PARTS.index(name)
        if mine.sum() >= LEAST_PIXELS:
            spread = {
                m: [float(q) for q in np.quantile(errors[m][mine], (0.5, 0.95))] for m in METHODS
            }
            found[name] = {"pixels": int(mine.sum()), **spread}
    return found


def _consecutive(scene: FittedScene) -> Iterator[tuple[int, int]]:
    """Rows of one camera's neighbouring frames."""
    camera, frame = scene.seen.camera.tolist(), scene.seen.frame.tolist()
    step = min(b - a for a, b in pairwise(frame) if b > a)
    for n in range(len(frame) - 1):
        if camera[n] == camera[n + 1] and frame[n + 1] - frame[n] == step:
            yield n, n + 1


def _flow(scene: FittedScene, a: int, b: int, still: bool) -> Any:
    """Of the fitted rig from row a to row b; `still` holds the weights of a."""
    seen, motion = scene.seen, scene.motion
    shapes = Shapes(
        torch.from_numpy(scene.person.vertices), torch.from_numpy(scene.person.shape_deltas)
    )
    first, second = motion.row(a), motion.row(b)
    if still:
        second = Motion(first.weights, second.rotation, second.translation)
    faces = torch.from_numpy(scene.person.triangles).long()
    size = (seen.images.shape[1], seen.images.shape[2])
    with torch.no_grad():
        posed = shapes.posed(first), shapes.posed(second)
    return surface_flow(*posed, faces, seen.views, seen.camera[a : a + 1], size)


def _tracked(scene: FittedScene, a: int, b: int) -> np.ndarray:
    """(H, W, 2) linear between the tracker's points; NaN outside of them."""
    before, after = (scene.seen.points[n].numpy().astype(np.float64) for n in (a, b))
    height, width = scene.seen.images.shape[1:3]
    column, row = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    read = LinearNDInterpolator(before, after - before)
    return np.asarray(read(column, row))
