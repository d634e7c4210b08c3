"""How well a person explains the frames, and how far they are from what is plausible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.channels import mirror_name
from mien_training.rig.facing import LandmarkPoints
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.losses import (
    Prior,
    landmark_loss,
    locality_loss,
    photometric_loss,
    prior_loss,
    silhouette_loss,
    symmetry_loss,
)  # fmt: skip
from mien_training.rig.motion import Motion, rotation_from_vector
from mien_training.rig.motion_solver import NormalEquations, add_pixels, add_points, apply_step
from mien_training.rig.observations import Observations
from mien_training.rig.personal_rig import Shapes
from mien_training.rig.picture import HeadPicture, Picture
from mien_training.rig.regions import compared_triangles, support_masks
from mien_training.rig.rig_model import RigModel
from mien_training.templates import Template

__all__ = ["Explanation", "Objective"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """How B frames look, and how far that is from what was seen."""

    loss: Tensor
    figures: dict[str, float]
    """Parts of the loss, unweighted."""
    frames: Tensor
    """(B,)"""
    times_s: Tensor
    """(B,) on the common clock."""
    motion: Motion
    picture: Picture
    where: Tensor
    """(B, H, W) pixels whose colours are compared."""
    confidence: Tensor
    """(B, 478) of the tracker's points."""


class Objective:
    """The terms of the joint optimisation, over one set of observations."""

    def __init__(
        self, template: Template, seen: Observations, model: RigModel, config: RigFitConfig
    ) -> None:
        self.seen, self.model, self.config = seen, model, config
        device = seen.images.device
        self.picture = HeadPicture(template).to(device)
        self.marks = LandmarkPoints(template.landmarks, self.picture.faces)
        self.prior = Prior(
            torch.from_numpy(support_masks(template)).to(device, torch.float32),
            torch.from_numpy(template.mirror).to(device, torch.int64),
            torch.from_numpy(_mirror_shapes(template)).to(device),
        )
        self._counted = torch.from_numpy(compared_triangles(template, config.whole_head)).to(device)
        self._scale = (seen.points.amax(1) - seen.points.amin(1)).amax(1)[:, None, None]

    def explain(self, shapes: Shapes, frames: Tensor, landmark_weight: float) -> Explanation:
        """Render frames (B,) and compare; the motion itself is held still."""
        seen, weights = self.seen, self.config.losses
        camera = seen.camera[frames]
        times = self.model.clocks(camera, seen.times_s[frames])
        motion = self.model.motion(times)
        vertices = shapes.posed(motion)
        images = seen.images[frames].float() / 255
        picture = self.picture(vertices, seen.views, camera, self.model.appearance, images)
        where = (picture.triangle >= 0) & self._counted[picture.triangle.clamp_min(0)]
        if seen.masks is not None:
            where = where & seen.masks[frames]
        colour = photometric_loss(picture.colour, images, where.float())
        turn = rotation_from_vector(motion.rotation)
        marks = self.marks.positions(vertices) + self.model.mark_offsets @ turn.transpose(1, 2)
        pixels = seen.views.pixels(camera, marks)
        confidence = self.marks.confidence(vertices, seen.views, camera)
        point = landmark_loss(pixels, seen.points[frames], confidence, self._scale[frames])
        loss = weights.photometric * colour + landmark_weight * point
        figures = {"photometric": float(colour.detach()), "landmark": float(point.detach())}
        if seen.masks is not None:
            outline = silhouette_loss(picture.coverage, seen.masks[frames].float())
            loss = loss + weights.silhouette * outline
            figures["silhouette"] = float(outline.detach())
        return Explanation(loss, figures, frames, times, motion, picture, where, confidence)

    def move(
        self, shapes: Shapes, looked: Explanation, moment: Tensor, rng: torch.Generator
    ) -> None:
        """One Gauss-Newton step of each moment (B,) that was looked at."""
        config = self.config.motion
        with torch.no_grad():
            for one in torch.unique(moment):
                rows = (moment == one).nonzero()[:, 0]
                equations = NormalEquations.prior(looked.motion.weights[rows].mean(0), config)
                for row in rows.tolist():
                    frame, motion = int(looked.frames[row]), looked.motion.row(row)
                    add_pixels(
                        equations, shapes, motion, self.seen, frame, looked.picture.row(row),
                        self.picture.faces, looked.where[row], config, rng,
                    )  # fmt: skip
                    add_points(
                        equations, shapes, motion, self.seen, frame, self.marks.corners,
                        self.marks.share, self.model.mark_offsets, looked.confidence[row],
                        self._scale[frame, 0, 0], config,
                    )  # fmt: skip
                apply_step(self.model.motion, looked.times_s[rows], equations.solve())

    def tracker_prior(self) -> Tensor:
        """The tracker is right, by and large."""
        return self.config.losses.mark_offsets * prior_loss(self.model.mark_offsets[None])

    def plausible(self, shapes: Shapes, personal_shapes: bool) -> Tensor:
        """Priors on the neutral and, with `personal_shapes`, on the shapes."""
        rig, weights = self.model.rig, self.config.losses
        loss = weights.identity * rig.identity.square().sum()
        loss = loss + weights.neutral * prior_loss(rig.u_neutral[None])
        if not personal_shapes:
            return loss
        loss = loss + weights.shapes * prior_loss(rig.u_deltas)
        change = shapes.deltas - rig.template_deltas
        if weights.locality:
            loss = loss + weights.locality * locality_loss(change, self.prior)
        if weights.symmetry:
            loss = loss + weights.symmetry * symmetry_loss(change, self.prior)
        return loss


def _mirror_shapes(template: Template) -> NDArray[np.int64]:
    index = {name: k for k, name in enumerate(template.shape_names)}
    return np.array([index.get(mirror_name(name), k) for name, k in index.items()], np.int64)
