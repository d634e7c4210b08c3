"""A synthetic person's recordings, with the truth kept apart from what a fit may see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.footage.observations import CameraRecording

__all__ = ["Footage", "ViewTruth"]


@dataclass(frozen=True, eq=False)
class ViewTruth:
    """What was really there when a camera's frames were taken; for measuring only."""

    offset_s: float
    """Common time minus the camera's clock, seconds."""
    weights: NDArray[np.float32]
    """(T, K) blendshape weights in 0..1."""
    world_from_head: NDArray[np.float64]
    """(T, 4, 4) rigid motion of the skull, metres."""

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or self.world_from_head.shape != (len(self.weights), 4, 4):
            raise InputError(
                f"ViewTruth: weights {self.weights.shape} and world_from_head "
                f"{self.world_from_head.shape}, expected (T, K) and (T, 4, 4)"
            )


@dataclass(frozen=True, eq=False)
class Footage:
    """One performance by one or more cameras."""

    views: tuple[CameraRecording, ...]
    """What each camera delivers; the world is rig space at rest."""
    truth: tuple[ViewTruth, ...]
    """One per view; hand `views` alone to a fit."""
    shape_names: tuple[str, ...]
    """K names of `ViewTruth.weights`."""
    rate_hz: float
    """Frames per second of every camera."""

    def __post_init__(self) -> None:
        if not self.views or len(self.views) != len(self.truth):
            raise InputError(
                f"Footage: {len(self.views)} views and {len(self.truth)} truths, expected as many, "
                "at least one"
            )
        for view, truth in zip(self.views, self.truth, strict=True):
            expected = (len(view.times_s), len(self.shape_names))
            if truth.weights.shape != expected:
                raise InputError(f"Footage: weights {truth.weights.shape}, expected {expected}")
