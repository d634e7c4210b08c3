"""The neutral from several stills of one moment: what two cameras see of one place looks alike.

Each place of the face is looked up in all images that show it, and the surface moves until they
agree (multi-view mesh refinement, as in Delaunoy and Pollefeys 2014, "Photometric Bundle
Adjustment for Dense Multi-View 3D Modeling"). No texture is learnt, so none can explain a wrong
surface away. From coarse to fine images.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from mien.errors import InputError
from mien_training.footage.landmark_visibility import LandmarkPoints
from mien_training.footage.observations import Observations
from mien_training.geometry.adam_uniform import AdamUniform
from mien_training.rendering.photo_consistency.agreement import disagreement, image_lights
from mien_training.rendering.photo_consistency.pictures import Pictures, logarithms
from mien_training.rendering.photo_consistency.places import Places, visible_places
from mien_training.rig.model.loss_terms import landmark_loss, prior_loss
from mien_training.rig.model.motion import Motion, rotation_from_vector
from mien_training.rig.model.personal_rig import PersonalRig
from mien_training.runs.progress import Progress, Report, silent
from mien_training.runs.stages import Stages

__all__ = ["StereoConfig", "fit_stereo"]


@dataclass(frozen=True)
class StereoConfig:
    """How stills of one moment are compared."""

    shrink: tuple[int, ...] = (4, 2, 1)
    """Pixels along one side of what is compared as one, level by level."""
    steps: int = 200
    """Optimiser steps in each level."""
    places: int = 6000
    """Places of the face that are looked up, drawn anew every few steps."""
    reach_m: float = 0.010
    """How far a change of the neutral spreads: its differential coordinates' lambda is this over
    the length of the face's edges, squared, in place of the recordings' `smoothing_lambda`."""
    neutral_rate: float = 8e-3
    """Longest step of the neutral's coordinates, metres; halved in each level."""
    identity_rate: float = 0.02
    """Longest step of the identity coefficients, likewise."""
    pose_rate: float = 3e-4
    """Adam's step of the pose, radians and metres, likewise."""
    landmark: tuple[float, float] = (0.3, 0.03)
    """Weight of the tracker's points in the first and in the last level, against 1 for colours."""
    identity: float = 1e-5
    """Weight of the squared identity coefficients."""
    neutral: float = 1e-5
    """Weight of the squared differential coordinates, mm^2."""
    most_disagreement: float = 0.04
    """Images that differ by more than this share of their brightness even at the end are not
    believed: highlights move with the camera, and bend the surface."""

    def __post_init__(self) -> None:
        if not self.shrink or min(self.shrink) < 1 or self.steps < 1 or self.places < 100:
            raise InputError(
                f"StereoConfig: shrink {self.shrink}, steps {self.steps}, places {self.places}, "
                "expected at least one level and step, and 100 places"
            )


