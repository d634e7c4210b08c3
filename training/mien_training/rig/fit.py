"""The joint optimisation of neutral, shapes, motion, time offsets and appearance, in three stages.

    points    identity, expression and pose of every moment from the tracker's landmarks
    neutral   + free neutral, motion, time offsets, texture, light, from pixels; template's shapes
    joint     + personal shapes

Stills of one moment show no performance, only a neutral (`stills`): of two cameras and more it is
what makes their images agree (`stereo`), and the stage "neutral" paints it.

(Ming et al. 2024, "High-Quality Mesh Blendshape Generation from Face Videos", arXiv 2401.08398.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien_training.footage.landmark_visibility import LandmarkPoints
from mien_training.footage.observations import Observations
from mien_training.head import Template
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.landmarks.fast_motion import knots_for
from mien_training.rig.landmarks.landmark_fit import LandmarkFit, fit_landmarks
from mien_training.rig.landmarks.lid_closure import close_lids
from mien_training.rig.model.motion import Motion, MotionSpline, rotation_from_vector
from mien_training.rig.model.rest_pose import absorb_rest_pose
from mien_training.rig.model.rig_model import RigModel
from mien_training.rig.origin import origin_of
from mien_training.rig.photometric.fit_loop import FitLoop
from mien_training.rig.photometric.objective import Objective
from mien_training.rig.robust.frame_errors import FrameErrors, frame_errors
from mien_training.rig.robust.frame_report import FrameReport, report_frames
from mien_training.rig.stereo.stereo_fit import fit_stereo
from mien_training.rig.stills import eye_selection, neutral_only
from mien_training.rig.surroundings import paint_surroundings
from mien_training.runs.checkpoint import Checkpoint
from mien_training.runs.progress import Report, in_stage, silent
from mien_training.runs.stages import Stages
from mien_training.templates.regions import compared_triangles

__all__ = ["RigFit", "fit_rig", "moments_of"]

_LONGEST_S = 0.05
"""Frames of several cameras that are farther apart show different moments."""


@dataclass(frozen=True, eq=False)
class RigFit:
    """A person, and how they moved."""

    template: Template
    """What the model began as."""
    model: RigModel
    points: LandmarkFit
    """What the first stage found."""
    held_out: NDArray[np.int64]
    """Frames of which no step has seen a pixel; none of short recordings."""
    history: tuple[dict[str, float], ...]
    """Figures at every check."""
    frames: FrameReport
    """What became of every frame."""
    errors: FrameErrors
    """Of every frame, as the fit ended, on the CPU."""
    figures: dict[str, float] = field(default_factory=dict)
    """Those of this model; empty if there was no check."""
    disagreement: float | None = None
    """Of stills of one moment, as a share of their brightness; None where no two of them show the
    same part of a face."""

    def motion_at(self, seen: Observations) -> Motion:
        """The performance at every frame of what was fitted, with the blinks that the tracker
        saw between the knots."""
        model = self.model
        with torch.no_grad():
            moved: Motion = model.motion(model.time_offsets(seen.camera, seen.times_s))
            moved = Motion(moved.weights.clamp(0, 1), moved.rotation, moved.translation)
            if not seen.times_s.any():  # of one moment, the first stage has read the lids
                return moved
            landmark_points = LandmarkPoints(self.template, seen.points.device)
            names = self.template.shape_names
            return close_lids(model.rig(), names, moved, landmark_points, model.landmark_bias, seen)


def moments_of(camera: Tensor, times_s: Tensor) -> tuple[Tensor, Tensor]:
    """(N,) index of each frame's moment, unsynchronised cameras rounded together, and (M,) times.

    A moment is one tick of the fastest camera, but no longer than a face holds still.
    """
    gaps = [times_s[camera == c].diff() for c in torch.unique(camera)]
    ticks = [float(gap.median()) for gap in gaps if len(gap)]
    tick = min(t for t in (*ticks, _LONGEST_S) if t > 1e-4)
    found, moment = torch.unique((times_s / tick).round().long(), return_inverse=True)
    return moment, found.to(times_s.dtype) * tick


def fit_rig(
    template: Template,
    seen: Observations,
    config: RigFitConfig | None = None,
    checkpoint: Path | None = None,
    report: Report = silent,
    device: torch.device | None = None,
) -> RigFit:
    """Run all stages. With `checkpoint`, an interrupted call goes on after the last stage, level or
    round that was finished, and on one thread of the CPU ends bit for bit where an uninterrupted
    one does; several threads round differently now and then.

    device: of the stages that compare colours of a recording; what comes before them takes the CPU.
    Raises InputError for unusable observations, and for a checkpoint of another configuration,
    template or footage.
    """
    config = config or RigFitConfig()
    device = device or torch.device("cpu")
    torch.manual_seed(config.seed)
    sure = seen.subset(seen.trusted)
    moment, times = moments_of(seen.camera, seen.times_s)
    if len(times) == 1:
        config = neutral_only(config, template)
    first, last = float(seen.times_s.min()), float(seen.times_s.max())
    margin = max(0.05 * (last - first), 0.1)  # time offsets may shift frames beyond the ends
    model = RigModel(template, (first - margin, last + margin), len(seen.views.intrinsics), config)
    stages = Stages()
    if checkpoint is not None:
        stages = Stages(Checkpoint(checkpoint, origin_of(config, template, seen)))
    points = _first_stage(template, sure, model, config, stages, report)
    absorb_rest_pose(model.rig, model.motion, times, model.rests, config.rest_quantile, False)
    disagreement = None
    if len(times) == 1 and len(seen.camera) > 1:
        disagreement = _stereo_stage(template, seen, model, points, config, stages, report)
    objective = Objective(template, seen.to(device), model.to(device), config)
    loop = FitLoop(objective, moment, config, report)
    rounds = stages.kept("rounds")
    if rounds is not None:
        loop.restore(rounds)
    loop.run(partial(stages.keep, "rounds"))
    everywhere = torch.arange(len(seen.camera), device=device)
    with torch.no_grad():
        errors = frame_errors(objective, model.rig(), everywhere)
    frames = report_frames(errors, objective.face_px, loop.restarts, seen, config.limits)
    paint_surroundings(objective)
    held_out = loop.held_out.cpu().numpy()
    return RigFit(
        template, model.cpu(), points, held_out, tuple(loop.history), frames, errors.cpu(),
        loop.figures, disagreement,
    )  # fmt: skip


def _first_stage(
    template: Template, seen: Observations, model: RigModel, config: RigFitConfig,
    stages: Stages, report: Report,
) -> LandmarkFit:  # fmt: skip
    """Landmarks twice: the second time without the points that the first pose shows hidden."""
    moment, times = moments_of(seen.camera, seen.times_s)
    shapes = eye_selection(template, seen.points.numpy()) if len(times) == 1 else None

    def fit(name: str, confidence: Tensor | None) -> LandmarkFit:
        """One stage, kept under its name."""

        def work() -> dict[str, Tensor]:
            found = fit_landmarks(
                template, seen.views, seen.seen_points(moment, confidence), config.points,
                in_stage(report, name), shapes,
            )  # fmt: skip
            m = found.motion
            return {
                "identity": found.identity, "error_px": found.error_px,
                "weights": m.weights, "rotation": m.rotation, "translation": m.translation,
            }  # fmt: skip

        s = stages.run(name, work)
        motion = Motion(s["weights"], s["rotation"], s["translation"])
        return LandmarkFit(s["identity"], motion, s["error_px"])

    first = fit("points", None)
    visible = stages.run(
        "visibility", lambda: {"confidence": _visibility(template, seen, model, first, moment)}
    )
    found = fit("visible points", visible["confidence"])
    with torch.no_grad():
        model.rig.identity.copy_(found.identity)
        model.motion = MotionSpline(
            knots_for(
                model.rig(personal_shapes=False), found.motion, times, model.span_s,
                LandmarkPoints(template), seen, moment, config.knots,
            ),
            len(template.shape_names),
        )  # fmt: skip
    model.motion.fit_samples(times, found.motion)
    return found


def _visibility(
    template: Template, seen: Observations, model: RigModel, found: LandmarkFit, moment: Tensor
) -> Tensor:
    """(N, 478) confidence of the points in every frame, from poses that were found."""
    landmark_points = LandmarkPoints(template)
    with torch.no_grad():
        model.rig.identity.copy_(found.identity)
        posed = model.rig(personal_shapes=False).posed(found.motion)
        turn = rotation_from_vector(found.motion.rotation)
        parts = [
            landmark_points.confidence(
                posed[moment[part]], turn[moment[part]], seen.views, seen.camera[part]
            )
            for part in torch.split(torch.arange(len(moment)), 64)
        ]
    return torch.cat(parts).clamp_min(0.02)


def _stereo_stage(
    template: Template, seen: Observations, model: RigModel, points: LandmarkFit,
    config: RigFitConfig, stages: Stages, report: Report,
) -> float | None:  # fmt: skip
    """The neutral and the pose that make stills of one moment agree; how far they do not."""

    faces = torch.from_numpy(template.triangles).long()
    # Lips and lids meet in folds, which a surface moved along its normals would open.
    folds = template.regions["lids"] | template.regions["eyes"] | template.regions["lips"]
    smooth = compared_triangles(template, config.whole_head) & ~folds[template.triangles].any(1)
    motion, disagreement = fit_stereo(
        model.rig, points.motion, seen, LandmarkPoints(template), faces,
        torch.from_numpy(smooth), config.stereo, config.seed, report, stages,
    )  # fmt: skip
    model.motion.fit_samples(moments_of(seen.camera, seen.times_s)[1], motion)
    return disagreement
