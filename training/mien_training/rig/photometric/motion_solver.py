"""One Gauss-Newton step of the whole performance: every knot of the spline, and time offsets.

A frame speaks about four knots of the motion's spline, so the normal equations of all knots are a
band and are solved exactly, however long the recording is; the few time offsets are a border of
the band. The texture, which all frames share, would fill the band: motion and colours take turns.
One pass over the frames is worth dozens of gradient steps (Thies et al. 2016, "Face2Face",
section 5).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.errors import InputError
from mien_training.rig.model.block_band import BlockBand
from mien_training.rig.model.motion import MotionSpline, TimeOffsets
from mien_training.rig.model.weight_prior import WeightPrior, WeightPriorConfig
from mien_training.rig.photometric.motion_equations import MotionEquations
from mien_training.rig.photometric.shared_texture import SharedTexture

__all__ = ["MotionSolver", "MotionSolverConfig"]

Float64Array = NDArray[np.float64]

_SUPPORT = 4
"""Knots that share a frame: the spline is cubic."""
_OFFSET_SIGMA_S = 0.01
"""Spread of one step's change of a time offset."""
_TURNS = 2
"""How often motion and colours take turns in a step; the passes go on where it ends."""
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
    """Spread of one step's change of weights; rotations a tenth (rad), translations a fiftieth.
    Longer steps make images better and weights worse, for neutral and shapes are not right yet."""

    shading: bool = True
    """False: pixels say how the surface moves, not how it turns; for comparison."""
    texture_held: float = 0.05
    """How surely the texture is what it was, in weights of all frames; inf believes it as it is."""

    def __post_init__(self) -> None:
        sigmas = (self.colour_sigma, self.point_sigma, self.step_sigma)
        counts = (self.effective_point_count, self.texture_held)
        if not (all(s > 0 for s in sigmas) and all(c >= 0 for c in counts)):
            raise InputError(
                f"MotionSolverConfig: spreads {sigmas} and effective_point_count "
                f"{self.effective_point_count}, texture_held {self.texture_held}, "
                "expected spreads above 0, a count and a weight of 0 or more"
            )


@dataclass(frozen=True, eq=False)
class _Frame:
    """What `add` was given."""

    camera: int
    first: int
    """Knot."""
    share: Float64Array
    """(4,) of the knots from `first` on."""
    velocity: Float64Array
    """(K + 6,) per second."""
    matrix: Float64Array
    """(K + 6, K + 6)"""
    rhs: Float64Array
    """(K + 6,)"""


class MotionSolver:
    """Gathers frames, then steps; unknowns of a knot: weights, rotation, translation."""

    def __init__(
        self, spline: MotionSpline, time_offsets: TimeOffsets, config: MotionSolverConfig,
        prior: WeightPrior,
    ) -> None:  # fmt: skip
        self.spline, self.time_offsets, self.config = spline, time_offsets, config
        self.prior = prior
        self._frames: list[_Frame] = []

    def add(self, camera: int, time_s: Tensor, equations: MotionEquations) -> None:
        """What a frame of `camera`, taken at time_s () of the common clock, says."""
        index, basis = self.spline.basis(time_s[None])
        parts = (basis[0], self.spline.velocity(time_s[None])[0], equations.matrix, equations.rhs)
        arrays = (part.double().cpu().numpy() for part in parts)
        self._frames.append(_Frame(camera, int(index[0, 0]), *arrays))

    def step(self, texture: SharedTexture | None = None) -> None:
        """Move spline and time offsets to the minimum of what was added, weights within 0..1.

        With `texture`, of the same frames, the surface's colours are free to follow.
        """
        controls = self.spline.controls().double().cpu().numpy()
        system = _System(self._frames, controls, self.time_offsets, self.config, self.prior)
        found, offset_change = controls, np.zeros(len(self.time_offsets.others))
        for _ in range(1 if texture is None else _TURNS):
            rhs = system.rhs_of_frames
            if texture is not None:
                change = system.change_of_frames(found - controls, offset_change)
                at = torch.from_numpy(change).to(texture.basis)
                explained = texture.motion_rhs(texture.best_colours(at))
                rhs = rhs - explained.double().cpu().numpy()
            found, offset_change = system.solve_bounded(rhs)
        self.spline.take(torch.from_numpy(found))
        if len(offset_change):
            self.time_offsets.shift(torch.from_numpy(offset_change))


