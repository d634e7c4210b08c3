"""Eyes, teeth and the inside of the mouth go where the skin around them goes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from mien_training.anatomy.rigid_parts import RigidParts
from mien_training.head import MATERIALS, Template

__all__ = ["carry_with_skin"]

Float64Array = NDArray[np.float64]

_NEAREST = 8


def carry_with_skin(template: Template, displacement: Float64Array) -> Float64Array:
    """(V, 3) of a displacement (V, 3) that is known where there is skin.

    Eyeballs, and teeth with the tongue, move as wholes (`RigidParts`); what else is no skin, as
    the skin that is nearest on the template does on average.
    """
    near, share, parts = _carriers(template)
    moved = displacement.copy()
    rest = _rest(template)
    moved[rest] = (displacement[near] * share[..., None]).sum(1)
    with torch.no_grad():
        return np.asarray(parts(torch.from_numpy(moved).float()).double().numpy())


@lru_cache(maxsize=2)
def _carriers(template: Template) -> tuple[NDArray[np.int64], Float64Array, RigidParts]:
    rest = _rest(template)
    skin = np.setdiff1d(np.arange(len(template.vertices)), rest)
    distance, near = cKDTree(template.vertices[skin]).query(template.vertices[rest], _NEAREST)
    share = 1 / np.maximum(distance, 1e-3)
    return skin[near], share / share.sum(1, keepdims=True), RigidParts(template)


def _rest(template: Template) -> NDArray[np.int64]:
    skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    return np.setdiff1d(np.arange(len(template.vertices)), skin).astype(np.int64)
