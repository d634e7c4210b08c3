"""How long the unit of a calibration is, from the size of the face that its cameras see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras.camera import Camera
from mien_training.cameras.triangulate import triangulate
from mien_training.geometry.alignment import fit_alignment
from mien_training.head import Template

__all__ = ["metres_per_unit"]

Float64Array = NDArray[np.float64]


def metres_per_unit(template: Template, cameras: list[Camera], pixels: Float64Array) -> float:
    """Length of the cameras' unit, for a face as large as the template's.

    pixels (C, 478, 2): the tracker's points in images of one moment. Raises InputError where
    fewer than two cameras see the face.
    """
    places = template.landmarks.positions(template.vertices, template.triangles)
    points = triangulate(cameras, pixels)
    known = np.isfinite(points).all(1) & np.isfinite(places).all(1)
    if known.sum() < 50:
        raise InputError(
            "metres_per_unit: a world of unknown unit needs the face in two cameras at one moment"
        )
    return fit_alignment(points[known], places[known], "similarity").scale
