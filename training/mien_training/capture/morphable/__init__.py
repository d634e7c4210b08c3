"""A linear model of heads in motion, fitted in closed form: the baseline, and where nets start."""

from mien_training.capture.morphable.fit_landmarks import fit_landmarks
from mien_training.capture.morphable.fit_maps import fit_maps
from mien_training.capture.morphable.linear_heads import LinearHeads
from mien_training.capture.morphable.morphable_fit import FitConfig, MorphableFit
from mien_training.capture.morphable.sampled_heads import sampled_heads

__all__ = [
    "FitConfig", "LinearHeads", "MorphableFit", "fit_landmarks", "fit_maps", "sampled_heads",
]  # fmt: skip
