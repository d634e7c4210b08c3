"""What the tables of captures compare: heads found in one moment, and how far each is off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from mien.errors import InputError
from mien.tracker.tracker import Tracker
from mien_training.cameras.pixel_rays import pixel_rays
from mien_training.capture.capture_net import CaptureNet
from mien_training.capture.first_mesh import FirstMesh, first_mesh, placed_mean_head
from mien_training.capture.learning.moment_reading import MomentReading
from mien_training.capture.learning.train_on_readings import VertexStage
from mien_training.capture.morphable import FitConfig, fit_landmarks
from mien_training.capture.polish import PolishConfig
from mien_training.capture.predict_moment import NetPredictor
from mien_training.capture.skin_regions import skin_regions
from mien_training.capture.whole_mesh import carried_mesh
from mien_training.geometry.alignment import fit_alignment
from mien_training.geometry.nearest_surface import nearest_on_surface
from mien_training.head import MATERIALS, Template
from mien_training.synthetic.capture.moments import CaptureMoment

__all__ = ["REGIONS", "Stages", "heads_of", "judged"]

REGIONS = ("skin", "face", "lips", "lids", "ears", "scalp", "neck")
_OF_POINTS = FitConfig(effective_points=200)
"""What is best for the tracker's points alone: with what fits maps they are not found at all."""


@dataclass(frozen=True, eq=False)
class Stages:
    """What is compared beside the net itself."""

    coarse: tuple[VertexStage, NDArray[np.float64]] | None = None
    """A coarse stage, and the matrix (V, K) that draws all vertices through its own."""
    pooled: tuple[VertexStage, NDArray[np.float64]] | None = None
    tracker: bool = False
    polish: bool = False


def heads_of(
    net: CaptureNet, moment: CaptureMoment, stages: Stages
) -> dict[str, NDArray[np.float32]]:
    """Row -> (V, 3) vertices in the world; rows whose head is not found are left out."""
    template = net.template
    found = {"mean head, laid on the truth": _laid_on(template, moment)}
    try:
        first = first_mesh(
            net.correspondence, list(moment.images), moment.believed, template, net.heads, net.first
        )
    except InputError:
        return found
    found["mean head, found pose"] = placed_mean_head(template, first.located.world_from_mean)
    if stages.tracker:
        tracked = _tracked(net, moment)
        if tracked is not None:
            found["3DMM on tracker's points"] = tracked
    found["3DMM on maps"] = first.fit.vertices
    found["moved by pictures"] = first.vertices
    reading = MomentReading.of(first)
    for name, stage in (("3DMM from pooled volume", stages.pooled), ("coarse", stages.coarse)):
        if stage is not None:
            with torch.no_grad():
                places = stage[0](reading)[-1][0].numpy()
            found[name] = _in_world(stage[1] @ places, first)
    skin = net.corrected(reading).places
    found["refined"] = _in_world(carried_mesh(template, reading.fitted, skin), first)
    if stages.polish:
        predictor = NetPredictor(net, PolishConfig())
        found["polished"] = predictor.predict(moment.images, moment.believed, None).vertices
    return found


def judged(
    vertices: NDArray[np.float32], template: Template, moment: CaptureMoment, theirs: Template
) -> dict[str, dict[str, float]]:
    """Region and which part of it ("face", "face seen", "face hidden") -> figures, millimetres:
    of the truth's vertices to the surface, and of vertices where topologies agree.

    template: of the vertices; theirs: of the moment.
    """
    skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    surface = 1e3 * nearest_on_surface(vertices, skin, moment.vertices).distance
    seen = moment.visible.sum(0) >= 2
    parts = skin_regions(theirs)
    whole = np.zeros(len(seen), np.bool_)
    whole[theirs.triangles[theirs.triangle_material == MATERIALS.index("skin")]] = True
    parts = {"skin": whole, **parts}
    same = len(vertices) == len(moment.vertices)
    off = 1e3 * np.linalg.norm(vertices - moment.vertices, axis=1) if same else None
    found: dict[str, dict[str, float]] = {}
    for name in REGIONS:
        for which, chosen in (("", parts[name]), (" seen", parts[name] & seen),
                              (" hidden", parts[name] & ~seen)):  # fmt: skip
            if not chosen.any():
                continue
            s = surface[chosen]
            figures = {
                "median": float(np.median(s)), "mean": float(s.mean()),
                "deviation": float(s.std()), "p95": float(np.quantile(s, 0.95)),
            }  # fmt: skip
            if off is not None:
                figures["vertex"] = float(off[chosen].mean())
            found[name + which] = figures
    return found


def mean_figures(rows: list[Mapping[str, Mapping[str, float]]], part: str) -> dict[str, float]:
    """Of many moments: mean of each figure, and of medians the 95th percentile and the worst."""
    there = [row[part] for row in rows if part in row]
    found = {
        name: float(np.mean([r[name] for r in there if name in r]))
        for name in ("median", "mean", "deviation", "p95", "vertex")
        if any(name in r for r in there)
    }
    medians = [r["median"] for r in there]
    found["p95 of moments"] = float(np.quantile(medians, 0.95))
    found["worst moment"] = float(np.max(medians))
    return found


def _laid_on(template: Template, moment: CaptureMoment) -> NDArray[np.float32]:
    """The mean head, by an oracle where it fits best; of other topologies by the pose alone."""
    skin = template.regions["skin"]
    if len(template.vertices) != len(moment.vertices):
        return placed_mean_head(template, moment.world_from_head)
    laid = fit_alignment(
        template.vertices[skin].astype(np.float64), moment.vertices[skin].astype(np.float64)
    )
    return np.asarray(template.vertices @ laid.rotation.T + laid.translation, np.float32)


def _tracked(net: CaptureNet, moment: CaptureMoment) -> NDArray[np.float32] | None:
    """The linear model on the tracker's triangulated points."""
    points = np.full((len(moment.images), 478, 2), np.nan)
    for c, image in enumerate(moment.images):
        faces = Tracker().track(image)
        if faces:
            points[c] = faces[0].landmarks[:, :2]
    if (np.isfinite(points[:, 0, 0])).sum() < 2:
        return None
    try:
        at = _triangulated(moment, points)
        return fit_landmarks(net.heads, net.template, at, None, _OF_POINTS).vertices
    except InputError:
        return None


def _triangulated(moment: CaptureMoment, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """(478, 3) nearest to the rays of all cameras that see a point; robust to single views."""
    rays = np.stack([pixel_rays(c, p) for c, p in zip(moment.believed, pixels, strict=True)])
    eyes = np.stack([c.centre for c in moment.believed])
    found = np.full((pixels.shape[1], 3), np.nan)
    for p in range(len(found)):
        way = rays[:, p]
        seen = np.isfinite(way).all(1)
        if seen.sum() < 2:
            continue
        across = np.eye(3) - way[seen, :, None] * way[seen, None]
        weight = np.ones(seen.sum())
        for _ in range(8):
            weighted = weight[:, None, None] * across
            target = (weighted @ eyes[seen][..., None])[..., 0].sum(0)
            point = np.linalg.lstsq(weighted.sum(0), target, rcond=1e-8)[0]
            off = np.linalg.norm((across @ (point - eyes[seen])[..., None])[..., 0], axis=1)
            weight = 1 / (1 + (off / 0.005) ** 2)
        found[p] = point
    return found


def _in_world(mesh: NDArray[np.floating], first: FirstMesh) -> NDArray[np.float32]:
    pose = first.fit.world_from_head
    return np.asarray(mesh @ pose[:3, :3].T + pose[:3, 3], np.float32)
