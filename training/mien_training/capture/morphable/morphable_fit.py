"""What a fit of the linear model is told, and what it finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.capture.localisation.robust_alignment import robust_alignment
from mien_training.capture.morphable.linear_heads import LinearHeads

__all__ = ["FitConfig", "MorphableFit", "fit_model"]

Float64Array = NDArray[np.float64]


@dataclass(frozen=True)
class FitConfig:
    """How much observations are believed beside the prior of heads."""

    noise_m: float = 0.004
    """Standard deviation of what is observed, across a ray, metres."""
    effective_points: float = 1000.0
    """How many independent observations all of them are worth: neighbouring pixels err alike. If
    there are fewer, their own number counts."""
    scale_m: float = 0.012
    """Distance beyond which an observation loses its say, metres."""
    steps: int = 15
    """Gauss-Newton steps at most."""

    def __post_init__(self) -> None:
        if not (0 < self.noise_m < 1 and 0 < self.scale_m < 1):
            raise InputError(
                f"FitConfig: noise_m {self.noise_m}, scale_m {self.scale_m}, expected 0..1"
            )
        if not self.effective_points > 0 or self.steps < 1:
            raise InputError(
                f"FitConfig: effective_points {self.effective_points}, steps {self.steps}, "
                "expected above 0 and 1 or more"
            )


@dataclass(frozen=True, eq=False)
class MorphableFit:
    """A head in the world."""

    world_from_head: Float64Array
    """(4, 4) rigid."""
    coefficients: Float64Array
    """(K,) of `LinearHeads`."""
    vertices: NDArray[np.float32]
    """(V, 3) world, metres."""
    residuals: Float64Array
    """(N,) distances of what was observed, metres."""
    objective: Float64Array
    """(I,) robust sum of squares and prior after each step, the start's first; never rises."""


def fit_model(
    model: LinearHeads,
    places: tuple[Float64Array, Float64Array],
    projectors: Float64Array,
    targets: Float64Array,
    certainty: Float64Array,
    world_from_head: Float64Array,
    config: FitConfig,
) -> MorphableFit:
    """Pose and coefficients together. places: `LinearHeads.at`; projectors (N, 3, 3), targets
    (N, 3), certainty (N,) as `robust_alignment` has them."""
    worth = min(config.effective_points, len(targets))
    weights = certainty * (worth / certainty.sum() / config.noise_m**2)
    start = (
        world_from_head[:3, :3], world_from_head[:3, 3], np.zeros(len(model.variances)),
    )  # fmt: skip
    fit = robust_alignment(
        *places, projectors, targets, weights, 1 / model.variances, start, config.scale_m,
        config.steps,
    )  # fmt: skip
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = fit.rotation, fit.translation
    placed = model.vertices(fit.coefficients).astype(np.float64) @ fit.rotation.T + fit.translation
    return MorphableFit(
        pose, fit.coefficients, placed.astype(np.float32), fit.residuals, fit.objective
    )
