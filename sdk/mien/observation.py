"""What drives a session at one moment, checked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.rotation import IDENTITY, quaternion_from_rotation_vector, unit_quaternion
from mien.tracker.face_track import FaceTrack
from mien.tracker.features import LARGEST_FEATURE, FeatureLayout, driver_features, is_bounded

__all__ = ["Observation", "Source", "head_rotation", "observed"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Observation:
    """What is known of the driver at one moment.

    >>> session = mien.load(SPHERE).session(neutral=np.zeros(55))
    >>> session.step(Observation(np.zeros(55), presence=0.75), time_s=0.0).confidence
    0.75
    """

    features: Float32Array | None
    """(F,) raw features in the character's layout; None: no face is seen."""
    presence: float = 1.0
    """The tracker's confidence that it is a face, 0..1."""
    head_rotation_xyzw: NDArray[np.floating] | None = None
    """(4,) head relative to the camera; None: taken from the features' head_rotation."""
    head_translation_m: NDArray[np.floating] | None = None
    """(3,) head in y-up camera axes, metres; None: unknown."""


Source = Observation | FaceTrack | NDArray[np.floating] | None
"""What `Session.step` takes: a tracked face, raw features (F,), an Observation, or no face."""


def observed(source: Source, layout: FeatureLayout, min_presence: float) -> Observation | None:
    """The source as a checked Observation; None where no face is.

    Raises InputError for features that do not fit the layout and values that are not finite.
    """
    if isinstance(source, FaceTrack):
        if not source.presence >= min_presence:
            return None
        source = Observation(
            driver_features(source, layout),
            source.presence,
            source.head_rotation_xyzw,
            source.head_translation_m,
        )
    elif source is not None and not isinstance(source, Observation):
        source = Observation(np.asarray(source))
    if source is None or source.features is None:
        return None
    if not 0 <= source.presence <= 1:
        raise InputError(f"session: presence is {source.presence}, expected 0 to 1")
    try:
        with np.errstate(over="ignore"):  # a float64 too large for float32 is refused below
            features = np.asarray(source.features, np.float32)
    except (TypeError, ValueError):
        raise InputError(f"session: features are {type(source.features).__name__}") from None
    if features.shape != (layout.size,):
        groups = ", ".join(f"{name} {size}" for name, size in layout.names_and_sizes)
        raise InputError(
            f"session: features have shape {features.shape}, expected ({layout.size},): {groups}"
        )
    if not is_bounded(features):
        where = int(np.flatnonzero(~(np.abs(features) <= LARGEST_FEATURE))[0])
        raise InputError(
            f"session: feature {where} is {features[where]}, expected finite values within "
            f"+-{LARGEST_FEATURE:g}"
        )
    pose = (("head_rotation_xyzw", 4), ("head_translation_m", 3))
    for name, size in pose:
        value = getattr(source, name)
        if value is not None and (np.shape(value) != (size,) or not np.isfinite(value).all()):
            raise InputError(f"session: {name} must be {size} finite values")
    if source.presence < min_presence:
        return None
    return replace(source, features=features)


def head_rotation(seen: Observation, layout: FeatureLayout) -> Float32Array:
    """(4,) the head relative to the camera; identity where it is unknown."""
    if seen.head_rotation_xyzw is not None:
        return unit_quaternion(seen.head_rotation_xyzw).astype(np.float32)
    part = layout.slices.get("head_rotation")
    if part is None or seen.features is None:
        return IDENTITY.astype(np.float32)
    return quaternion_from_rotation_vector(seen.features[part]).astype(np.float32)
