"""One frame of a smiling, turned, textured head, and everything that made it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from mien_training.cameras.camera import look_at_camera
from mien_training.cameras.camera_batch import CameraBatch
from mien_training.footage.landmark_visibility import LandmarkPoints
from mien_training.footage.observations import Observations
from mien_training.head import MATERIALS, Template
from mien_training.rendering.appearance import Appearance
from mien_training.rendering.differentiable_head import (
    DifferentiableHead,
    RenderedHead,
    vertex_normals,
)
from mien_training.rig.model.motion import Motion, rotation_from_vector
from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.photometric.surface_motion import PosedSurface
from mien_training.rig.photometric.vertex_equations import VertexEquations, vertex_equations

SIZE = 96
WEIGHTS = {"jawOpen": 0.5, "mouthSmileLeft": 0.6, "browInnerUp": 0.4}


@dataclass(eq=False)
class FilmedMoment:
    """A frame whose every number is known."""

    seen: Observations
    shapes: Shapes
    truth: Motion
    landmark_points: LandmarkPoints
    picture: DifferentiableHead
    surface: Appearance

    @classmethod
    def of(cls, template: Template) -> FilmedMoment:
        torch.manual_seed(0)
        weights = torch.zeros(1, len(template.shape_names))
        for name, value in WEIGHTS.items():
            weights[0, template.shape_names.index(name)] = value
        motion = Motion(
            weights, torch.tensor([[0.05, 0.2, -0.04]]), torch.tensor([[0.01, -0.02, 0.03]])
        )
        shapes = Shapes(
            torch.from_numpy(template.vertices), torch.from_numpy(template.shape_deltas)
        )
        middle = template.vertices[template.regions["lips"]].mean(0)
        camera = look_at_camera(middle + np.array([0, 0.02, 0.7]), middle, 0.35, SIZE, SIZE)
        views, surface = CameraBatch.of([camera]), Appearance(len(MATERIALS), 64, 1)
        picture, landmark_points = DifferentiableHead(template), LandmarkPoints(template)
        first = torch.zeros(1, dtype=torch.long)
        with torch.no_grad():
            noise = torch.rand(1, 3, 24, 24)
            smooth = torch.nn.functional.interpolate(noise, size=64, mode="bilinear")
            surface.textures[0].copy_(0.2 + 0.5 * smooth)
            posed = shapes.posed(motion)
            background = torch.full((1, SIZE, SIZE, 3), 0.3)
            image = picture(posed, views, first, surface, background).colour
            points = views.pixels(first, landmark_points.positions(posed))
        seen = Observations(
            views, first, torch.zeros(1), first, _codes(image), None, points, first == 0
        )
        return cls(seen, shapes, motion, landmark_points, picture, surface)

    def filmed(self) -> Observations:
        """The same frame, under light and with textures as they are now."""
        background = torch.full((1, SIZE, SIZE, 3), 0.3)
        with torch.no_grad():
            posed = self.shapes.posed(self.truth)
            out = self.picture(posed, self.seen.views, self.seen.camera, self.surface, background)
        return replace(self.seen, images=_codes(out.colour))

    def posed(self, motion: Motion, vertex: torch.Tensor) -> PosedSurface:
        """Some vertices (V',) of the face at a motion (1, ...)."""
        world = self.shapes.posed(motion)
        normals = vertex_normals(world, self.picture.faces)[0]
        return PosedSurface.of(vertex, world[0], normals, motion.rotation[0], motion.translation[0])

    def linearised(self, shapes: Shapes, guess: Motion) -> tuple[RenderedHead, VertexEquations]:
        """What a guess looks like, and how it should change."""
        views, images = self.seen.views, self.seen.images.float() / 255
        with torch.no_grad():
            posed = shapes.posed(guess)
            out = self.picture(posed, views, self.seen.camera, self.surface, images)
            turn = rotation_from_vector(guess.rotation)[0]
            return out, vertex_equations(
                out, images[0], out.triangle[0] >= 0, torch.ones(SIZE, SIZE),
                self.picture.faces, posed[0],
                views.camera_from_world[0], views.intrinsics[0], turn, 0.15,
                partial(
                    self.picture.shading_slopes, posed[0],
                    vertex_normals(posed, self.picture.faces)[0], views, self.seen.camera[0],
                    self.surface,
                ),
            )  # fmt: skip

    def error(self, out: RenderedHead) -> float:
        """Mean absolute difference of colours on the face."""
        images = self.seen.images.float() / 255
        return float((out.colour - images).abs()[0][out.triangle[0] >= 0].mean())


def _codes(image: torch.Tensor) -> torch.Tensor:
    return (image * 255).round().clamp(0, 255).byte()