class _System:
    """The normal equations of N knots, and of the time offsets, from F frames."""

    def __init__(
        self, frames: list[_Frame], controls: Float64Array, time_offsets: TimeOffsets,
        config: MotionSolverConfig, prior: WeightPrior,
    ) -> None:  # fmt: skip
        """controls (N, K + 6): of the spline now."""
        self.frames, self.controls, self.prior = frames, controls, prior
        self.learnt = time_offsets.learnt
        knots, unknowns = controls.shape
        self.count = unknowns - 6
        self.index = np.array([f.first for f in frames], int)[:, None] + np.arange(_SUPPORT)
        self.share = np.array([f.share for f in frames]).reshape(-1, _SUPPORT)
        self.band = BlockBand.zeros(knots, unknowns, _SUPPORT)
        others = len(time_offsets.others)
        self.border = np.zeros((knots, unknowns, others))
        self.corner = np.zeros((others, others))
        self.rhs_of_frames = np.array([f.rhs for f in frames]).reshape(-1, unknowns)
        for frame in frames:
            self.band.add(frame.first, frame.share, frame.matrix)
            self._add_clock(frame)
        spread = np.full(unknowns, config.step_sigma)
        spread[self.count : self.count + 3] /= 10
        spread[self.count + 3 :] /= 50
        own = np.diag(1 / spread**2)
        own[: self.count, : self.count] += prior.precision
        self.band.blocks[:, 0] += own

    def solve_bounded(self, rhs_of_frames: Float64Array) -> tuple[Float64Array, Float64Array]:
        """(N, K + 6) control values, weights within 0..1, and (C - 1,) changes of the time offsets,
        seconds, for right-hand sides (F, K + 6) of the frames."""
        goal = np.full_like(self.controls, np.nan)
        rhs = self._rhs_of_knots(rhs_of_frames)
        clock_rhs = np.zeros(self.border.shape[2])
        for frame, one in zip(self.frames, rhs_of_frames, strict=True):
            if frame.camera and self.learnt:
                clock_rhs[frame.camera - 1] += frame.velocity @ one
        for _ in range(_PASSES):
            change, offset_change = self._solve(goal, rhs, clock_rhs)
            wish = self.controls + change
            found = wish.copy()
            found[:, : self.count] = wish[:, : self.count].clip(0, 1)
            beyond = (np.abs(found - wish) > 1e-6) & np.isnan(goal)
            if not beyond.any():
                break
            goal[beyond] = found[beyond]  # others then know that this one goes no farther
        return found, offset_change

    def change_of_frames(self, change: Float64Array, offset_change: Float64Array) -> Float64Array:
        """(F, K + 6) at the frames, of changes (N, K + 6) of the knots and (C - 1,) of the time
        offsets."""
        found: Float64Array = np.einsum("fa,fau->fu", self.share, change[self.index])
        for row, frame in enumerate(self.frames):
            if frame.camera and len(offset_change):
                found[row] += frame.velocity * offset_change[frame.camera - 1]
        return found

    def _rhs_of_knots(self, rhs_of_frames: Float64Array) -> Float64Array:
        """(N, K + 6), with the prior's."""
        total = np.zeros_like(self.controls)
        np.add.at(total, self.index, self.share[..., None] * rhs_of_frames[:, None])
        total[:, : self.count] += self.prior.force(self.controls[:, : self.count])
        return total

    def _add_clock(self, frame: _Frame) -> None:
        if not (frame.camera and self.learnt):
            return
        hessian_velocity = frame.matrix @ frame.velocity
        column = frame.camera - 1
        for a in range(_SUPPORT):
            self.border[frame.first + a, :, column] += frame.share[a] * hessian_velocity
        self.corner[column, column] += frame.velocity @ hessian_velocity

    def _solve(
        self, goal: Float64Array, rhs: Float64Array, clock_rhs: Float64Array
    ) -> tuple[Float64Array, Float64Array]:
        """Changes of the knots, (N, K + 6), going to `goal` where that is no NaN; and of the time
        offsets, (C - 1,) seconds."""
        held = ~np.isnan(goal)
        penalty = 1e6 * np.abs(self.band.blocks[:, 0]).max()
        rhs = rhs.copy()
        rhs[held] += penalty * (goal - self.controls)[held]
        band = self.band.with_diagonal(np.where(held, penalty, 0.0))
        found = band.solve(np.concatenate([rhs[..., None], self.border], 2))
        change, leverage = found[..., 0], found[..., 1:]
        offset_change = np.zeros(leverage.shape[2])
        if self.learnt and len(offset_change):
            prior = np.eye(len(offset_change)) / _OFFSET_SIGMA_S**2
            schur = self.corner + prior - np.einsum("nua,nub->ab", self.border, leverage)
            force = clock_rhs - np.einsum("nua,nu->a", self.border, change)
            offset_change = np.linalg.solve(schur, force)
            change = change - leverage @ offset_change
        return change, offset_change
