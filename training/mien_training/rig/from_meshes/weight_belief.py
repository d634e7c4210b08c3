"""What is thought of the weights of a take before its meshes are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.clip import Clip
from mien.errors import InputError
from mien_training.footage.captured import CapturedMeshes
from mien_training.rig.from_meshes.config import MeshFitConfig
from mien_training.rig.from_meshes.mesh_motion import WeightBelief
from mien_training.rig.from_meshes.pose_script import PoseScript

__all__ = ["believed_weights", "scores_at"]

Float64Array = NDArray[np.float64]


def believed_weights(
    meshes: CapturedMeshes,
    shape_names: Sequence[str],
    config: MeshFitConfig,
    script: PoseScript | None = None,
    scores: Float64Array | None = None,
) -> tuple[WeightBelief, NDArray[np.bool_]]:
    """Of all T moments, and (T,) which of them the script is about.

    scores (T, K) of a tracker, by `scores_at`, count where the script says nothing; where neither
    does, weights are thought to be small. Raises InputError as `PoseScript.rows_of`, and for scores
    of another shape.
    """
    expected = (len(meshes), len(shape_names))
    mean, spread = np.zeros(expected), np.full(expected, config.unasked_spread)
    if scores is not None:
        if scores.shape != expected or not np.isfinite(scores).all():
            raise InputError(
                f"believed_weights: scores {scores.shape}, expected {expected}: moments, shapes, "
                "all finite"
            )
        mean, spread = scores.clip(0, 1), np.full(expected, config.asked_spread)
    asked = np.zeros(len(meshes), np.bool_)
    if script is not None:
        rows = script.rows_of(meshes)
        mean[rows], spread[rows] = script.of_shapes(shape_names), config.asked_spread
        asked[rows] = True
    return WeightBelief(mean, spread), asked


def scores_at(path: Path, meshes: CapturedMeshes, shape_names: Sequence[str]) -> Float64Array:
    """(T, K) of a recording of the same take, such as `mien track` makes, at the meshes' moments.

    Both clocks start with the first picture; channels that the recording lacks are 0. Raises
    InputError for a recording that ends before the meshes do.
    """
    clip = Clip.read(path)
    at = clip.times_s - clip.times_s[0]
    if meshes.time_s[-1] > at[-1] + 0.1:
        raise InputError(
            f"{path}: lasts {at[-1]:.2f} s, the meshes {meshes.time_s[-1]:.2f} s; expected scores "
            "of the same take"
        )
    values = clip.select(tuple(shape_names), missing=0.0).values
    return np.stack([np.interp(meshes.time_s, at, column) for column in values.T], 1).clip(0, 1)
