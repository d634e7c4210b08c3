"""Frames that have left their basin go back to where the tracker's points put them.

Pixels tell millimetres once the face lies on itself to a few pixels; a face that lies beside
itself is pulled anywhere. Points are never that precise and rarely that far off: where the tracker
itself errs, as it does on a face seen from the side, a frame has not left its basin, and going to
its points makes it worse. Such frames stay.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mien_training.rig.model.motion import Motion, rotation_from_vector
from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.photometric.motion_equations import from_points
from mien_training.rig.photometric.objective import Objective
from mien_training.rig.robust.frame_errors import frame_errors
from mien_training.rig.robust.step_control import accept_step

__all__ = ["motion_from_points", "restart_frames"]

_STEPS = 12
_FREE = 1e-3
"""Of the diagonal: damping of steps (Levenberg)."""
_POSE_SIGMA = 10.0


def restart_frames(
    objective: Objective, shapes: Shapes, frames: Tensor, lost: Tensor, reference: Motion,
    cost: Tensor,
) -> Tensor:  # fmt: skip
    """Put the spline where the points of frames[lost] are, and leave it at all other frames.

    frames (B,), lost (B,) bool, cost (B,): of `FrameErrors`, as the frames are now; reference: of
    every frame of the recording, near enough in pose. Returns (B,) which of the lost ones cost less
    now. The others stay, and so does whatever shares knots with a frame that would suffer.
    """
    seen, model = objective.seen, objective.model
    spline, chosen = model.motion, frames[lost]
    rows = (reference.weights[chosen], reference.rotation[chosen], reference.translation[chosen])
    with torch.no_grad():
        new = motion_from_points(objective, shapes, chosen, Motion(*rows))
        everywhere = torch.arange(len(seen.camera), device=seen.camera.device)
        now, before = objective.motion_at(everywhere), spline.controls()
        parts = (
            old.index_copy(0, chosen, put)
            for old, put in (
                (now.weights, new.weights), (now.rotation, new.rotation),
                (now.translation, new.translation),
            )
        )  # fmt: skip
        spline.fit_samples(model.time_offsets(seen.camera, seen.times_s), Motion(*parts))
        spline.weights.clamp_(0, 1)
        change = spline.controls() - before
        dearer = frame_errors(objective, shapes, chosen).cost >= cost[lost]
        share = torch.zeros(len(before), 1, device=before.device)
        share[objective.knots_of(chosen).flatten()] = 1.0
        share[objective.knots_of(chosen[dearer]).flatten()] = 0.0
        spline.take(before + share * change)
        near = (share[objective.knots_of(frames), 0] > 0).any(1)
        found = cost.clone()
        found[near] = accept_step(objective, shapes, frames[near], before, cost[near]).cost
    return lost & (found < cost)


def motion_from_points(
    objective: Objective, shapes: Shapes, frames: Tensor, start: Motion
) -> Motion:
    """The performance in frames (B,) that the tracker's points show best, by Gauss-Newton steps.

    start (B, ...): near enough in pose. The weights' prior is that of the whole fit.
    """
    seen, config, points = objective.seen, objective.config.motion, objective.landmark_points
    found = []
    for row, frame in enumerate(frames.tolist()):
        now, one = start.row(row), frames[row : row + 1]
        count = now.weights.shape[1]
        sigma = now.weights.new_full((count + 6,), _POSE_SIGMA)
        precision = torch.from_numpy(objective.weight_prior.precision).to(sigma)
        for _ in range(_STEPS):
            turn = rotation_from_vector(now.rotation)
            posed = shapes.posed(now)
            sure = objective.point_confidence(posed, turn, one)[0]
            equations = from_points(
                shapes, now, seen, frame, points.corners, points.share,
                objective.model.landmark_bias, sure,
                config.point_sigma * objective.face_px[frame], config.effective_point_count,
            ).motion()  # fmt: skip
            prior = torch.zeros_like(equations.rhs)
            prior[:count] = precision @ now.weights[0]
            matrix = equations.matrix + torch.diag(1 / sigma**2)
            matrix[:count, :count] += precision
            matrix = matrix + _FREE * torch.diag(matrix.diagonal())
            step = torch.linalg.solve(matrix, equations.rhs - prior)
            now = Motion(
                (now.weights + step[:count]).clamp(0, 1),
                now.rotation + step[count : count + 3],
                now.translation + step[count + 3 :],
            )
        found.append(now)
    return Motion(
        torch.cat([m.weights for m in found]), torch.cat([m.rotation for m in found]),
        torch.cat([m.translation for m in found]),
    )  # fmt: skip
