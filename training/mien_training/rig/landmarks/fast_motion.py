"""How densely a motion needs knots, from what the tracker saw of it.

The spline through the first stage's moments misses what is too fast for its knots: where it does,
knots are added, until it follows or there is one for every moment.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mien.errors import InputError
from mien_training.footage.landmark_visibility import LandmarkPoints
from mien_training.footage.observations import Observations
from mien_training.rig.model.knot_placement import KnotPlacement
from mien_training.rig.model.motion import Motion, MotionSpline
from mien_training.rig.model.personal_rig import Shapes

__all__ = ["KnotConfig", "knots_for"]

_ROUNDS = 6
_DENSER = 1.5
_FAST_POINTS = 0.9
"""Quantile over the face's points: a blink moves few of them."""


@dataclass(frozen=True)
class KnotConfig:
    """How closely the motion's spline follows."""

    slow_hz: float = 15.0
    """Knots per second where nothing is fast."""
    tolerance: float = 0.004
    """How far the spline may miss the first stage, in sizes of the face."""
    per_moment: float = 1.0
    """At most that many knots a moment."""

    def __post_init__(self) -> None:
        if not min(self.slow_hz, self.tolerance, self.per_moment) > 0:
            raise InputError(f"{self}: expected numbers above 0")


def knots_for(
    shapes: Shapes, found: Motion, times_s: Tensor, span_s: tuple[float, float],
    landmark_points: LandmarkPoints, seen: Observations, moment: Tensor, config: KnotConfig,
) -> KnotPlacement:  # fmt: skip
    """Knots from span_s[0] to span_s[1] for the motion found at (M,) moments, which are at times_s.

    moment (N,): that of each of the N frames.
    """
    gap = float(times_s.diff().median()) if len(times_s) > 1 else 1.0
    most = config.per_moment / gap
    if len(times_s) < 3 or most <= config.slow_hz:
        return KnotPlacement.uniform(*span_s, min(most, config.slow_hz))
    grid = torch.arange(span_s[0], span_s[1] + gap, gap, dtype=torch.float64)
    rate = torch.full_like(grid, config.slow_hz)
    size = (seen.points.amax(1) - seen.points.amin(1)).amax(1)
    there = _pixels(shapes, found, landmark_points, seen, moment)
    near = (times_s.double()[:, None] - grid).abs().argmin(1)
    for _ in range(_ROUNDS):
        spline = MotionSpline(KnotPlacement.of(grid, rate), found.weights.shape[1])
        spline.fit_samples(times_s, found)
        followed = _pixels(shapes, spline(times_s), landmark_points, seen, moment)
        miss = torch.quantile((followed - there).norm(dim=-1) / size[:, None], _FAST_POINTS, dim=1)
        late = near[moment[(miss > config.tolerance).nonzero()[:, 0]]]
        if not len(late) or float(rate.min()) >= most:
            break
        wanted = torch.zeros_like(grid)
        wanted[late] = 1.0
        # The spline's support is four knots: all that reach the moment are moved nearer.
        reach = int(2 / (config.slow_hz * gap)) | 1
        wanted = torch.nn.functional.max_pool1d(wanted[None], reach, 1, reach // 2)[0]
        rate = (rate * (1 + (_DENSER - 1) * wanted)).clamp_max(most)
    return KnotPlacement.of(grid, rate)


def _pixels(
    shapes: Shapes, motion: Motion, points: LandmarkPoints, seen: Observations, moment: Tensor
) -> Tensor:
    """(N, 478, 2) of the template's landmarks in every frame."""
    at_points = Shapes(points.positions(shapes.neutral[None])[0], points.positions(shapes.deltas))
    with torch.no_grad():
        return seen.views.pixels(seen.camera, at_points.posed(motion)[moment])
