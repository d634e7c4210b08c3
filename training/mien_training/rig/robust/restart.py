"""Frames that have left their basin go back to where the tracker's points put them.

Pixels tell millimetres once the face lies on itself to a few pixels; a face that lies beside
itself is pulled anywhere. Points are never that precise and never that far off.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mien_training.rig.model.motion import Motion, rotation_from_vector
from mien_training.rig.model.personal_rig import Shapes
from mien_training.rig.photometric.motion_equations import from_points
from mien_training.rig.photometric.objective import Objective

__all__ = ["motion_from_points", "restart_frames"]

_STEPS = 12
_FREE = 1e-3
"""Of the diagonal: damping of steps (Levenberg)."""
_POSE_SIGMA = 10.0


def restart_frames(objective: Objective, shapes: Shapes, frames: Tensor, reference: Motion) -> None:
    """Put the spline where the points of frames (B,) are, and leave it at all other frames."""
    seen, model = objective.seen, objective.model
    rows = (reference.weights[frames], reference.rotation[frames], reference.translation[frames])
    with torch.no_grad():
        new = motion_from_points(objective, shapes, frames, Motion(*rows))
        everywhere = torch.arange(len(seen.camera), device=seen.camera.device)
        now = objective.motion_at(everywhere)
        parts = (
            old.index_copy(0, frames, put)
            for old, put in (
                (now.weights, new.weights), (now.rotation, new.rotation),
                (now.translation, new.translation),
            )
        )  # fmt: skip
        model.motion.fit_samples(model.time_offsets(seen.camera, seen.times_s), Motion(*parts))
        model.motion.weights.clamp_(0, 1)


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
