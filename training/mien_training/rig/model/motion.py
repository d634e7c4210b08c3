"""One performance in continuous time, seen by cameras whose clocks disagree.

Frames of unsynchronised cameras show no common moments; a motion that is a function of time can be
asked at any. So the cameras' time offsets are unknowns like everything else (Ming et al. 2024,
"High-Quality Mesh Blendshape Generation from Face Videos", motion regressor).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mien.errors import InputError
from mien_training.rig.model.knot_placement import KnotPlacement

__all__ = ["Motion", "MotionSpline", "TimeOffsets", "left_jacobian", "rotation_from_vector"]


@dataclass(frozen=True, eq=False)
class Motion:
    """The performance at some moments."""

    weights: Tensor
    """(T, K) blendshape weights in 0..1."""
    rotation: Tensor
    """(T, 3) rotation vector of world_from_rig, radians."""
    translation: Tensor
    """(T, 3) metres."""

    def row(self, index: int) -> Motion:
        """One moment, (1, ...), without gradients."""
        rows = slice(index, index + 1)
        parts = (self.weights, self.rotation, self.translation)
        return Motion(*(part[rows].detach() for part in parts))


_RIDGE = 1e-6
"""Weight of squared first differences of control values, against 1 for a moment's residual."""


class MotionSpline(nn.Module):
    """Time -> blendshape weights and rigid pose: cubic B-splines, uniform in places of knots.

    Each control value acts on four knots' time only. A network over an encoding of time, as in
    the paper, moves all of a performance whenever one frame pulls at it.
    """

    def __init__(self, knots: KnotPlacement, shapes: int) -> None:
        """A still, neutral face."""
        super().__init__()
        self.knots = knots
        count = knots.controls
        self.weights = nn.Parameter(torch.zeros(count, shapes))
        self.rotation = nn.Parameter(torch.zeros(count, 3))
        self.translation = nn.Parameter(torch.zeros(count, 3))

    @classmethod
    def uniform(
        cls, start_s: float, end_s: float, shapes: int, knot_rate_hz: float
    ) -> MotionSpline:
        """With as many knots everywhere. Raises InputError for no duration."""
        if not end_s > start_s or not knot_rate_hz > 0:
            raise InputError(
                f"MotionSpline: from {start_s} s to {end_s} s at {knot_rate_hz} Hz, expected a "
                "duration and a rate"
            )
        return cls(KnotPlacement.uniform(start_s, end_s, knot_rate_hz), shapes)

    def forward(self, times_s: Tensor) -> Motion:
        """The performance at (T,) seconds, held at both ends; differentiable in them."""
        index, basis = self.basis(times_s)
        parts = [
            (basis[..., None] * control[index]).sum(1)
            for control in (self.weights, self.rotation, self.translation)
        ]
        return Motion(*parts)

    def fit_samples(self, times_s: Tensor, target: Motion, stiffness: float = 1e-3) -> None:
        """Become the least-squares spline through known moments (T,); closed form.

        `stiffness` weighs squared second differences of the control values, so that knots between
        moments are defined. Of one moment the spline is a constant. Raises InputError without any.
        """
        if not len(times_s):
            raise InputError("MotionSpline.fit_samples: no moments, expected at least one")
        with torch.no_grad():
            normal, design = self.normal_matrix(times_s, stiffness)
            for control, value in (
                (self.weights, target.weights),
                (self.rotation, target.rotation),
                (self.translation, target.translation),
            ):
                control.copy_(torch.linalg.solve(normal, design.T @ value.double()))

    def normal_matrix(self, times_s: Tensor, stiffness: float) -> tuple[Tensor, Tensor]:
        """(N, N) normal equations of `fit_samples` for N control values, and (T, N) design matrix.

        Second differences leave a straight line free, which one moment does not fix; a little of
        the first differences does.
        """
        index, basis = self.basis(times_s.double())
        count = len(self.weights)
        design = torch.zeros(len(times_s), count, dtype=torch.float64)
        design.scatter_(1, index, basis)
        slope = torch.eye(count, dtype=torch.float64).diff(n=1, dim=0)
        bend = slope.diff(n=1, dim=0)
        normal = design.T @ design + stiffness * bend.T @ bend + _RIDGE * slope.T @ slope
        return normal, design

    def velocity(self, times_s: Tensor) -> Tensor:
        """(T, K + 6) change per second of weights, rotation and translation."""
        cell, x = self._cell(times_s)
        _, rate = self.knots.at(times_s)
        slopes = [
            -((1 - x) ** 2) / 2,
            (3 * x**2 - 4 * x) / 2,
            (-3 * x**2 + 2 * x + 1) / 2,
            x**2 / 2,
        ]
        around = self.controls()[cell[:, None] + torch.arange(4, device=cell.device)]
        return rate[:, None] * (torch.stack(slopes, 1)[..., None] * around).sum(1)

    def controls(self) -> Tensor:
        """(N, K + 6) control values: weights, rotation, translation."""
        return torch.cat([self.weights, self.rotation, self.translation], 1).detach()

    def take(self, controls: Tensor) -> None:
        """Replace all control values, (N, K + 6)."""
        count = self.weights.shape[1]
        with torch.no_grad():
            self.weights.copy_(controls[:, :count])
            self.rotation.copy_(controls[:, count : count + 3])
            self.translation.copy_(controls[:, count + 3 :])

    def move(self, knots: Tensor, change: Tensor) -> None:
        """Turn and shift the head about its own axes: control values at (G,) increasing whole knots
        by (G, 6) radians and metres; in between and beyond as at their neighbours, nowhere
        without any."""
        if not len(knots):
            return
        place = torch.arange(len(self.rotation), dtype=knots.dtype, device=knots.device) - 1
        after = torch.searchsorted(knots, place).clamp(0, len(knots) - 1)
        before = (after - 1).clamp_min(0)
        gap = (knots[after] - knots[before]).clamp_min(1)
        share = ((place - knots[before]) / gap).clamp(0, 1)[:, None].to(change.dtype)
        step = torch.lerp(change[before], change[after], share)
        with torch.no_grad():
            world_from_rig = rotation_from_vector(self.rotation)
            turn, shift = (world_from_rig @ part[..., None] for part in torch.split(step, 3, dim=1))
            slopes = torch.stack([left_jacobian(one) for one in self.rotation])
            self.rotation.add_(torch.linalg.solve(slopes, turn)[..., 0])
            self.translation.add_(shift[..., 0])

    def basis(self, times_s: Tensor) -> tuple[Tensor, Tensor]:
        """(T, 4) control indices and their cubic weights."""
        cell, x = self._cell(times_s)
        cubes = [
            (1 - x) ** 3 / 6,
            (3 * x**3 - 6 * x**2 + 4) / 6,
            (-3 * x**3 + 3 * x**2 + 3 * x + 1) / 6,
            x**3 / 6,
        ]
        return cell[:, None] + torch.arange(4, device=cell.device), torch.stack(cubes, 1)

    def _cell(self, times_s: Tensor) -> tuple[Tensor, Tensor]:
        """(T,) first control that counts, and how far past its cell's start, in knots."""
        at, _ = self.knots.at(times_s)
        cell = at.detach().floor().long().clamp_max(len(self.weights) - 4)
        return cell, at - cell


