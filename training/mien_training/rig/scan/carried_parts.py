"""After the skin: eyeballs, teeth and tongue as rigid parts, and lids that open over them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from mien_training.anatomy.eyelids import fit_eyelids
from mien_training.anatomy.rigid_parts import RigidParts
from mien_training.geometry.alignment import fit_alignment
from mien_training.head import Template

__all__ = ["carry_parts"]

Float32Array = NDArray[np.float32]


def carry_parts(
    template: Template,
    person: Float32Array,
    moved: Float32Array,
    expressions: list[int],
    weights: NDArray[np.float64],
) -> tuple[Float32Array, Float32Array, Float32Array]:
    """Neutral and fitted head (V, 3), and the shapes (K, V, 3) of the neutral; rig space, metres.

    person: (V, 3) neutral of the template's own people; moved: (V, 3) what the scan adds to its
    soft parts; weights (E,) of the shapes `expressions`.
    """
    with torch.no_grad():
        carried = RigidParts(template)(torch.from_numpy(moved)).numpy()
    neutral = (_round_eyes(template, person) + carried).astype(np.float32)
    shown = np.tensordot(weights.astype(np.float32), template.shape_deltas[expressions], 1)
    fitted = (neutral + shown).astype(np.float32)
    neutral, deltas = fit_eyelids(template, neutral, template.shape_deltas)
    return neutral, fitted, deltas


def _round_eyes(template: Template, person: Float32Array) -> Float32Array:
    """(V, 3) person whose eyeballs are the template's, moved and scaled: identities bend them."""
    neutral = person.copy()
    for side in (template.vertices[:, 0] > 0, template.vertices[:, 0] <= 0):
        ball = template.regions["eyes"] & side
        if ball.sum() < 4:
            continue
        shape, place = template.vertices[ball], person[ball]
        scale = fit_alignment(shape, place, "similarity").scale
        neutral[ball] = place.mean(0) + np.float32(scale) * (shape - shape.mean(0))
    return neutral
