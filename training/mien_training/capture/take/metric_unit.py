"""The unit of a calibration that does not know it, from the face in the first moments."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.tracker import Tracker
from mien_training.cameras import Camera
from mien_training.cameras.undistort import undistort_in_strips
from mien_training.capture.take.multi_view_take import MultiViewTake
from mien_training.footage.metric_scale import metres_per_unit
from mien_training.head import Template
from mien_training.runs.progress import Progress, Report, silent

__all__ = ["FindFace", "face_points", "take_in_metres"]

FindFace = Callable[[NDArray[np.uint8], Camera], NDArray[np.float64]]
"""A picture (H, W, 3) and its camera -> the tracker's 478 points, pixels of the picture without
distortion; NaN without a face."""

_MOMENTS, _ENOUGH = 30, 5
"""Moments that are looked at, and that are enough with a face in two cameras or more."""


def face_points(image: NDArray[np.uint8], camera: Camera) -> NDArray[np.float64]:
    """`FindFace` by the tracker."""
    faces = Tracker(focal_px=float(camera.K[0, 0])).track(undistort_in_strips(image, camera))
    if not faces:
        return np.full((478, 2), np.nan)
    return np.asarray(faces[0].landmarks[:, :2], np.float64)


def take_in_metres(
    take: MultiViewTake, template: Template, find: FindFace = face_points, report: Report = silent
) -> MultiViewTake:
    """The take with cameras in metres: itself where the calibration knows its unit; else the
    median over moments of the unit that makes the face as large as the template's.

    Raises InputError, naming the calibration's field, where none of the first moments shows the
    face to two cameras.
    """
    if take.unit_m is not None:
        return take
    units: list[float] = []
    first = range(min(len(take), _MOMENTS))
    for moment in take.moments(first):
        report(Progress("looking for the unit", moment.number, len(first)))
        pixels = [find(image, c) for image, c in zip(moment.images, take.cameras, strict=True)]
        try:
            units.append(metres_per_unit(template, list(take.cameras), np.stack(pixels)))
        except InputError:
            continue
        if len(units) == _ENOUGH:
            break
    if not units:
        raise InputError(
            f"{take.calibration}: field 'unit_m' is not known, and none of the first {len(first)} "
            "moments shows a face to two cameras; expected a face, or the unit in metres"
        )
    return take.in_metres(float(np.median(units)))
