"""One Gauss-Newton pass over the frames: the performance, time offsets, neutral, shapes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rig.model.motion import Motion, rotation_from_vector
from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.model.rest_pose import absorb_rest_pose
from mien_training.rig.photometric.motion_equations import (
    PointEquations,
    from_image,
    from_points,
)
from mien_training.rig.photometric.motion_marginalisation import (
    MotionMarginalisation,
    rigid_and_blended,
)
from mien_training.rig.photometric.motion_solver import MotionSolver
from mien_training.rig.photometric.objective import Objective
from mien_training.rig.photometric.shape_solver import ShapeEquations, solve_shapes
from mien_training.rig.photometric.shared_texture import SharedTexture
from mien_training.rig.photometric.surface_motion import PosedSurface, SurfaceMotion
from mien_training.rig.photometric.vertex_equations import VertexEquations, vertex_equations
from mien_training.rig.robust.frame_errors import FrameErrors, errors_of_render
from mien_training.rig.robust.occluders import find_occlusion
from mien_training.rig.robust.step_control import accept_step
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["gauss_newton_pass"]

_BATCH = 6
_MISPLACED_M = 0.003
"""Spread of the tracker's misplacement of a point, before anything is seen."""
_AT_END = 0.003
"""Weights so near 0 or 1 are held there."""
_HELD = 1e6


@dataclass(frozen=True, eq=False)
class _LinearisedFrame:
    """One frame, as the state before the pass explains it."""

    frame: int
    motion: Motion
    posed: PosedSurface
    """Of the vertices that the image shows."""
    vertices: VertexEquations
    """What the image says about small motions of the surface; none if its colours do not count."""
    points: Tensor
    """(478, 3, 3) hessian of the tracker's points, rig axes."""
    cost: Tensor
    """() of `FrameErrors`."""


def gauss_newton_pass(
    objective: Objective, frames: Tensor, personal_shapes: bool,
    report: Report = silent,
) -> FrameErrors:  # fmt: skip
    """Solve motion and time offsets, and with `personal_shapes` the rig, from frames (N,).

    Returns how far the frames are from what was seen once the motion is solved.

    Everything is linear about the present state. The rig is asked to explain only what the motion
    leaves, or both would take the same step; from one camera the poses then follow. report: is
    told of the frames done.
    """
    model = objective.model
    with torch.no_grad():
        shapes = model.rig(personal_shapes)
        solver = MotionSolver(
            model.motion, model.time_offsets, objective.config.motion, objective.weight_prior
        )
        surface = SurfaceMotion.of(shapes, objective.renderer.faces)
        linearised: list[_LinearisedFrame] = []
        bias = _LandmarkBias(model.landmark_bias)
        for part in torch.split(frames, _BATCH):
            linearised += _linearise(objective, shapes, surface, part, solver, bias)
            report(Progress("linearising", len(linearised), len(frames)))
        before = model.motion.controls()
        texture = SharedTexture.of(
            surface,
            [linear.posed for linear in linearised],
            [linear.vertices for linear in linearised],
            objective.config.motion.texture_held,
        )
        solver.step(texture)
        cost = torch.stack([linear.cost for linear in linearised])
        errors = accept_step(objective, shapes, frames, before, cost)
        bias.step()
        if personal_shapes:
            _solve_rig(objective, shapes, surface, texture, linearised)
        times = model.time_offsets(objective.seen.camera[frames], objective.seen.times_s[frames])
        share = objective.config.rest_quantile
        absorb_rest_pose(model.rig, model.motion, times, model.rests, share, personal_shapes)
    return errors


