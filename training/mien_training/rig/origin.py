"""What a fit of a rig depends on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mien_training.footage.observations import Observations
from mien_training.head import Template
from mien_training.runs.content_key import array_digest

__all__ = ["origin_of"]


def origin_of(config: Any, template: Template, seen: Observations) -> dict[str, Any]:
    """What a fit's result depends on: the dataclass `config`, and digests of all else."""
    identity = () if template.identity is None else (template.identity.modes,)
    marks = template.landmarks
    head = (
        template.vertices, template.triangles, template.triangle_material, template.uvs,
        template.shape_deltas, marks.triangle, marks.barycentric, *identity,
        *(template.regions[name] for name in sorted(template.regions)),
    )  # fmt: skip
    views = seen.views
    film = (
        views.intrinsics, views.camera_from_world, seen.camera, seen.times_s, seen.images,
        seen.points, *(() if seen.masks is None else (seen.masks,)),
    )  # fmt: skip
    return {
        "configuration": asdict(config),
        "template": array_digest(head),
        "footage": array_digest([tensor.cpu().numpy() for tensor in film]),
    }
