"""What first meshes lack, regressed on how the pictures moved them.

Pictures move a mesh across its surface alone, and say nothing of places along smooth skin. But how
they moved it, all over the head, says whose head it is, and people are alike in more than a linear
model fitted to maps tells: ridge regression (Hoerl and Kennard 1970, "Ridge Regression: Biased
Estimation for Nonorthogonal Problems") from the moves, and from the corrections that maps agree on,
to what is left, through control vertices and of low rank.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.errors import InputError
from mien_training.capture.coarse.control_vertices import control_vertices
from mien_training.capture.coarse.upsampling import biharmonic_upsampling
from mien_training.capture.learning.moment_reading import MomentReading
from mien_training.capture.refinement.mesh_levels import skin_vertices
from mien_training.capture.refinement.mesh_samples import mesh_samples
from mien_training.head import Template
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["LinearStep", "LinearStepConfig", "fit_linear_step", "learnt_starts"]

Float64Array = NDArray[np.float64]

_MM = 1e3
_LEAST = 1e-6
_MOST_M = 0.01
"""Corrections of maps beyond this are mistakes."""


@dataclass(frozen=True)
class LinearStepConfig:
    """How the regression is made."""

    controls: int = 800
    """Vertices through which it goes."""
    rank: int = 48
    """Of the map from what is told to what is left."""
    ridge: float = 1.0
    """Weight of small coefficients, in mean variances of what is told; 0 would learn moments by
    heart."""

    def __post_init__(self) -> None:
        if self.controls < 4 or self.rank < 1 or not self.ridge > 0:
            raise InputError(
                f"LinearStepConfig: controls {self.controls}, rank {self.rank}, ridge "
                f"{self.ridge}, expected 4 or more, 1 or more, above 0"
            )


class LinearStep(nn.Module):
    """Of the template's skin, K vertices; does nothing until it is fitted."""

    chosen: Tensor
    controls: Tensor
    triangles: Tensor
    canonical: Tensor
    upsampling: Tensor
    told: Tensor
    """(6 C) means of what is told of C control vertices: moves, then corrections; millimetres."""
    into: Tensor
    """(R, 6 C)"""
    out: Tensor
    """(3 C, R) millimetres."""
    left: Tensor
    """(K, 3) mean of what is left, millimetres."""
    off: Tensor
    """(K,) mean distance after it of strangers that had no part in the fit, millimetres."""

    def __init__(self, template: Template, config: LinearStepConfig) -> None:
        super().__init__()
        self.config = config
        chosen, count = skin_vertices(template), config.controls
        controls = control_vertices(template, count)
        upsampling = biharmonic_upsampling(template.vertices, template.triangles, controls)
        for name, value in {
            "chosen": chosen, "triangles": template.triangles.astype(np.int64),
            "canonical": template.vertices, "upsampling": upsampling[chosen].astype(np.float32),
            "controls": np.searchsorted(chosen, controls),
        }.items():  # fmt: skip
            self.register_buffer(name, torch.from_numpy(value), persistent=False)
        for name, shape in {
            "told": (6 * count,), "into": (config.rank, 6 * count), "out": (3 * count, config.rank),
            "left": (len(chosen), 3), "off": (len(chosen),),
        }.items():  # fmt: skip
            self.register_buffer(name, torch.zeros(shape))

    @torch.no_grad()
    def forward(self, reading: MomentReading) -> Tensor:
        """(K, 3) how the skin of a first mesh is to move, head space, metres."""
        smooth = self.upsampling @ (self.out @ self.about(reading)).reshape(-1, 3)
        return (smooth + self.left) / _MM

    @torch.no_grad()
    def about(self, reading: MomentReading) -> Tensor:
        """(R,) the numbers that it reads off a moment."""
        return self.into @ (self.telling(reading) - self.told)

    def expected_m(self) -> NDArray[np.float32]:
        """(K,) `off`, metres."""
        return np.asarray(self.off.cpu().numpy() / _MM, np.float32)

    def applied(self, reading: MomentReading) -> MomentReading:
        """With that in its first mesh."""
        return moved_by(reading, self.chosen.cpu().numpy(), self(reading).cpu().numpy())

    @torch.no_grad()
    def telling(self, reading: MomentReading) -> Tensor:
        """(6 C) of control vertices, millimetres."""
        maps, cameras = reading.seen(None, self.canonical)
        start, fitted = (
            torch.from_numpy(value).to(self.canonical) for value in (reading.start, reading.fitted)
        )
        own = self.chosen[self.controls]
        samples = mesh_samples(
            start, self.triangles, own, self.canonical, maps, cameras, reading.side,
            self.canonical.new_zeros(1),
        )  # fmt: skip
        corrections = samples.closest.clamp(-_MOST_M, _MOST_M)
        return _MM * torch.cat([(start - fitted)[own].flatten(), corrections.flatten()])