def _solve_rig(
    objective: Objective, shapes: Shapes, surface: SurfaceMotion, texture: SharedTexture,
    linearised: list[_LinearisedFrame],
) -> None:  # fmt: skip
    """Solve shapes and neutral, from frames linearised before the motion was solved.

    The neutral is solved along so that its error, which all frames share, does not go into the
    shapes. From several cameras it is then left as it is: gradient steps see its depth, outline
    and shading. One camera sees depth by motion alone, and the poses give way with it, for a
    deeper face under a flatter one's poses fits no frame. The weights do not: shapes and weights
    change each other's meaning, and would drift off together. Only images push it: the tracker's
    points, which know the depth of a mean face, hold the poses but do not pull.
    """
    rig, spline = objective.model.rig, objective.model.motion
    device = shapes.neutral.device
    shown = torch.zeros(len(shapes.neutral), dtype=torch.bool, device=device)
    for linear in linearised:
        shown[linear.vertices.vertex] = True
    vertex = (shown & (rig.falloff[..., 0].amax(0) > 0)).nonzero()[:, 0]
    place = torch.full((len(shapes.neutral),), -1, device=device)
    place[vertex] = torch.arange(len(vertex), device=device)
    frames = torch.tensor([linear.frame for linear in linearised], device=device)
    motion = objective.motion_at(frames)
    change = [_difference(motion.row(n), one.motion) for n, one in enumerate(linearised)]
    coloured = torch.zeros_like(shapes.neutral)
    coloured[texture.vertex] = texture.best_colours(torch.stack(change))
    always = motion.weights.new_ones(len(frames), 1)
    equations = ShapeEquations.empty(vertex, torch.cat([motion.weights, always], 1))
    for row, linear in enumerate(linearised):
        v = linear.vertices.vertex
        left = linear.vertices.after(surface.moved(linear.posed, change[row]), coloured[v])
        moving = place[v] >= 0
        equations.put(row, place[v[moving]], left.hessian[moving, :3, :3], left.rhs[moving, :3])
    cameras = len(objective.seen.views.intrinsics)
    weighted = equations.weighted(rig.evidence(cameras)[vertex])
    knots, marginalisation = _marginalisation(
        objective, shapes, linearised, weighted, rig.prior.evidence_of(cameras)
    )
    alone = cameras == 1
    now = rig.unknowns(people=alone)
    found = solve_shapes(weighted, rig.changes, now, marginalisation)
    if alone:
        poses = marginalisation.poses(-weighted.force(rig.changes(found - now)[:, vertex]))
        colours = torch.tensor([len(linear.vertices.vertex) > 0 for linear in linearised])
        heard = torch.unique(marginalisation.group[colours.to(device)])
        spline.move(knots[heard], poses[heard])
    rig.take(found, neutral=alone)


def _marginalisation(
    objective: Objective, shapes: Shapes, linearised: list[_LinearisedFrame],
    equations: ShapeEquations, share: float,
) -> tuple[Tensor, MotionMarginalisation]:  # fmt: skip
    """Knots (G,) and what all frames near one share of the performance; `share`: how much the
    tracker's points count, as in `ShapeEquations.weighted`.

    The motion has just been solved, so the forces upon it (images, points, neighbours, prior) are
    in balance: that the shapes' equations take it to be at rest holds as far as it has converged.
    """
    seen, landmark_points, model = (
        objective.seen,
        objective.landmark_points,
        objective.model,
    )
    frames = torch.tensor([linear.frame for linear in linearised], device=seen.camera.device)
    times = model.time_offsets(seen.camera[frames], seen.times_s[frames])
    knot = model.motion.knots.at(times)[0].round()
    knots, group = torch.unique(knot, return_inverse=True)
    groups, count = len(knots), len(shapes.deltas)
    rest = torch.einsum(
        "pcx,pc->px", shapes.neutral[landmark_points.corners], landmark_points.share
    )
    deltas = torch.einsum(
        "kpcx,pc->kpx", shapes.deltas[:, landmark_points.corners], landmark_points.share
    )
    of_points = rigid_and_blended(rest + model.landmark_bias, deltas)
    points = torch.zeros(groups, *linearised[0].points.shape, device=frames.device)
    for one, linear in zip(group.tolist(), linearised, strict=True):
        points[one] += share * linear.points
    hessian_motions = torch.einsum("gpxy,pyu->gpxu", points, of_points.reshape(-1, 3, count + 6))
    held = of_points.T @ hessian_motions.flatten(1, 2)
    weights = equations.weights[:, :count]
    index = group[:, None].expand_as(weights)
    top = torch.zeros_like(held[:, 0, :count]).scatter_reduce(0, index, weights, "amax")
    low = torch.ones_like(top).scatter_reduce(0, index, weights, "amin")
    prior = held.new_full((groups, count + 6), 1e-3)
    precision = torch.from_numpy(objective.weight_prior.precision).to(held)
    held[:, :count, :count] += precision
    prior[:, :count][(top < _AT_END) | (low > 1 - _AT_END)] = _HELD
    v = equations.vertex
    directions = rigid_and_blended(shapes.neutral[v], shapes.deltas[:, v])
    return knots, MotionMarginalisation.of(
        directions, group, equations.hessian, held + torch.diag_embed(prior)
    )


