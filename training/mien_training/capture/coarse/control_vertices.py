"""Few vertices that stand for all."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mien.errors import InputError
from mien_training.head import MATERIALS, Template
from mien_training.templates.regions import face_region

__all__ = ["control_vertices", "farthest_points"]

Int64Array = NDArray[np.int64]

_FACE_DENSITY = 2.0
"""How many times closer control vertices lie on the face, which moves, than on the rest: errors of
upsampling halve there, and hardly change elsewhere."""


def control_vertices(template: Template, count: int = 400) -> Int64Array:
    """(count,) vertices of the template's skin, closer together on the face.

    The first n of more are those of fewer. Raises InputError for more than there are.
    """
    skin = np.unique(template.triangles[template.triangle_material == MATERIALS.index("skin")])
    density = np.where(face_region(template)[skin], _FACE_DENSITY, 1.0)
    return skin[farthest_points(template.vertices[skin], count, density)].astype(np.int64)


def farthest_points(
    points: ArrayLike, count: int, density: ArrayLike | None = None, first: int = 0
) -> Int64Array:
    """(count,) indices of points (N, 3), each the farthest from those before it.

    Farthest point sampling (Eldar et al. 1997, "The Farthest Point Strategy for Progressive Image
    Sampling") in straight distance, which counts `density` (N,) times as much where points are to
    lie closer. Raises InputError for more than there are distinct points.
    """
    at = np.asarray(points, np.float64)
    if at.ndim != 2 or at.shape[1] != 3 or not 0 <= first < len(at) or not 1 <= count <= len(at):
        raise InputError(
            f"farthest_points: points {at.shape}, count {count}, first {first}, expected (N, 3), "
            "1..N, 0..N-1"
        )
    weight = np.ones(len(at)) if density is None else np.asarray(density, np.float64)
    if weight.shape != (len(at),) or not (weight > 0).all():
        raise InputError(f"farthest_points: density {weight.shape}, expected (N,), above 0")
    weight = np.square(weight)
    chosen = np.empty(count, np.int64)
    far = np.full(len(at), np.inf)
    chosen[0] = first
    for i in range(1, count):
        far = np.minimum(far, weight * np.square(at - at[chosen[i - 1]]).sum(1))
        chosen[i] = far.argmax()
        if far[chosen[i]] == 0:
            raise InputError(f"farthest_points: only {i} distinct points, expected {count}")
    return chosen
