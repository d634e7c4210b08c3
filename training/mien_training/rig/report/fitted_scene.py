"""The fitted person in the footage: what every image of the report is drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien_training.cameras.camera import Camera
from mien_training.footage.landmark_visibility import LandmarkPoints
from mien_training.footage.observations import Observations
from mien_training.head import Template
from mien_training.rendering.differentiable_head import DifferentiableHead, RenderedHead
from mien_training.rig.fit import RigFit
from mien_training.rig.model.motion import Motion, rotation_from_vector
from mien_training.rig.model.personal_rig import Shapes

__all__ = ["FittedScene", "choose_frames"]


@dataclass(frozen=True, eq=False)
class FittedScene:
    """A person (their own neutral and shapes), the footage, and the motion found in it."""

    person: Template
    seen: Observations
    """On the fit's device."""
    fit: RigFit
    motion: Motion
    """At all N frames."""
    draw: DifferentiableHead

    @classmethod
    def of(cls, person: Template, seen: Observations, fit: RigFit) -> FittedScene:
        """`person` is the rig as delivered: shapes that the footage did not show may differ from
        the fit's own.
        """
        near = seen.to(next(fit.model.parameters()).device)
        draw = DifferentiableHead(person).to(near.images.device)
        return cls(person, near, fit, fit.motion_at(near), draw)

    @property
    def weights(self) -> NDArray[np.float32]:
        """(N, K)."""
        return np.asarray(self.motion.weights.cpu().numpy())

    @property
    def times_s(self) -> NDArray[np.float64]:
        """(N,) on the first camera's clock."""
        with torch.no_grad():
            times = self.fit.model.time_offsets(self.seen.camera, self.seen.times_s)
        return np.asarray(times.double().cpu().numpy())

    def posed(self, rows: Tensor) -> Tensor:
        """(B, V, 3) the person in the world at frames (B,)."""
        device = self.seen.images.device
        shapes = Shapes(
            torch.from_numpy(self.person.vertices).to(device),
            torch.from_numpy(self.person.shape_deltas).to(device),
        )
        moved = (self.motion.weights, self.motion.rotation, self.motion.translation)
        return shapes.posed(Motion(*(part[rows] for part in moved)))

    def render(self, rows: Tensor, background: Tensor) -> RenderedHead:
        """Frames (B,) with the learnt colours over (B, H, W, 3) sRGB 0..1."""
        views, camera = self.seen.views, self.seen.camera[rows]
        with torch.no_grad():
            rendered: RenderedHead = self.draw(
                self.posed(rows), views, camera, self.fit.model.appearance, background
            )
        return rendered

    def landmark_points(self, rows: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(B, 478, 2) pixels of the rig's points where the tracker would see them, and (B, 478)
        how squarely the camera sees them.
        """
        device = self.seen.images.device
        points = LandmarkPoints(self.person, device)
        camera = self.seen.camera[rows]
        with torch.no_grad():
            vertices = self.posed(rows)
            turn = rotation_from_vector(self.motion.rotation[rows])
            places = points.positions(vertices)
            places = places + self.fit.model.landmark_bias @ turn.transpose(1, 2)
            pixels = self.seen.views.pixels(camera, places)
            squarely = points.confidence(vertices, turn, self.seen.views, camera)
        return pixels.cpu().numpy(), squarely.cpu().numpy()

    def camera_at(self, row: int) -> Camera:
        """The camera of a frame, moved so that the head stands in rig space."""
        views, index = self.seen.views, int(self.seen.camera[row])
        world_from_rig = np.eye(4)
        turn = rotation_from_vector(self.motion.rotation[row])
        world_from_rig[:3, :3] = turn.double().cpu().numpy()
        world_from_rig[:3, 3] = self.motion.translation[row].double().cpu().numpy()
        k1, k2 = views.distortion[index].tolist()
        height, width = self.seen.images.shape[1:3]
        return Camera(
            views.intrinsics[index].double().cpu().numpy(),
            views.camera_from_world[index].double().cpu().numpy() @ world_from_rig,
            width, height, k1, k2,
        )  # fmt: skip


def choose_frames(
    weights: NDArray[np.float32], camera: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """At most `count` rows that differ most in (N, K) expression, cameras (N,) taking turns.

    Farthest points, from the frame nearest to neutral on; in order of camera, then of row.
    """
    chosen = [int(np.square(weights).sum(1).argmin())]
    present = np.unique(camera)
    start = int(np.flatnonzero(present == camera[chosen[0]])[0])
    distance = np.full(len(weights), np.inf)
    while len(chosen) < min(count, len(weights)):
        distance = np.minimum(distance, np.square(weights - weights[chosen[-1]]).sum(1))
        distance[chosen] = -1.0
        turn = present[(start + len(chosen)) % len(present)]
        mine = np.where(camera == turn, distance, -1.0)
        chosen.append(int((mine if mine.max() >= 0 else distance).argmax()))
    return np.array(sorted(chosen, key=lambda row: (camera[row], row)), np.int64)
