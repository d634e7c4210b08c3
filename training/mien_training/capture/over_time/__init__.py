"""Captured takes over time: pose told from shape, both smoothed, failed moments bridged."""

from mien_training.capture.over_time.smooth_take import (
    MomentState,
    TakeSmoother,
    TimeConfig,
    smooth_take,
)

__all__ = ["MomentState", "TakeSmoother", "TimeConfig", "smooth_take"]