class _LandmarkBias:
    """Equations of how far the tracker always misplaces each of its points on this person."""

    def __init__(self, offsets: Tensor) -> None:
        """offsets (478, 3), metres, rig axes."""
        self.offsets = offsets
        self.hessian = torch.eye(3, device=offsets.device).repeat(len(offsets), 1, 1)
        self.hessian /= _MISPLACED_M**2
        self.rhs = -offsets / _MISPLACED_M**2

    def add(self, points: PointEquations) -> None:
        """One frame."""
        self.hessian = self.hessian + points.hessian
        self.rhs = self.rhs + points.rhs

    def step(self) -> None:
        """Half the way: the motion goes the other half."""
        self.offsets += 0.5 * torch.linalg.solve(self.hessian, self.rhs)


def _linearise(
    objective: Objective, shapes: Shapes, surface: SurfaceMotion, frames: Tensor,
    solver: MotionSolver, bias: _LandmarkBias,
) -> list[_LinearisedFrame]:  # fmt: skip
    """Render frames (B,) and add what they say to the equations of motion and of landmark bias."""
    seen, config, landmark_points = (
        objective.seen,
        objective.config.motion,
        objective.landmark_points,
    )
    camera = seen.camera[frames]
    times = objective.model.time_offsets(camera, seen.times_s[frames])
    motion = objective.model.motion(times)
    vertices = shapes.posed(motion)
    images = seen.images[frames].float() / 255
    rendered = objective.renderer(
        vertices, seen.views, camera, objective.model.appearance, images, smooth_edges=False
    )
    where = objective.compared(rendered, frames)
    difference = rendered.colour - images
    occlusion = find_occlusion(difference.norm(dim=-1), where)
    turn = rotation_from_vector(motion.rotation)
    confidence = objective.point_confidence(vertices, turn, frames)
    errors = errors_of_render(objective, frames, vertices, difference, where, occlusion)
    normals = vertex_normals(vertices, objective.renderer.faces)
    found = []
    for i, frame in enumerate(frames.tolist()):
        c, one = int(camera[i]), motion.row(i)
        equations = VertexEquations.none(images)
        if objective.uses_pixels[frame]:
            shading = partial(
                objective.renderer.shading_slopes,
                vertices[i],
                normals[i],
                seen.views,
                camera[i],
                objective.model.appearance,
            )
            equations = vertex_equations(
                rendered.row(i), images[i], where[i], occlusion.weight[i], objective.renderer.faces,
                vertices[i], seen.views.camera_from_world[c], seen.views.intrinsics[c],
                turn[i], config.colour_sigma, shading if config.shading else None,
            )  # fmt: skip
        points = from_points(
            shapes, one, seen, frame, landmark_points.corners, landmark_points.share,
            objective.model.landmark_bias, confidence[i],
            config.point_sigma * objective.face_px[frame], config.effective_point_count,
        )  # fmt: skip
        bias.add(points)
        posed = PosedSurface.of(
            equations.vertex, vertices[i], normals[i], one.rotation[0], one.translation[0]
        )
        of_image = from_image(surface.moves(posed), equations)
        solver.add(c, times[i], of_image + points.motion())
        found.append(_LinearisedFrame(frame, one, posed, equations, points.hessian, errors.cost[i]))
    return found


def _difference(after: Motion, before: Motion) -> Tensor:
    """(K + 6,) of one moment each."""
    parts = [
        after.weights - before.weights, after.rotation - before.rotation,
        after.translation - before.translation,
    ]  # fmt: skip
    return torch.cat(parts, 1)[0]
