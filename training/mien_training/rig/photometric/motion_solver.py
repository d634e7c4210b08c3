"""One Gauss-Newton step of the whole performance: every knot of the spline, and time offsets.

A frame speaks about four knots of the motion's spline, so the normal equations of all knots are a
band and are solved exactly, however long the recording is; the few time offsets are a border of
the band. One pass over the frames is worth dozens of gradient steps (Thies et al. 2016,
"Face2Face", section 5).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import solveh_banded
from torch import Tensor

from mien.errors import InputError
from mien_training.rig.model.motion import MotionSpline, TimeOffsets
from mien_training.rig.model.weight_prior import WeightPrior, WeightPriorConfig
from mien_training.rig.photometric.motion_equations import MotionEquations

__all__ = ["MotionSolver", "MotionSolverConfig"]

_SUPPORT = 4
"""Knots that share a frame: the spline is cubic."""
_OFFSET_SIGMA_S = 0.01
"""Spread of one step's change of a time offset."""
_PASSES = 4
"""Solves in which knots found beyond the range are held at its end."""


@dataclass(frozen=True)
class MotionSolverConfig:
    """What the residuals of one frame are worth."""

    colour_sigma: float = 0.5
    """Spread of a colour difference, sRGB 0..1; neighbours err alike, so it is far above noise."""
    point_sigma: float = 0.02
    """Spread of the tracker's points, in sizes of the face."""
    effective_point_count: float = 20.0
    """As how many independent points the tracker's 478 count: they err together."""
    weights: WeightPriorConfig = field(default_factory=WeightPriorConfig)
    """How blendshape weights go together, at every knot."""
    step_sigma: float = 0.3
    """Spread of one step's change of weights; rotations a tenth (rad), translations a fiftieth."""

    def __post_init__(self) -> None:
        sigmas = (self.colour_sigma, self.point_sigma, self.step_sigma)
        if not (min(sigmas) > 0 and self.effective_point_count >= 0):
            raise InputError(
                f"MotionSolverConfig: spreads {sigmas} and effective_point_count "
                f"{self.effective_point_count}, "
                "expected spreads above 0 and a count of 0 or more"
            )


class MotionSolver:
    """Gathers frames, then steps; unknowns of a knot: weights, rotation, translation."""

    def __init__(
        self, spline: MotionSpline, time_offsets: TimeOffsets, config: MotionSolverConfig,
        prior: WeightPrior,
    ) -> None:  # fmt: skip
        self.spline, self.time_offsets, self.config = spline, time_offsets, config
        self.prior = prior
        self._count = spline.weights.shape[1]
        knots, unknowns, others = len(spline.weights), self._count + 6, len(time_offsets.others)
        # Of each row's knot, and of the knots before it.
        self._blocks = np.zeros((knots, _SUPPORT, unknowns, unknowns))
        self._rhs = np.zeros((knots, unknowns))
        self._border = np.zeros((knots, unknowns, others))
        self._corner, self._corner_rhs = np.zeros((others, others)), np.zeros(others)

    def add(self, camera: int, time_s: Tensor, equations: MotionEquations) -> None:
        """What a frame of `camera`, taken at time_s () of the common clock, says."""
        index, basis = self.spline.basis(time_s[None])
        first, share = int(index[0, 0]), basis[0].double().cpu().numpy()
        matrix = equations.matrix.double().cpu().numpy()
        rhs = equations.rhs.double().cpu().numpy()
        for a in range(_SUPPORT):
            self._rhs[first + a] += share[a] * rhs
            for b in range(a + 1):
                self._blocks[first + a, a - b] += share[a] * share[b] * matrix
        if camera and self.time_offsets.learnt:
            velocity = self.spline.velocity(time_s[None])[0].double().cpu().numpy()
            hessian_velocity = matrix @ velocity
            for a in range(_SUPPORT):
                self._border[first + a, :, camera - 1] += share[a] * hessian_velocity
            self._corner[camera - 1, camera - 1] += velocity @ hessian_velocity
            self._corner_rhs[camera - 1] += velocity @ rhs

    def step(self) -> None:
        """Move spline and time offsets to the minimum of what was added, weights within 0..1."""
        controls = self.spline.controls().double().cpu().numpy()
        goal = np.full_like(controls, np.nan)
        for _ in range(_PASSES):
            change, offset_change = self._solve(controls, goal)
            wish = controls + change
            found = wish.copy()
            found[:, : self._count] = wish[:, : self._count].clip(0, 1)
            beyond = (np.abs(found - wish) > 1e-6) & np.isnan(goal)
            if not beyond.any():
                break
            goal[beyond] = found[beyond]  # others then know that this one goes no farther
        self.spline.take(torch.from_numpy(found))
        if len(offset_change):
            self.time_offsets.shift(torch.from_numpy(offset_change))

    def _solve(
        self, controls: NDArray[np.float64], goal: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Changes of the knots, (N, K + 6), going to `goal` where that is no NaN; and of the time
        offsets, (C - 1,) seconds."""
        knots, unknowns = controls.shape
        spread = np.full(unknowns, self.config.step_sigma)
        spread[self._count : self._count + 3] /= 10
        spread[self._count + 3 :] /= 50
        diagonal = np.tile(1 / spread**2, (knots, 1))
        rhs = self._rhs.copy()
        rhs[:, : self._count] += self.prior.force(controls[:, : self._count])
        held = ~np.isnan(goal)
        penalty = 1e6 * (np.abs(self._blocks[:, 0]).max() + diagonal.max())
        diagonal[held] += penalty
        rhs[held] += penalty * (goal - controls)[held]
        blocks = self._blocks.copy()
        i = np.arange(unknowns)
        blocks[:, 0, i, i] += diagonal
        blocks[:, 0, : self._count, : self._count] += self.prior.precision
        columns = np.concatenate(
            [rhs.reshape(-1, 1), self._border.reshape(knots * unknowns, -1)], 1
        )
        found = solveh_banded(_banded(blocks), columns, lower=True, overwrite_ab=True)
        change, leverage = found[:, 0], found[:, 1:]
        offset_change = np.zeros(leverage.shape[1])
        if self.time_offsets.learnt and len(offset_change):
            border = columns[:, 1:]
            prior = np.eye(len(offset_change)) / _OFFSET_SIGMA_S**2
            schur = self._corner + prior - border.T @ leverage
            offset_change = np.linalg.solve(schur, self._corner_rhs - border.T @ change)
            change = change - leverage @ offset_change
        return change.reshape(knots, unknowns), offset_change


def _banded(blocks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 4, U, U) blocks (row's knot, how many knots before it) -> LAPACK's lower band."""
    knots, support, unknowns, _ = blocks.shape
    band = np.zeros((support * unknowns, knots * unknowns))
    row, column = np.meshgrid(np.arange(unknowns), np.arange(unknowns), indexing="ij")
    for back in range(min(support, knots)):
        offset = back * unknowns + row - column
        inside = offset >= 0
        for knot in range(back, knots):
            at = (knot - back) * unknowns + column[inside]
            band[offset[inside], at] = blocks[knot, back][inside]
    return band
