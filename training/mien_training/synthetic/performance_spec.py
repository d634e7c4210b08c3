"""What somebody does in front of the camera: generated, drawn, or read from a clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.channels import ARKIT_CHANNELS
from mien.clip import Clip
from mien.errors import InputError
from mien_training.synthetic.performance import (
    generate_performance,
    random_posed_weights,
    random_sparse_weights,
)

__all__ = ["Performance", "PerformanceSpec"]

KINDS = ("performance", "posed", "sparse", "clip")


@dataclass(frozen=True, eq=False)
class Performance:
    """T frames of it."""

    weights: NDArray[np.float32]
    """(T, 52) in 0..1, ARKIT_CHANNELS order."""
    angles: NDArray[np.float64]
    """(T, 3) yaw, pitch, roll of the head, radians."""
    times_s: NDArray[np.float64]
    """(T,) seconds."""
    in_time: bool
    """Whether frames follow each other; if not, each stands for itself."""


@dataclass(frozen=True)
class PerformanceSpec:
    """How performances are drawn."""

    kind: str = "performance"
    """performance: a sequence at `rate_hz`; posed: single moments of many performances; sparse:
    independent faces of few channels; clip: rows of `clip`."""
    frames: int = 40
    """How many images each camera takes."""
    rate_hz: float = 30.0
    """Images per second of a sequence."""
    clip: str = ""
    """File of a Clip for kind `clip`."""
    clip_start: int = 0
    """First row of that clip."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(
                f"PerformanceSpec: kind {self.kind!r}, expected performance, posed, sparse or clip"
            )
        if self.frames < 1 or not self.rate_hz > 0:
            raise InputError(
                f"PerformanceSpec: frames {self.frames}, rate_hz {self.rate_hz}, expected above 0"
            )

    def draw(self, seed: int) -> Performance:
        """A function of the spec, the clip's content and the seed alone."""
        channels = len(ARKIT_CHANNELS)
        if self.kind in ("sparse", "posed"):
            rng = np.random.default_rng((seed, 6))
            angles = rng.uniform(-1, 1, (self.frames, 3)) * [0.42, 0.26, 0.15]
            draw = random_sparse_weights if self.kind == "sparse" else random_posed_weights
            times = np.arange(self.frames) / self.rate_hz
            return Performance(draw(seed, self.frames), angles, times, False)
        motion = generate_performance(seed, self.frames / self.rate_hz, self.rate_hz)
        weights, times = motion.values[:, :channels], motion.times_s
        if self.kind == "clip":  # the clip's face on the generated head motion
            rows = slice(self.clip_start, self.clip_start + self.frames)
            source = Clip.read(Path(self.clip)).select(ARKIT_CHANNELS, missing=0.0)
            weights = source.values[rows].clip(0, 1)
            times = source.times_s[rows] - source.times_s[self.clip_start]
        head = motion.values[: len(weights), channels : channels + 3].astype(np.float64)
        return Performance(weights, head, times, True)
