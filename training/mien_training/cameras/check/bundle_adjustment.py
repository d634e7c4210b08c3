"""Cameras corrected by what all of them saw: bundle adjustment with points eliminated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError
from mien_training.cameras.camera import Camera
from mien_training.cameras.check.sightings import (
    CHANGES,
    Linearised,
    Sightings,
    changed_camera,
    linearise,
)

__all__ = ["AdjustConfig", "AdjustedCameras", "adjust_cameras", "sighting_weights"]

Float64Array = NDArray[np.float64]

_HALVINGS = 6
_STILL = 1e-5
"""Relative fall of the objective below which nothing more is to be gained."""
_FIXED = 1e12


@dataclass(frozen=True)
class AdjustConfig:
    """How cameras are corrected."""

    focal: bool = False
    """Correct focal lengths too."""
    noise_m: float = 0.0035
    """Standard deviation of a sighting along each axis of the image, as a distance at the head,
    metres: that of dense correspondence."""
    worth: float = 8.0
    """How many independent sightings a camera's of one moment are worth: neighbours err alike."""
    anchor_m: float = 0.02
    """How far points may be from where they are thought to be, metres; little is known of the
    depth of what one camera sees."""
    change_m: float = 0.01
    """How far cameras are thought to be off, as the offset of a head in each kind of change: turn,
    shift and focal length look alike, and the least change is taken that explains what is seen."""
    steps: int = 20
    """Gauss-Newton steps at most."""

    def __post_init__(self) -> None:
        sizes = self.noise_m, self.anchor_m, self.change_m
        if not all(0 < s < 10 for s in sizes) or not self.worth > 0 or self.steps < 1:
            raise InputError(
                f"{self}: expected noise_m, anchor_m, change_m and worth above 0, steps 1 or more"
            )


@dataclass(frozen=True, eq=False)
class AdjustedCameras:
    """What was found; the world's frame and unit are not fixed (`align_rig` does that)."""

    cameras: tuple[Camera, ...]
    """C."""
    points: Float64Array
    """(P, 3) world, metres."""
    changes: Float64Array
    """(C, CHANGES) of each camera, about `pivot`."""
    pivot: Float64Array
    """(3,) world."""
    objective: Float64Array
    """(I,) after each step, the start's first; it never rises."""


def adjust_cameras(
    seen: Sightings,
    config: AdjustConfig | None = None,
    change_m: ArrayLike | None = None,
    start: AdjustedCameras | None = None,
) -> AdjustedCameras:
    """Gauss-Newton over changes d_c of cameras and points x_p together:

    sum w rho(|predicted - seen|) + sum |x_p - x0_p|^2 / anchor^2 + sum |d_c / D_c|^2

    with rho of Geman and McClure at three times the noise. change_m (C,): each camera's own, in
    place of the config's; start: of the same sightings, where to go on from. Points are eliminated
    by the Schur complement (Triggs et al. 2000, "Bundle Adjustment - A Modern Synthesis", section
    6.1); a step that would raise the objective is halved. Raises InputError for fewer than two
    cameras with sightings.
    """
    config = config or AdjustConfig()
    if len(np.unique(seen.camera)) < 2:
        raise InputError(
            f"adjust_cameras: {len(np.unique(seen.camera))} of {len(seen.cameras)} cameras saw "
            "something, expected at least two"
        )
    given = np.asarray(config.change_m if change_m is None else change_m, np.float64)
    solver = _Solver(seen, config, np.broadcast_to(given, (len(seen.cameras),)))
    state = _State(np.zeros((len(seen.cameras), CHANGES)), seen.points)
    if start is not None:
        state = _State(start.changes, start.points)
    lines, cost = solver.at(state)
    history = [cost]
    for _ in range(config.steps):
        step = solver.step(state, lines)
        for _ in range(_HALVINGS):
            tried = _State(state.changes + step.changes, state.points + step.points)
            new_lines, new = solver.at(tried)
            if new <= cost:
                break
            step = _State(step.changes / 2, step.points / 2)
        else:
            break
        fell = cost - new
        state, lines, cost = tried, new_lines, new
        history.append(cost)
        if fell <= _STILL * cost:
            break
    return AdjustedCameras(
        solver.cameras(state), state.points, state.changes, solver.pivot, np.array(history)
    )


def sighting_weights(seen: Sightings, scale: Float64Array, config: AdjustConfig) -> Float64Array:
    """(N,) what a squared pixel of each sighting counts: all of a camera's of one moment together
    are worth `config.worth`. scale (N,): `Linearised.scale`."""
    group = seen.camera + len(seen.cameras) * seen.moment[seen.point]
    total = np.bincount(group, seen.weight, len(seen.cameras) * max(seen.moments, 1))
    share = np.minimum(1.0, config.worth / np.maximum(total, 1e-9))[group]
    return np.asarray(seen.weight * share / (np.maximum(scale, 1e-9) * config.noise_m) ** 2)


@dataclass(frozen=True, eq=False)
class _State:
    changes: Float64Array
    points: Float64Array