def moved_by(
    reading: MomentReading, chosen: NDArray[np.int64], step: NDArray[np.float32]
) -> MomentReading:
    """A reading whose first mesh has moved by (K, 3) at vertices (K,)."""
    start = reading.start.copy()
    start[chosen] += step
    return replace(reading, start=start)


def fit_linear_step(
    step: LinearStep, readings: Sequence[Path], report: Report = silent
) -> NDArray[np.float32]:
    """Fits it to moments whose truth is known; (N, K, 3) what it makes of each of them when that
    moment has no part in the fit, metres: what a stage after it is to learn from.

    readings: files of `MomentReading.write`. Raises InputError for fewer than three.
    """
    if len(readings) < 3:
        raise InputError(f"fit_linear_step: {len(readings)} moments, expected three or more")
    chosen, controls = step.chosen.cpu().numpy(), step.controls.cpu().numpy()
    told, left = [], []
    for number, path in enumerate(readings):
        reading = MomentReading.read(path)
        told.append(step.telling(reading).cpu().double().numpy())
        left.append(_MM * (reading.truth - reading.start)[chosen].astype(np.float64))
        report(Progress("fitting the linear step", number + 1, len(readings)))
    mean = np.mean(left, 0)
    X = np.stack(told) - np.mean(told, 0)
    Y = np.stack([(row - mean)[controls].ravel() for row in left])
    gram = X @ X.T
    # Where nothing is told, what is left is a mean.
    weight = step.config.ridge * max(np.trace(gram) / len(gram), _LEAST)
    inverse = np.linalg.inv(gram + weight * np.eye(len(gram)))
    fit = gram @ inverse
    rows = np.linalg.svd(fit @ Y, full_matrices=False)[2][: step.config.rank]
    found = {
        "told": np.mean(told, 0), "left": mean, "out": _padded(rows, step.config.rank).T,
        "into": _padded(rows @ Y.T @ inverse.T @ X, step.config.rank),
    }  # fmt: skip
    for name, value in found.items():
        buffer = getattr(step, name)
        buffer.copy_(torch.from_numpy(np.ascontiguousarray(value)))
    # Of a linear fit with an intercept, what a row is told by the others follows in closed form.
    own = (np.diag(fit) + 1 / len(gram))[:, None]
    without = Y - (Y - fit @ Y) / (1 - own)
    smooth = (without @ rows.T @ rows).reshape(len(Y), -1, 3)
    steps = step.upsampling.cpu().double().numpy() @ smooth + mean
    step.off.copy_(torch.from_numpy(np.linalg.norm(left - steps, axis=2).mean(0)))
    return np.asarray(steps / _MM, np.float32)


def learnt_starts(
    step: LinearStep, readings: Sequence[Path], report: Report = silent
) -> Callable[[Path], MomentReading]:
    """Fits it, and returns how to read moments with it applied: those that it was fitted to as if
    they had had no part in that, which is how it meets others."""
    chosen = step.chosen.cpu().numpy()
    own = dict(zip(readings, fit_linear_step(step, readings, report), strict=True))

    def read(path: Path) -> MomentReading:
        reading = MomentReading.read(path)
        return moved_by(reading, chosen, own[path]) if path in own else step.applied(reading)

    return read


def _padded(rows: Float64Array, count: int) -> Float64Array:
    """(count, ...) with rows of zeros: few moments have fewer directions."""
    return np.concatenate([rows, np.zeros((count - len(rows), *rows.shape[1:]))])
