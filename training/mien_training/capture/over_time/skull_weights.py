"""Which vertices move with the skull, whatever the face does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.head import MATERIALS, Template

__all__ = ["skull_weights"]

Float32Array = NDArray[np.float32]

_STILL_M = 0.001
"""Skin that any shape moves by this much counts half."""
_FEWEST = 12


def skull_weights(template: Template) -> Float32Array:
    """(V,) 0..1 how firmly each vertex of skin is tied to the skull: scalp, upper forehead, bridge
    of the nose and ears, by how far the template's shapes move it at most; the neck not at all.

    Weights are areas times 1 / (1 + (most / 1 mm)^2), the largest 1, so that finely meshed ears do
    not outweigh the scalp. Raises InputError for a template with fewer than 12 such vertices.
    """
    skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
    a, b, c = template.vertices[skin].astype(np.float64).transpose(1, 0, 2)
    twice = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    area = np.bincount(skin.ravel(), np.repeat(twice, 3), len(template.vertices))
    moved = np.linalg.norm(template.shape_deltas, axis=2).max(0, initial=0.0)
    skull = np.where(moved < 3 * _STILL_M, 1 / (1 + (moved / _STILL_M) ** 2), 0.0)
    head = template.joint_weights[:, [j.name for j in template.joints].index("head")]
    found = area * skull * np.where(head > 0.99, 1.0, 0.0)
    for name in ("neck", "lids", "lips"):
        if name in template.regions:
            found[template.regions[name]] = 0.0
    if (found > 0).sum() < _FEWEST:
        raise InputError(
            f"skull_weights: template {template.name!r} has {(found > 0).sum()} vertices of skin "
            f"that no shape moves, expected at least {_FEWEST}"
        )
    return np.asarray(found / found.max(), np.float32)
