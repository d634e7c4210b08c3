"""One look at every moment, and what follows: the performance, the clocks, the shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from mien_training.rig.model.motion import Motion, rotation_from_vector
from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.model.rest_pose import settle_rest
from mien_training.rig.photometric.motion_equations import (
    PointEquations,
    from_picture,
    from_points,
    point_motions,
)
from mien_training.rig.photometric.motion_marginalisation import MotionFreedom, rigid_and_blended
from mien_training.rig.photometric.motion_solver import PerformanceSolver
from mien_training.rig.photometric.objective import Objective
from mien_training.rig.photometric.shape_solver import ShapeEquations, solve_shapes
from mien_training.rig.photometric.vertex_equations import VertexEquations, vertex_equations

__all__ = ["sweep"]

_BATCH = 6
_MISPLACED_M = 0.003
"""Spread of the tracker's misplacement of a point, before anything is seen."""
_AT_END = 0.003
"""Weights so near 0 or 1 are held there."""
_HELD = 1e6


@dataclass(frozen=True, eq=False)
class _Look:
    """One frame, as the state before the sweep explains it."""

    frame: int
    motion: Motion
    picture: VertexEquations
    points: Tensor
    """(478, 3, 3) stiffness of the tracker's points."""


def sweep(
    objective: Objective, frames: Tensor, personal_shapes: bool,
    progress: Callable[[int], None] | None = None,
) -> None:  # fmt: skip
    """Solve motion and clocks, and with `personal_shapes` the shapes, from frames (N,).

    Everything is linear about the present state. Shapes are asked to explain only what the motion
    leaves, or both would take the same step. progress: frames done.
    """
    model = objective.model
    with torch.no_grad():
        shapes = model.rig(personal_shapes)
        solver = PerformanceSolver(model.motion, model.clocks, objective.config.motion)
        looks: list[_Look] = []
        marks = _Marks(model.mark_offsets)
        for part in torch.split(frames, _BATCH):
            looks += _look(objective, shapes, part, solver, marks)
            if progress is not None:
                progress(len(looks))
        solver.step()
        marks.step()
        if personal_shapes:
            _reshape(objective, shapes, looks)
        times = model.clocks(objective.seen.camera[frames], objective.seen.times_s[frames])
        share = objective.config.at_rest
        settle_rest(model.rig, model.motion, times, model.rests, share, personal_shapes)


def _reshape(objective: Objective, shapes: Shapes, looks: list[_Look]) -> None:
    """Solve the shapes, by looks from before the motion was solved."""
    rig = objective.model.rig
    device = shapes.neutral.device
    shown = torch.zeros(len(shapes.neutral), dtype=torch.bool, device=device)
    for look in looks:
        shown[look.picture.vertex] = True
    vertex = (shown & (rig.reach[..., 0].amax(0) > 0)).nonzero()[:, 0]
    place = torch.full((len(shapes.neutral),), -1, device=device)
    place[vertex] = torch.arange(len(vertex), device=device)
    equations = ShapeEquations.empty(vertex, len(looks), len(shapes.deltas) + 1)
    for row, look in enumerate(looks):
        after, v = (
            objective.motion_at(torch.tensor([look.frame], device=device)),
            look.picture.vertex,
        )
        change, _ = point_motions(shapes.neutral[v], shapes.deltas[:, v], look.motion)
        left = look.picture.after(change @ _difference(after, look.motion))
        moving = place[v] >= 0
        equations.weights[row, :-1], equations.weights[row, -1] = after.weights[0], 1.0
        equations.put(row, place[v[moving]], left.stiffness[moving], left.pull[moving])
    share = rig.prior.trust
    trusted = equations.trusted(share)
    freedom = _freedom(objective, shapes, looks, trusted, share)
    rig.take(solve_shapes(trusted, rig.changes, rig.unknowns(), freedom))


def _freedom(
    objective: Objective, shapes: Shapes, looks: list[_Look], equations: ShapeEquations,
    share: float,
) -> MotionFreedom:  # fmt: skip
    """Of the performance, one for all frames near a knot; `share` is what points count.

    The motion has just been solved, so the forces upon it (pictures, points, neighbours, prior) are
    in balance: that the shapes' equations take it to be at rest holds as far as it has converged.
    """
    seen, config, marks, model = objective.seen, objective.config, objective.marks, objective.model
    frames = torch.tensor([look.frame for look in looks], device=seen.camera.device)
    knot = (model.clocks(seen.camera[frames], seen.times_s[frames]) * config.knot_rate_hz).round()
    _, group = torch.unique(knot, return_inverse=True)
    groups, count = int(group.max()) + 1, len(shapes.deltas)
    rest = torch.einsum("pcx,pc->px", shapes.neutral[marks.corners], marks.share)
    deltas = torch.einsum("kpcx,pc->kpx", shapes.deltas[:, marks.corners], marks.share)
    of_points = rigid_and_blended(rest + model.mark_offsets, deltas)
    points = torch.zeros(groups, *looks[0].points.shape, device=frames.device)
    for one, look in zip(group.tolist(), looks, strict=True):
        points[one] += share * look.points
    pressed = torch.einsum("gpxy,pyu->gpxu", points, of_points.reshape(-1, 3, count + 6))
    held = of_points.T @ pressed.flatten(1, 2)
    weights = equations.weights[:, :count]
    index = group[:, None].expand_as(weights)
    top = torch.zeros_like(held[:, 0, :count]).scatter_reduce(0, index, weights, "amax")
    low = torch.ones_like(top).scatter_reduce(0, index, weights, "amin")
    stiff = held.new_full((groups, count + 6), 1e-3)
    stiff[:, :count] = 1 / config.motion.weight_sigma**2
    stiff[:, :count][(top < _AT_END) | (low > 1 - _AT_END)] = _HELD
    v = equations.vertex
    directions = rigid_and_blended(shapes.neutral[v], shapes.deltas[:, v])
    return MotionFreedom.of(directions, group, equations.stiffness, held + torch.diag_embed(stiff))


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
) -> list[_Look]:
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
        found.append(_Look(frame, one, equations, points.stiffness))
    return found


def _difference(after: Motion, before: Motion) -> Tensor:
    """(K + 6,) of one moment each."""
    parts = [
        after.weights - before.weights, after.rotation - before.rotation,
        after.translation - before.translation,
    ]  # fmt: skip
    return torch.cat(parts, 1)[0]
