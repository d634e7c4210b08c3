"""How well a person explains the frames, and how far they are from what is plausible."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mien_training.footage.landmark_visibility import LandmarkPoints
from mien_training.footage.observations import Observations
from mien_training.head import Template
from mien_training.rendering.differentiable_head import DifferentiableHead, RenderedHead
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.model.loss_terms import (
    landmark_loss,
    photometric_loss,
    prior_loss,
    silhouette_loss,
)
from mien_training.rig.model.motion import Motion, rotation_from_vector
from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.model.rig_model import RigModel
from mien_training.rig.model.weight_prior import WeightPrior
from mien_training.rig.robust.occluders import find_occlusion
from mien_training.templates.regions import compared_triangles

__all__ = ["Explanation", "Objective"]


@dataclass(frozen=True, eq=False)
class Explanation:
    """How far the person in B frames is from what was seen there."""

    loss: Tensor
    """Of pixels that show the face."""
    error: float
    """The same of all pixels: a fit that takes much for covered does not look better by it."""
    figures: dict[str, float]
    """Parts of the error, unweighted."""


class Objective:
    """The terms of the joint optimisation, over one set of observations."""

    def __init__(
        self, template: Template, seen: Observations, model: RigModel, config: RigFitConfig
    ) -> None:
        self.seen, self.model, self.config = seen, model, config
        device = seen.images.device
        self.renderer = DifferentiableHead(template).to(device)
        self.landmark_points = LandmarkPoints(template, device)
        self._counted = torch.from_numpy(compared_triangles(template, config.whole_head)).to(device)
        self.face_px = (seen.points.amax(1) - seen.points.amin(1)).amax(1)
        """(N,) size of the face in each frame."""
        self.weight_prior = WeightPrior.of(template.shape_names, config.motion.weights)
        self.uses_pixels = torch.ones(len(seen.camera), dtype=torch.bool, device=device)
        """(N,) frames whose colours count; the others follow their points alone."""

    def explain(self, shapes: Shapes, frames: Tensor, landmark_weight: float) -> Explanation:
        """Render frames (B,) and compare."""
        seen, weights = self.seen, self.config.losses
        camera, motion = seen.camera[frames], self.motion_at(frames)
        vertices = shapes.posed(motion)
        images = seen.images[frames].float() / 255
        rendered = self.renderer(vertices, seen.views, camera, self.model.appearance, images)
        where = self.compared(rendered, frames)
        occlusion = find_occlusion((rendered.colour - images).norm(dim=-1), where)
        colour = photometric_loss(rendered.colour, images, where * occlusion.weight)
        everywhere = photometric_loss(rendered.colour.detach(), images, where.float())
        turn = rotation_from_vector(motion.rotation)
        points = self.landmark_points.positions(vertices)
        points = points + self.model.landmark_bias @ turn.transpose(1, 2)
        pixels = seen.views.pixels(camera, points)
        confidence = self.point_confidence(vertices, turn, frames)
        scale = self.face_px[frames, None, None]
        point = landmark_loss(pixels, seen.points[frames], confidence, scale)
        loss = weights.photometric * colour + landmark_weight * point
        error = weights.photometric * everywhere + landmark_weight * point.detach()
        figures = {"photometric": float(everywhere), "landmark": float(point.detach())}
        if seen.masks is not None:
            outline = silhouette_loss(rendered.coverage, seen.masks[frames].float())
            loss = loss + weights.silhouette * outline
            error = error + weights.silhouette * outline.detach()
            figures["silhouette"] = float(outline.detach())
        return Explanation(loss, float(error), figures)

    def motion_at(self, frames: Tensor) -> Motion:
        """The performance in frames (B,)."""
        seen = self.seen
        motion: Motion = self.model.motion(
            self.model.time_offsets(seen.camera[frames], seen.times_s[frames])
        )
        return motion

    def knots_of(self, frames: Tensor) -> Tensor:
        """(B, 4) the knots of the motion's spline on which frames (B,) depend."""
        seen = self.seen
        times = self.model.time_offsets(seen.camera[frames], seen.times_s[frames])
        return self.model.motion.basis(times)[0]

    def point_confidence(self, vertices: Tensor, world_from_rig: Tensor, frames: Tensor) -> Tensor:
        """(B, 478) how far the points of frames (B,) count: seen squarely, and the face's own."""
        seen = self.seen
        sure = self.landmark_points.confidence(
            vertices, world_from_rig, seen.views, seen.camera[frames]
        )
        return sure * seen.trusted[frames, None]

    def compared(self, rendered: RenderedHead, frames: Tensor) -> Tensor:
        """(B, H, W) pixels of frames (B,) whose colours count.

        Crops are black beyond the border of a recording: such pixels show nothing.
        """
        where = (rendered.triangle >= 0) & self.compares(rendered.triangle.clamp_min(0))
        where = where & (self.seen.images[frames] > 0).any(-1)
        return where if self.seen.masks is None else where & self.seen.masks[frames]

    def compares(self, triangle: Tensor) -> Tensor:
        """(...) bool: triangles (...) whose colours are compared."""
        return self._counted[triangle]

    def plausible(self) -> Tensor:
        """Priors on identity and neutral."""
        rig, weights = self.model.rig, self.config.losses
        loss = weights.identity * rig.identity.square().sum()
        return loss + weights.neutral * prior_loss(rig.u_neutral[None])