class TimeOffsets(nn.Module):
    """How far each camera's clock is from the first camera's; the first one is right."""

    def __init__(self, cameras: int, learn: bool = True) -> None:
        """All at 0. `learn=False` freezes them, for comparison."""
        super().__init__()
        if cameras < 1:
            raise InputError(f"TimeOffsets: {cameras} cameras, expected 1 or more")
        self.learnt = learn
        self.others = nn.Parameter(torch.zeros(cameras - 1), requires_grad=False)

    @property
    def offsets_s(self) -> Tensor:
        """(C,) seconds to add to a camera's times; 0 for the first."""
        return torch.cat([self.others.new_zeros(1), self.others])

    def shift(self, change_s: Tensor) -> None:
        """Add (C - 1,) seconds to the offsets of all but the first."""
        with torch.no_grad():
            self.others.add_(change_s.to(self.others))

    def forward(self, camera: Tensor, times_s: Tensor) -> Tensor:
        """(T,) common time, seconds, of (T,) times on the clocks of (T,) cameras."""
        return times_s + self.offsets_s[camera]


def rotation_from_vector(vector: Tensor) -> Tensor:
    """(..., 3) rotation vectors, radians -> (..., 3, 3) matrices; smooth at 0 (Rodrigues)."""
    zero = torch.zeros_like(vector[..., 0])
    x, y, z = vector.unbind(-1)
    rows = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1)
    turn: Tensor = torch.linalg.matrix_exp(rows.reshape(*vector.shape, 3))
    return turn


def left_jacobian(vector: Tensor) -> Tensor:
    """(3, 3) world turn per change of a rotation vector (3,)."""
    angle = vector.norm()
    x, y, z = vector.unbind()
    zero = torch.zeros_like(x)
    k = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero]).reshape(3, 3)
    one = torch.eye(3, dtype=vector.dtype, device=vector.device)
    if angle < 1e-4:
        near_zero: Tensor = one + 0.5 * k
        return near_zero
    a, b = (1 - angle.cos()) / angle**2, (angle - angle.sin()) / angle**3
    jacobian: Tensor = one + a * k + b * k @ k
    return jacobian