def fit_stereo(
    rig: PersonalRig,
    motion: Motion,
    seen: Observations,
    landmark_points: LandmarkPoints,
    faces: Tensor,
    compared: Tensor,
    config: StereoConfig | None = None,
    seed: int = 0,
    report: Report = silent,
    stages: Stages | None = None,
) -> tuple[Motion, float | None]:
    """Change `rig`'s neutral until N stills of one moment agree; the moment's pose after it, and
    how much the images still differ, as a share of their brightness; None where no two of them
    show the same part of the face.

    The rig stays as it was there, and where they differ by more than `most_disagreement`.

    motion: of that moment, (1, ...); its weights stay. landmark_points: the tracker's points
    on the rig's mesh; faces (F, 3); compared (F,) bool: triangles whose colours count. stages:
    keeps every finished level. Raises InputError for fewer than two images, and for images too
    small to shrink.
    """
    if len(seen.camera) < 2:
        raise InputError(f"fit_stereo: {len(seen.camera)} images, expected two or more")
    config = config or StereoConfig()
    if min(seen.images.shape[1:3]) < max(config.shrink):
        raise InputError(
            f"fit_stereo: images of {tuple(seen.images.shape[1:3])}, expected "
            f"{max(config.shrink)} or more pixels a side"
        )
    pictures = _pictures(seen)
    rng = torch.Generator().manual_seed(seed)
    rotation = motion.rotation.clone().requires_grad_()
    translation = motion.translation.clone().requires_grad_()
    scale = (seen.points.amax(1) - seen.points.amin(1)).amax(1)[:, None, None]
    start = rig.u_neutral.detach().clone(), rig.identity.detach().clone()
    total = len(config.shrink) * config.steps

    def refine(level: int, shrink: int) -> dict[str, Any]:
        """The state after one more level."""
        log_images = logarithms(seen.images, shrink)
        t = level / max(len(config.shrink) - 1, 1)
        landmark_weight = config.landmark[0] ** (1 - t) * config.landmark[1] ** t
        shape = AdamUniform(
            [
                {"params": [rig.u_neutral], "full": config.neutral_rate},
                {"params": [rig.identity], "full": config.identity_rate},
            ],
            betas=(0.9, 0.99),
        )
        pose = torch.optim.Adam([{"params": [rotation, translation], "full": config.pose_rate}])
        for step in range(config.steps):
            for group in (*shape.param_groups, *pose.param_groups):
                group["lr"] = group["full"] * 0.5**level * 10 ** (-step / config.steps)
            vertices = rig(personal_shapes=False).posed(
                Motion(motion.weights, rotation, translation)
            )
            if step % _VISIBLE_STEPS == 0:
                places, light, confidence = _visible(
                    vertices.detach(), rotation.detach(), seen, landmark_points, faces, compared,
                    log_images, config.places, rng,
                )  # fmt: skip
            colours = disagreement(vertices[0], faces, places, log_images, pictures, light)
            every = landmark_points.positions(vertices).expand(len(seen.camera), -1, -1)
            pixels = seen.views.pixels(seen.camera, every)
            loss = colours + landmark_weight * landmark_loss(pixels, seen.points, confidence, scale)
            loss = loss + config.identity * rig.identity.square().sum()
            loss = loss + config.neutral * prior_loss(rig.u_neutral[None])
            shape.zero_grad()
            pose.zero_grad()
            loss.backward()
            shape.step()
            pose.step()
            figures = {"colours": float(colours.detach())}
            report(Progress("stereo", level * config.steps + step + 1, total, figures))
        shared = int((places.weight > 0).any(0).sum())
        return {
            **{name: value.detach().clone() for name, value in unknowns.items()},
            "rng": rng.get_state(), "shared": shared, "colours": figures["colours"],
        }  # fmt: skip

    unknowns = {
        "u_neutral": rig.u_neutral, "identity": rig.identity,
        "rotation": rotation, "translation": translation,
    }  # fmt: skip
    stages = stages or Stages()
    for level, shrink in enumerate(config.shrink):
        state = stages.run(f"stereo level {level + 1}", partial(refine, level, shrink))
        with torch.no_grad():
            for name, value in unknowns.items():
                value.copy_(state[name])
        rng.set_state(state["rng"])
    left = state["colours"] if state["shared"] >= _FEWEST else None
    if left is None or left > config.most_disagreement:
        with torch.no_grad():
            rig.u_neutral.copy_(start[0])
            rig.identity.copy_(start[1])
        return motion, left
    return Motion(motion.weights, rotation.detach(), translation.detach()), left


def _visible(
    vertices: Tensor, rotation: Tensor, seen: Observations, landmark_points: LandmarkPoints,
    faces: Tensor, compared: Tensor, log_images: Tensor, count: int, rng: torch.Generator,
) -> tuple[Places, Tensor, Tensor]:  # fmt: skip
    """Places that are seen now, their light in each image, and the points' confidence."""
    size = (log_images.shape[2], log_images.shape[3])
    pictures = _pictures(seen)
    places = visible_places(vertices[0], faces, compared, pictures, size, count, rng)
    light = image_lights(vertices[0], faces, places, log_images, pictures)
    every = vertices.expand(len(seen.camera), -1, -1)
    turn = rotation_from_vector(rotation).expand(len(seen.camera), -1, -1)
    return places, light, landmark_points.confidence(every, turn, seen.views, seen.camera)


def _pictures(seen: Observations) -> Pictures:
    size = (seen.images.shape[1], seen.images.shape[2])
    return Pictures(seen.views, seen.camera, size, seen.masks)


_FEWEST = 100
"""Places that two images share; fewer tell nothing."""
_VISIBLE_STEPS = 10
"""Steps for which what is visible, and the light, are taken to stay."""
