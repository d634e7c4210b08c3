"""Pixels in; landmarks, expression scores, head pose and deep features out. ONNX nets only."""

from mien.tracker.face_nets import FaceNets
from mien.tracker.face_track import FaceTrack
from mien.tracker.features import (
    FEATURE_GROUPS,
    FeatureLayout,
    driver_features,
    estimate_neutral,
    subtract_neutral,
)
from mien.tracker.roi import RotatedBox, box_around_landmarks
from mien.tracker.tracker import Tracker

__all__ = [
    "FEATURE_GROUPS",
    "FaceNets",
    "FaceTrack",
    "FeatureLayout",
    "RotatedBox",
    "Tracker",
    "box_around_landmarks",
    "driver_features",
    "estimate_neutral",
    "subtract_neutral",
]
