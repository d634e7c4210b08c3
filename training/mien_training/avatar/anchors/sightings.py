"""What of a head can be seen at all: from all around, at rest and with mouth and eyes at work."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from mien_training.cameras.camera import clip_from_camera, look_at_camera
from mien_training.head import Template
from mien_training.rendering.visibility import rasterize

__all__ = ["Sightings", "sightings"]

Float64Array = NDArray[np.float64]

_AROUND = [(yaw, 0.0) for yaw in (0, 35, -35, 75, -75, 120, -120, 180)]
_FRONT = [(0.0, 0.0), (35.0, 0.0), (-35.0, 0.0), (0.0, 30.0), (0.0, -30.0)]
_ASLANT = [(0.0, 30.0), (0.0, -30.0), (60.0, 35.0), (-60.0, 35.0), (60.0, -35.0), (-60.0, -35.0),
           (180.0, 40.0)]  # fmt: skip
"""Yaw and pitch of the views, degrees."""
_POSES: tuple[tuple[dict[str, float], str], ...] = (
    ({"jawOpen": 1.0}, "mouth"),
    ({"jawOpen": 0.7, "tongueOut": 1.0}, "mouth"),
    ({"jawOpen": 0.35, "mouthUpperUpLeft": 1, "mouthUpperUpRight": 1, "mouthLowerDownLeft": 1,
      "mouthLowerDownRight": 1, "mouthSmileLeft": 0.6, "mouthSmileRight": 0.6}, "mouth"),
    ({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, "eyes"),
    ({"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0, "eyeWideLeft": 1, "eyeWideRight": 1}, "eyes"),
    ({"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0, "eyeLookDownLeft": 0.5,
      "eyeLookDownRight": 0.5}, "eyes"),
    ({"eyeLookUpLeft": 1.0, "eyeLookUpRight": 1.0}, "eyes"),
)  # fmt: skip
_WHOLE_PX, _CLOSE_PX = 640, 448
_KEPT: WeakKeyDictionary[Template, Sightings] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Sightings:
    """Of a template's triangles."""

    seen: NDArray[np.bool_]
    """(F,) at the centre of some pixel of some view."""
    towards: Float64Array
    """(F, 3) sum of the unit ways to the cameras that see it."""


def sightings(template: Template) -> Sightings:
    """Kept as long as the template lives."""
    if template not in _KEPT:
        _KEPT[template] = _look(template)
    return _KEPT[template]


def _look(template: Template) -> Sightings:
    v = template.vertices
    seen = np.zeros(len(template.triangles), np.bool_)
    towards = np.zeros((len(template.triangles), 3))
    low, high = v.min(0).astype(np.float64), v.max(0).astype(np.float64)

    def view(vertices: NDArray[np.float32], box: tuple[Float64Array, Float64Array], px: int,
             views: list[tuple[float, float]]) -> None:  # fmt: skip
        middle, reach = 0.5 * (box[0] + box[1]), 0.55 * float(np.linalg.norm(box[1] - box[0]))
        for yaw, pitch in np.radians(views):
            way = np.array(
                [np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)]
            )
            distance = 3.0
            camera = look_at_camera(
                middle + distance * way, middle, 2 * float(np.arctan(reach / distance)), px, px
            )
            clip = (
                np.c_[vertices, np.ones(len(vertices))]
                @ (clip_from_camera(camera, 1.0, 6.0) @ camera.camera_from_world).T
            )
            ids = rasterize(
                torch.tensor(clip[None], dtype=torch.float32),
                torch.from_numpy(template.triangles), (px, px),
            ).tri_id.numpy()  # fmt: skip
            found = np.unique(ids[ids >= 0])
            seen[found] = True
            towards[found] += way

    view(v, (low, high), _WHOLE_PX, _AROUND + _ASLANT)
    for weights, where in _POSES:
        row = np.array([weights.get(name, 0.0) for name in template.shape_names], np.float32)
        if row.any():
            posed = v + np.tensordot(row, template.shape_deltas, 1)
            view(posed, _close_up(template, posed, where), _CLOSE_PX, _FRONT)
    view(v, _close_up(template, v, "eyes"), _CLOSE_PX, _FRONT)
    return Sightings(seen, towards)


def _close_up(
    template: Template, posed: NDArray[np.float32], where: str
) -> tuple[Float64Array, Float64Array]:
    """The box of what is looked at."""
    names = ("lips",) if where == "mouth" else ("lids", "eyes")
    chosen = np.zeros(len(posed), np.bool_)
    for name in names:
        chosen |= template.regions.get(name, np.zeros_like(chosen))
    if not chosen.any():
        chosen[:] = True
    p = posed[chosen].astype(np.float64)
    return p.min(0), p.max(0)
