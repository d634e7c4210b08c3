"""One look at every moment, and what follows: the performance, the clocks, the shapes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mien_training.rig.motion import Motion, rotation_from_vector
from mien_training.rig.motion_equations import (
    PointEquations,
    from_picture,
    from_points,
    point_motions,
)
from mien_training.rig.objective import Objective
from mien_training.rig.performance_solver import PerformanceSolver
from mien_training.rig.personal_rig import Shapes
from mien_training.rig.shape_solver import ShapeEquations, solve_shapes
from mien_training.rig.vertex_equations import VertexEquations, vertex_equations

__all__ = ["sweep"]

_BATCH = 6
_MISPLACED_M = 0.003
"""Spread of the tracker's misplacement of a point, before anything is seen."""


def sweep(
    objective: Objective, frames: Tensor, personal_shapes: bool,
    progress: Callable[[int], None] | None = None,
) -> None:  # fmt: skip
    """Solve motion and clocks, and with `personal_shapes` the shapes, from frames (N,).

    Everything is linear about the present state. The shapes are asked to explain only what the
    motion leaves, or both would take the same step. progress: frames done.
    """
    model, rig = objective.model, objective.model.rig
    with torch.no_grad():
        shapes = rig(personal_shapes)
        solver = PerformanceSolver(model.motion, model.clocks, objective.config.motion)
        looks: list[tuple[int, Motion, VertexEquations]] = []
        marks = _Marks(model.mark_offsets)
        for part in torch.split(frames, _BATCH):
            looks += _look(objective, shapes, part, solver, marks)
            if progress is not None:
                progress(len(looks))
        solver.step()
        marks.step()
        if not personal_shapes:
            return
        shown = torch.zeros(len(shapes.neutral), dtype=torch.bool, device=frames.device)
        for _, _, seen in looks:
            shown[seen.vertex] = True
        vertex = (shown & (rig.reach[..., 0].amax(0) > 0)).nonzero()[:, 0]
        place = torch.full((len(shapes.neutral),), -1, device=vertex.device)
        place[vertex] = torch.arange(len(vertex), device=vertex.device)
        equations = ShapeEquations.empty(vertex, len(looks), len(shapes.deltas))
        for row, (frame, before, seen) in enumerate(looks):
            after = objective.motion_at(torch.tensor([frame], device=vertex.device))
            v = seen.vertex
            change, _ = point_motions(shapes.neutral[v], shapes.deltas[:, v], before)
            left = seen.after(change @ _difference(after, before))
            moving = place[v] >= 0
            equations.weights[row] = after.weights[0]
            equations.put(row, place[v[moving]], left.stiffness[moving], left.pull[moving])
        trusted = equations.trusted(rig.prior.trust)
        rig.u_shapes.copy_(solve_shapes(trusted, rig.shape_changes, rig.u_shapes))


class _Marks:
    """How far the tracker always misplaces each of its points on this person."""

    def __init__(self, offsets: Tensor) -> None:
        """offsets (478, 3), metres, rig axes."""
        self.offsets = offsets
        self.stiffness = torch.eye(3, device=offsets.device).repeat(len(offsets), 1, 1)
        self.stiffness /= _MISPLACED_M**2
        self.pull = -offsets / _MISPLACED_M**2

    def add(self, points: PointEquations) -> None:
        """One frame."""
        self.stiffness = self.stiffness + points.stiffness
        self.pull = self.pull + points.pull

    def step(self) -> None:
        """Half the way: the motion goes the other half."""
        self.offsets += 0.5 * torch.linalg.solve(self.stiffness, self.pull)


def _look(
    objective: Objective, shapes: Shapes, frames: Tensor, solver: PerformanceSolver, misses: _Marks
) -> list[tuple[int, Motion, VertexEquations]]:
    """Render frames (B,) and add what they say to the solver."""
    seen, config, marks = objective.seen, objective.config.motion, objective.marks
    camera = seen.camera[frames]
    times = objective.model.clocks(camera, seen.times_s[frames])
    motion = objective.model.motion(times)
    vertices = shapes.posed(motion)
    images = seen.images[frames].float() / 255
    picture = objective.picture(
        vertices, seen.views, camera, objective.model.appearance, images, smooth_edges=False
    )
    where = objective.compared(picture, frames)
    turn = rotation_from_vector(motion.rotation)
    confidence = marks.confidence(vertices, turn, seen.views, camera)
    found = []
    for i, frame in enumerate(frames.tolist()):
        c, one = int(camera[i]), motion.row(i)
        equations = vertex_equations(
            picture.row(i), images[i], where[i], objective.picture.faces, vertices[i],
            seen.views.camera_from_world[c], seen.views.intrinsics[c], turn[i],
            config.colour_sigma,
        )  # fmt: skip
        points = from_points(
            shapes, one, seen, frame, marks.corners, marks.share, objective.model.mark_offsets,
            confidence[i], config.point_sigma * objective.face_px[frame], config.points_worth,
        )  # fmt: skip
        misses.add(points)
        solver.add(c, times[i], from_picture(shapes, one, equations) + points.motion())
        found.append((frame, one, equations))
    return found


def _difference(after: Motion, before: Motion) -> Tensor:
    """(K + 6,) of one moment each."""
    parts = [
        after.weights - before.weights, after.rotation - before.rotation,
        after.translation - before.translation,
    ]  # fmt: skip
    return torch.cat(parts, 1)[0]