class _Solver:
    def __init__(self, seen: Sightings, config: AdjustConfig, change_m: Float64Array) -> None:
        self.seen, self.config = seen, config
        used = np.unique(seen.point)
        self.pivot = np.asarray(seen.points[used].mean(0))
        first = linearise(seen, seen.cameras, seen.points, self.pivot)
        self.weights = sighting_weights(seen, first.scale, config) * first.valid
        # The points' own share of what is known is as small as that of their sightings.
        counted = np.bincount(seen.point, self.weights * first.scale**2, len(seen.points))
        views = np.bincount(seen.point, seen.weight, len(seen.points))
        mean = counted / np.maximum(views, 1e-9) * config.noise_m**2
        self.anchor = np.maximum(mean, 1e-6) / config.anchor_m**2
        self.prior = self._prior(first, change_m)

    def _prior(self, lines: Linearised, change_m: Float64Array) -> Float64Array:
        """(C, CHANGES) inverse variances: a change that moves the head's image as far as
        `change_m` would is one standard deviation."""
        prior = np.full((len(self.seen.cameras), CHANGES), _FIXED)
        for c in range(len(prior)):
            own = (self.seen.camera == c) & lines.valid
            if own.any():
                moved = np.sqrt((lines.by_camera[own] ** 2).sum(1).mean(0))
                prior[c] = (moved / (change_m[c] * lines.scale[own].mean())) ** 2
        if not self.config.focal:
            prior[:, 6] = _FIXED
        return prior

    def cameras(self, state: _State) -> tuple[Camera, ...]:
        return tuple(
            changed_camera(camera, change, self.pivot)
            for camera, change in zip(self.seen.cameras, state.changes, strict=True)
        )

    def at(self, state: _State) -> tuple[Linearised, float]:
        lines = linearise(self.seen, self.cameras(state), state.points, self.pivot)
        d2 = (lines.residual**2).sum(1)
        edge = (3 * self.config.noise_m * np.maximum(lines.scale, 1e-9)) ** 2
        robust = float(self.weights @ (edge * d2 / (edge + d2)))
        moved = ((state.points - self.seen.points) ** 2).sum(1)
        return lines, robust + float(self.anchor @ moved + (self.prior * state.changes**2).sum())

    def step(self, state: _State, lines: Linearised) -> _State:
        seen, count = self.seen, len(self.seen.cameras)
        d2 = (lines.residual**2).sum(1)
        edge = (3 * self.config.noise_m * np.maximum(lines.scale, 1e-9)) ** 2
        weight = self.weights / (1 + d2 / edge) ** 2
        by_point, by_camera = lines.by_point, lines.by_camera
        points = len(seen.points)
        # (P, 3, 3) and (P, 3), cameras' (C, 7, 7) and (C, 7), and what joins them.
        weighted = (weight[:, None, None] * by_point).transpose(0, 2, 1)
        own = _summed(weighted @ by_point, seen.point, points)
        own += self.anchor[:, None, None] * np.eye(3)
        pull = _summed((weighted @ lines.residual[:, :, None])[..., 0], seen.point, points)
        pull += self.anchor[:, None] * (state.points - seen.points)
        turned = (weight[:, None, None] * by_camera).transpose(0, 2, 1)
        view = _summed(turned @ by_camera, seen.camera, count)
        view[:, range(CHANGES), range(CHANGES)] += self.prior
        push = _summed((turned @ lines.residual[:, :, None])[..., 0], seen.camera, count)
        push += self.prior * state.changes
        blocks = np.zeros((points * count, 3, CHANGES))
        np.add.at(blocks, seen.point * count + seen.camera, weighted @ by_camera)
        by_view = blocks.reshape(points, count, 3, CHANGES).transpose(0, 2, 1, 3)
        joined = by_view.reshape(points, 3, count * CHANGES)
        inverse = np.linalg.inv(own)
        carried = inverse @ joined
        hessian = np.zeros((count * CHANGES, count * CHANGES))
        for c in range(count):
            rows = slice(c * CHANGES, (c + 1) * CHANGES)
            hessian[rows, rows] = view[c]
        flat = joined.reshape(-1, count * CHANGES)
        hessian -= flat.T @ carried.reshape(-1, count * CHANGES)
        rhs = push.ravel() - flat.T @ np.einsum("pij,pj->pi", inverse, pull).ravel()
        # All numbers of one size: the prior's deviations are the natural unit.
        unit = 1 / np.sqrt(self.prior.ravel())
        changes = -unit * np.linalg.solve(hessian * unit * unit[:, None], rhs * unit)
        moved = -np.einsum("pij,pj->pi", inverse, pull) - carried @ changes
        return _State(changes.reshape(count, CHANGES), moved)


def _summed(values: Float64Array, group: NDArray[np.int64], count: int) -> Float64Array:
    """(count, ...) sums of (N, ...) by group (N,)."""
    flat = values.reshape(len(values), int(np.prod(values.shape[1:])))
    sums = [np.bincount(group, column, count).astype(np.float64) for column in flat.T]
    return np.stack(sums, 1).reshape(count, *values.shape[1:])
