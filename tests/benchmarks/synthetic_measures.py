"""What a fit of a synthetic person is worth: figures in mm and shares, from its arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mien_training.anatomy.eyelids import lid_contacts
from mien_training.anatomy.intersection_count import count_intersections
from mien_training.geometry.alignment import Align, fit_alignment
from mien_training.geometry.laplacian import dilated
from mien_training.head import Template
from mien_training.metrics.mesh_errors import (
    energy_outside_support,
    per_shape_error_mm,
    point_to_surface_mm,
    shape_cosine,
    vertex_errors_mm,
)
from mien_training.synthetic.person import SyntheticPerson
from mien_training.templates.regions import face_region

__all__ = ["Truth", "measure", "measure_surface", "measure_touch"]


@dataclass(frozen=True, eq=False)
class Truth:
    """A synthetic person, and the weights (N, K) of the frames they were recorded in."""

    person: SyntheticPerson
    weights: np.ndarray


def measure(
    truth: Truth, neutral: np.ndarray, deltas: np.ndarray, weights: np.ndarray, align: Align
) -> dict[str, Any]:
    """Of a rig in the truth's topology, after the alignment that the cameras leave open."""
    person = truth.person
    template, face = person.template, face_region(person.template)
    skin = template.regions["skin"]
    move = fit_alignment(neutral[face], person.neutral[face], align)
    turned = np.stack([move.vectors(d) for d in deltas])
    errors = vertex_errors_mm(neutral, person.neutral, face, align)
    true = person.deltas
    # How large a shape is and how large its weight are not told apart by any image.
    size = np.square(turned[:, skin]).sum((1, 2))
    gain = (turned * true)[:, skin].sum((1, 2)) / np.where(size > 0, size, 1.0)
    some = slice(None, None, 5)
    still = move.points(neutral[face])
    found = still + np.tensordot(weights[some], turned[:, face], 1)
    shown = person.neutral[face] + np.tensordot(truth.weights[some], true[:, face], 1)
    varied = truth.weights.std(0) > 0.02
    pairs = zip(weights.T[varied], truth.weights.T[varied], strict=True)
    alike = [np.corrcoef(a, b)[0, 1] if a.std() > 0 else 0.0 for a, b in pairs]
    return {
        "neutral median": float(np.median(errors)),
        "neutral p90": float(np.quantile(errors, 0.9)),
        "frames": 1000 * float(np.linalg.norm(found - shown, axis=2).mean()),
        "weights": float(np.mean(alike)),
        "per shape": per_shape_error_mm(turned, true, skin).tolist(),
        "per shape face": per_shape_error_mm(turned, true, face).tolist(),
        "per shape scaled": per_shape_error_mm(gain[:, None, None] * turned, true, skin).tolist(),
        "cosine": shape_cosine(turned, true, skin).tolist(),
        "outside": energy_outside_support(
            turned[:, skin], support_masks(template)[:, skin]
        ).tolist(),
    }


def support_masks(template: Template, rings: int = 3, threshold_m: float = 1e-4) -> np.ndarray:
    """(K, V) where each of the template's shapes may move the face.

    Vertices that the template's shape moves by more than `threshold_m` metres, grown by `rings`
    (Ming et al. 2024, "High-Quality Mesh Blendshape Generation from Face Videos", locality).
    """
    moving = np.linalg.norm(template.shape_deltas, axis=2) > threshold_m
    return dilated(moving, template.triangles, rings)


def measure_surface(
    truth: Truth, template: Template, neutral: np.ndarray, align: Align
) -> dict[str, Any]:
    """Of a rig in another topology: from the truth's face to its skin."""
    person = truth.person
    skin = template.triangles[template.triangle_material == 0]
    points = person.neutral[face_region(person.template)]
    errors = point_to_surface_mm(points, neutral, skin, align)
    return {
        "surface median": float(np.median(errors)),
        "surface p90": float(np.quantile(errors, 0.9)),
    }


def measure_touch(template: Template, neutral: np.ndarray, deltas: np.ndarray) -> dict[str, Any]:
    """Pairs of crossing triangles a pose, and lids in the eyes, beyond the template's."""
    rig = neutral.astype(np.float32), deltas.astype(np.float32)
    counts = count_intersections(template, rig, rig)
    lids = lid_contacts(template, *rig).values()
    return {
        "crossings": float(np.mean([c.before - c.template for c in counts.values()])),
        "lid penetration": float(max((c.penetration_mm for c in lids), default=0.0)),
        "lid gap": float(max((c.gap_mm for c in lids), default=0.0)),
    }
