"""A predicted mesh of one moment against its pictures.

Each place of the skin is looked up in all pictures that show it, and moves along its normal until
they agree: multi-view refinement as in Delaunoy and Pollefeys 2014, "Photometric Bundle Adjustment
for Dense Multi-View 3D Modeling", but by Gauss-Newton on a smooth offset whose prior is the
prediction. Agreement is no proof: highlights agree on a surface of their own. So what moved is kept
only where places that had no part in it agree better, and never far from the prediction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError
from mien_training.cameras import Camera
from mien_training.capture.polish.agreement_gate import judge, kept_share
from mien_training.capture.polish.camera_shift import camera_shifts, outstanding_camera
from mien_training.capture.polish.carried_parts import carry_with_skin
from mien_training.capture.polish.lips_and_lids import lip_and_lid_displacement
from mien_training.capture.polish.normal_levels import (
    SeenPlaces,
    level_places,
    refine_level,
    unit_normals,
)
from mien_training.capture.polish.picture_levels import Crops, Level, crop_pictures
from mien_training.capture.polish.polish_config import PolishConfig
from mien_training.capture.polish.smooth_offset import SmoothOffset
from mien_training.capture.skin_regions import skin_regions
from mien_training.geometry.alignment import fit_alignment
from mien_training.head import MATERIALS, Template
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["Polished", "polish_mesh"]

Float64Array = NDArray[np.float64]

_FEWEST = 100
"""Places that two pictures share; fewer tell nothing."""


@dataclass(frozen=True, eq=False)
class Polished:
    """One moment."""

    vertices: NDArray[np.float32]
    """(V, 3) world, metres."""
    kept: NDArray[np.float32]
    """(V,) 0..1 how much of what the pictures asked for each vertex of skin keeps, the most of all
    rounds; 0 elsewhere."""
    unjudged: NDArray[np.float32]
    """(V, 3) what the pictures asked for in the last round, whole."""
    disagreement_before: float | None
    """Share of their brightness by which pictures differ from their mean at held-out places; None
    where they share too few."""
    disagreement_after: float | None
    """The same of `unjudged`."""
    left_out: tuple[int, ...]
    """Cameras that do not show the head, or whose picture is moved against the others."""
    reason: str
    """Why nothing is kept; empty where something is."""


def polish_mesh(
    template: Template,
    vertices: ArrayLike,
    images: Sequence[NDArray[np.uint8]],
    cameras: Sequence[Camera],
    masks: Sequence[NDArray[np.bool_]] | None = None,
    landmarks: NDArray[np.floating] | None = None,
    config: PolishConfig | None = None,
    report: Report = silent,
) -> Polished:
    """The mesh (V, 3) in the world, metres, as C synchronous pictures (H, W, 3 or 1), sRGB, of as
    many calibrated cameras have it.

    masks (C) of (H, W): pixels that show the head's own skin; without, all skin but the scalp
    counts wherever no other part of the head hides it. landmarks (C, 478, 2): the tracker's
    points, pixels, NaN without a face. Eyes, teeth and the mouth's inside follow the skin. Raises
    InputError for input that does not fit, HeadUnseenError for fewer than two cameras that see the
    head.
    """
    config = config or PolishConfig()
    first: Polished | None = None
    for number in range(config.rounds):
        found = _round(
            template, vertices, images, cameras, masks, landmarks, config, report, number
        )
        if first is None:
            first = last = found
        elif not found.reason:
            last = replace(
                found, kept=np.maximum(last.kept, found.kept),
                disagreement_before=first.disagreement_before,
            )  # fmt: skip
        if found.reason:
            break
        vertices = found.vertices
    return last


def _round(
    template: Template,
    vertices: ArrayLike,
    images: Sequence[NDArray[np.uint8]],
    cameras: Sequence[Camera],
    masks: Sequence[NDArray[np.bool_]] | None,
    landmarks: NDArray[np.floating] | None,
    config: PolishConfig,
    report: Report,
    before: int,
) -> Polished:
    """before: how many rounds were before it."""
    start = np.asarray(vertices, np.float64)
    if start.shape != template.vertices.shape or not np.isfinite(start).all():
        raise InputError(
            f"polish: vertices {start.shape}, expected {template.vertices.shape}, finite"
        )
    prior, compared = _skin(template, config.spread_m, config.reach_m, masks is not None)
    pose = fit_alignment(template.vertices[prior.nodes], start[prior.nodes])
    world_from_head = np.eye(4)
    world_from_head[:3, :3], world_from_head[:3, 3] = pose.rotation, pose.translation
    crops = crop_pictures(images, cameras, masks, world_from_head, config.side)
    run = _Run(template, start, compared, prior, config, report, before)
    first = np.zeros((len(prior.nodes), 3))
    if landmarks is not None:
        normals = run.normals(start)
        first = lip_and_lid_displacement(
            template, start, world_from_head[:3, :3], normals, landmarks, cameras, prior
        )
    crops, moved, reason = run.refine(crops, first)
    absent = tuple(c for c in range(len(cameras)) if c not in crops.camera)
    if reason:
        return run.nothing(absent, reason)
    return run.judged(crops, moved, absent)


@lru_cache(maxsize=4)
def _skin(
    template: Template, spread_m: float, reach_m: float, masked: bool
) -> tuple[SmoothOffset, NDArray[np.bool_]]:
    """The prior, and the triangles (F,) that are compared."""
    compared = template.triangle_material == MATERIALS.index("skin")
    if not masked:
        compared = compared & ~skin_regions(template)["scalp"][template.triangles].any(1)
    return SmoothOffset(template, spread_m, reach_m), compared


class _Run:
    """One moment's polish."""

    def __init__(
        self,
        template: Template,
        start: Float64Array,
        compared: NDArray[np.bool_],
        prior: SmoothOffset,
        config: PolishConfig,
        report: Report,
        before: int,
    ) -> None:
        self._template, self._start, self._compared = template, start, compared
        self._prior, self._config, self._report = prior, config, report
        self._before = before
        self._faces = torch.from_numpy(template.triangles).long()

    def normals(self, vertices: Float64Array) -> Float64Array:
        """(K, 3) of the nodes."""
        return unit_normals(vertices, self._faces)[self._prior.nodes].double().numpy()

    def refine(self, crops: Crops, displacement: Float64Array) -> tuple[Crops, Float64Array, str]:
        """The crops that were believed, the nodes' displacement (K, 3), and why there is none."""
        first, count = displacement, len(crops.camera)
        number = 0
        while number < len(self._config.shrink):
            shrink = self._config.shrink[number]
            level = Level(crops, shrink)
            vertices = self._moved(displacement)
            seen = self._places(crops, level, shrink, vertices)
            used = seen.subset(~seen.judge)
            if used.rows.shape[0] < _FEWEST:
                return crops, displacement, _TOO_FEW
            displacement, found, shown = refine_level(
                used, level, self.normals(vertices), displacement, self._prior,
                crops.pixel_m * shrink, self._config,
            )  # fmt: skip
            shifts = camera_shifts(shown, found, used.places.weight)
            worst = outstanding_camera(shifts, self._config.most_shift_px) if number < 2 else None
            if worst is not None:
                # The others were bent by it: begin again without.
                crops = crops.without([worst])
                if 2 * len(crops.camera) < count:
                    return crops, displacement, "pictures are moved against each other"
                displacement, number = first, 0
                continue
            number += 1
            levels = len(self._config.shrink)
            done, total = self._before * levels + number, self._config.rounds * levels
            self._report(Progress("polish", done, total, {"noise": float(found.noise.median())}))
        return crops, displacement, ""

    def judged(self, crops: Crops, displacement: Float64Array, absent: tuple[int, ...]) -> Polished:
        """What is kept of a displacement (K, 3)."""
        prior, config, shrink = self._prior, self._config, self._config.shrink[-1]
        level = Level(crops, shrink)
        seen = self._places(crops, level, shrink, self._start)
        whole = self._moved(displacement)
        judgement = judge(seen, level, self._start, whole, self._faces)
        if judgement is None:
            return self.nothing(absent, _TOO_FEW)
        reason = ""
        if judgement.disagreement_after > config.most_disagreement:
            reason = "pictures do not agree"
        elif judgement.disagreement_after >= judgement.disagreement_before:
            reason = "pictures agree no better"
        length = np.linalg.norm(displacement, axis=1)
        nodes = self._start[prior.nodes]
        kept = kept_share(judgement, nodes, length, config.most_m, prior) * (not reason)
        share = np.zeros(len(self._start), np.float32)
        share[prior.nodes] = kept
        return Polished(
            self._moved(displacement * kept[:, None]).astype(np.float32), share,
            whole.astype(np.float32), judgement.disagreement_before, judgement.disagreement_after,
            absent, reason,
        )  # fmt: skip

    def nothing(self, absent: tuple[int, ...], reason: str) -> Polished:
        """The prediction as it came."""
        start = self._start.astype(np.float32)
        zero = np.zeros(len(start), np.float32)
        return Polished(start, zero, start, None, None, absent, reason)

    def _places(
        self, crops: Crops, level: Level, shrink: int, vertices: Float64Array
    ) -> SeenPlaces:
        return level_places(
            self._template, self._start, vertices, self._compared, crops, level, shrink,
            self._prior, self._config,
        )  # fmt: skip

    def _moved(self, displacement: Float64Array) -> Float64Array:
        """(V, 3) of the nodes' displacement (K, 3), all else carried along."""
        every = np.zeros_like(self._start)
        every[self._prior.nodes] = displacement
        return self._start + carry_with_skin(self._template, every)


_TOO_FEW = "too few places that two pictures show brightly enough"
