"""Which vertices count: the face that a camera sees, and where a shape may act."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras.camera import clip_from_camera, look_at_camera
from mien_training.head import MATERIALS, Template
from mien_training.head.landmark_sets import BROW_POINTS, FACE_OVAL
from mien_training.rendering.noise import SpaceNoise
from mien_training.rendering.paint.face_frame import FaceFrame, polygon_distance
from mien_training.rendering.paint.skin import scalp_cover
from mien_training.rendering.visibility import rasterize

__all__ = ["compared_triangles", "face_region", "scalp_share"]

BoolArray = NDArray[np.bool_]

_ABOVE_BROWS_M = 0.008
_INSIDE_OVAL_M = 0.004
"""The outline runs along the ears and under the chin: this much is left out."""
_EARS = 1.06
"""Half the skull's width above the ears beyond which skin is an ear's."""
_LOBES = -1.7
"""Where ears end below, in distances between the eyes; further down shoulders are as wide."""
_VIEW_PX = 1024
_MOUTH = ("mouth", "teeth", "tongue")


def face_region(template: Template) -> BoolArray:
    """(V,) skin in front, from brow to chin, without ears, neck, scalp, eyes and mouth's inside.

    Inside the face's outline as seen from far in front, up to a little above the brows, and on a
    triangle that this view sees. Raises InputError for a template without landmarks.
    """
    v = template.vertices
    landmark_points = template.landmarks.positions(v, template.triangles)
    oval, brows = landmark_points[list(FACE_OVAL)], landmark_points[list(BROW_POINTS)]
    if not (np.isfinite(oval).all() and np.isfinite(brows).all()):
        raise InputError(f"face_region: template {template.name!r} has no landmarks of the face")
    inside = polygon_distance(v[:, :2], oval[:, :2]) < -_INSIDE_OVAL_M
    inside &= v[:, 1] < brows[:, 1].max() + _ABOVE_BROWS_M
    inside &= template.regions["skin"]
    return np.asarray(inside & _seen_from_front(template, oval.mean(0)))


def _seen_from_front(template: Template, target: NDArray[np.float32]) -> BoolArray:
    """(V,) on a triangle that faces a distant camera at +Z and is hidden by no other."""
    camera = look_at_camera(target + np.array([0, 0, 3.0]), target, 0.08, _VIEW_PX, _VIEW_PX)
    points = np.c_[template.vertices, np.ones(len(template.vertices))]
    clip = points @ (clip_from_camera(camera, 1.0, 10.0) @ camera.camera_from_world).T
    out = rasterize(
        torch.tensor(clip[None], dtype=torch.float32),
        torch.from_numpy(template.triangles),
        (_VIEW_PX, _VIEW_PX),
    )
    seen = np.unique(out.tri_id.numpy())
    member = np.zeros(len(template.vertices), np.bool_)
    member[template.triangles[seen[seen >= 0]]] = True
    return member


def scalp_share(
    template: Template, neutral: NDArray[np.float32]
) -> tuple[NDArray[np.float32], BoolArray]:
    """(V,) 0..1 how much hair grows at each vertex of skin, and (V,) whether it is an ear's.

    neutral (V, 3) metres. Above a hairline that follows the temples and the nape; never on ears,
    which stick out of the scalp. Raises InputError for a head without a pair of eyeballs.
    """
    frame = FaceFrame.of(template, neutral)
    local = frame.local(neutral)
    share = scalp_cover(local, frame, neutral, SpaceNoise(0))
    share = share * (local[:, 1] > -1.15)  # the nape's hair ends there
    above = np.abs(local[(local[:, 1] > 0.7) & (local[:, 1] < 1.0), 0])
    wide = float(above.max() * _EARS) if len(above) else np.inf
    ears = (np.abs(local[:, 0]) > wide) & (local[:, 1] > _LOBES)
    skin = np.zeros(len(neutral), np.bool_)
    skin[template.triangles[template.triangle_material == MATERIALS.index("skin")]] = True
    return np.asarray(share * (skin & ~ears), np.float32), np.asarray(ears & skin)


def compared_triangles(template: Template, whole_head: bool) -> BoolArray:
    """(F,) triangles whose colours a fit compares: those of face, lids and eyes, or of all skin.

    Never the mouth's inside, which is dark, wet and rarely seen. Hair is not modelled, so all of
    the skin is for heads without any.
    """
    inside = np.isin(template.triangle_material, [MATERIALS.index(m) for m in _MOUTH])
    if whole_head:
        return ~inside
    members = face_region(template) | template.regions["eyes"] | template.regions["lids"]
    return np.asarray(members[template.triangles].all(1) & ~inside)
