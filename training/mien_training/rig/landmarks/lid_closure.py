"""Blinks that are over before a motion's spline can follow: read from the tracker's lids.

A blink closes within one or two frames of a recording. Pixels of a closed eye are outliers to a fit
that has it open, and the spline's knots are two frames apart; the tracker's points on the rims of
the lids show it at once (as the eye closure loss of Feng et al. 2021, "Learning an Animatable
Detailed 3D Face Model from In-The-Wild Images", equation 5, uses them).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mien_training.footage.landmark_visibility import LandmarkPoints
from mien_training.footage.observations import Observations
from mien_training.head.landmark_sets import LID_PAIRS
from mien_training.rig.model.motion import Motion, rotation_from_vector
from mien_training.rig.model.personal_rig import Shapes

__all__ = ["close_lids"]

_MISSED, _SURELY = 0.15, 0.4
"""Weight by which the rims are more closed than the fit has it: below the first the fit is right,
above the second the rims are."""
_SEEN = 0.2
"""Confidence of a rim's points below which they tell nothing."""
_LEAST = 0.3
"""Share of its opening that a blink must close for the rims to tell its weight."""


def close_lids(
    shapes: Shapes, shape_names: Sequence[str], motion: Motion, landmark_points: LandmarkPoints,
    offsets: Tensor, seen: Observations,
) -> Motion:  # fmt: skip
    """Motion of N frames whose eyeBlink weights are raised where the tracker's lids are closed.

    shapes: neutral (V, 3) and deltas (K, V, 3), metres; offsets (478, 3): how far the tracker
    misplaces its points on this person, metres, rig space; seen: the N frames.
    """
    weights = motion.weights.clone()
    turn = rotation_from_vector(motion.rotation)
    rest = landmark_points.positions(shapes.neutral[None])[0] + offsets
    deltas = landmark_points.positions(shapes.deltas)

    def pixels(w: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 478, 2) pixels and (N, 478, 3) world points of weights (N, K)."""
        points = rest + torch.einsum("nk,kpx->npx", w, deltas)
        points = points @ turn.transpose(1, 2) + motion.translation[:, None]
        return seen.views.pixels(seen.camera, points), points

    for side, pairs in LID_PAIRS.items():
        name = f"eyeBlink{side}"
        rims = torch.tensor(pairs, device=weights.device)
        if name not in shape_names or not bool(landmark_points.present[rims].all()):
            continue
        k = shape_names.index(name)
        opened, closed = motion.weights.clone(), motion.weights.clone()
        opened[:, k], closed[:, k] = 0.0, 1.0
        open_px, points = pixels(opened)
        along = torch.nn.functional.normalize(_gaps(open_px, rims).mean(1, keepdim=True), dim=-1)
        wide, shut, found = (
            (_gaps(p, rims) * along).sum(-1).mean(1)
            for p in (open_px, pixels(closed)[0], seen.points)
        )
        told = (wide - found) / (wide - shut).clamp_min(1e-6)
        sure = (
            landmark_points.visibility(points, turn, seen.views, seen.camera)[:, rims].amin((1, 2))
            > _SEEN
        )
        sure = sure & (wide - shut > _LEAST * wide) & (wide > 0)
        missed = torch.where(sure, told.clamp(0, 1) - weights[:, k], torch.zeros_like(told))
        ramp = ((missed - _MISSED) / (_SURELY - _MISSED)).clamp(0, 1)
        weights[:, k] += ramp * ramp * (3 - 2 * ramp) * missed
    return Motion(weights, motion.rotation, motion.translation)


def _gaps(pixels: Tensor, rims: Tensor) -> Tensor:
    """(N, 3, 2) from the lower to the upper rim, of (N, 478, 2) and pairs (3, 2)."""
    return pixels[:, rims[:, 0]] - pixels[:, rims[:, 1]]
