"""What a single moment can tell: a neutral, lids and gaze, but no expression.

Of one moment, a pursed mouth and a small one look alike; so the face is taken as it is for the
neutral. Only the eyes are known to differ from the template's, which are open and look ahead.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from mien_training.geometry.laplacian import mesh_edges
from mien_training.head import Template
from mien_training.head.landmark_sets import EYE_CORNERS, LID_PAIRS
from mien_training.rig.fit_config import RigFitConfig
from mien_training.rig.landmarks.landmark_fit import ShapeSelection
from mien_training.templates.regions import face_region

__all__ = ["eye_selection", "lids_shut", "neutral_only"]

_OPEN, _SHUT = 0.45, 0.1
"""Shares of the way from shut to open, as the template does it: eyes narrower than the first are
closing, at the second shut. Between persons alone, the opening varies by a third."""
_PAINT_STEPS = 60
"""Each shows all images: a still texture needs no more."""


def lids_shut(template: Template, points: NDArray[np.floating]) -> dict[str, float]:
    """ "Left", "Right" -> 0 open .. 1 shut, from the tracker's points (N, 478, 2) of N images.

    Height over width of the eye in the image that shows it widest, against the template's: a fit
    would take shut lids for those of narrow-eyed people. Eyes that the template cannot shut, or
    has no points of, are left out.
    """
    face = np.ptp(points, axis=1).max(1)
    found = {}
    for side, corners in EYE_CORNERS.items():
        lids = (*LID_PAIRS[side][0], *corners)
        name = f"eyeBlink{side}"
        if name not in template.shape_names:
            continue
        blink = template.shape_deltas[template.shape_names.index(name)]
        usual, shut = (
            _opening(template.landmarks.positions(v, template.triangles)[None], lids)[0][0]
            for v in (template.vertices, template.vertices + blink)
        )
        openings, widths = _opening(points, lids)
        share = (openings[int((widths / face).argmax())] - shut) / (usual - shut)
        if np.isfinite(share):
            found[side] = float(np.clip((_OPEN - share) / (_OPEN - _SHUT), 0, 1))
    return found


def _opening(
    points: NDArray[np.floating], lids: tuple[int, int, int, int]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """(N,) heights over widths of an eye, and (N,) widths, of points (N, 478, X)."""
    upper, lower, inner, outer = lids
    height = np.linalg.norm(points[:, upper] - points[:, lower], axis=1)
    width = np.linalg.norm(points[:, inner] - points[:, outer], axis=1)
    return height / np.maximum(width, 1e-9), width


def eye_selection(template: Template, points: NDArray[np.floating]) -> ShapeSelection:
    """One moment's shapes: lids as they are seen, gaze free where an eye is open, no others.

    points (N, 478, 2): the tracker's, in N images of the moment.
    """
    shut = lids_shut(template, points)
    free = torch.zeros(len(template.shape_names), dtype=torch.bool)
    known = torch.zeros(len(template.shape_names))
    for k, name in enumerate(template.shape_names):
        for side, amount in shut.items():
            if name == f"eyeBlink{side}":
                known[k] = amount
            elif name.startswith("eyeLook") and name.endswith(side):
                free[k] = amount < 0.5
    return ShapeSelection(free, known)


def neutral_only(config: RigFitConfig, template: Template) -> RigFitConfig:
    """The same without what one moment cannot tell: shapes, motion, and a surface from shading.

    The stages of the pixels then paint the face and leave its form, which has come from the
    points and from `stereo`: a free texture explains every form, and would bend it.
    """
    return replace(
        config,
        personal_shapes=False,
        smoothing_lambda=(config.stereo.reach_m / _edge_m(template)) ** 2,
        neutral_rate=0.0,
        identity_rate=0.0,
        neutral_rounds=1,
        steps=min(config.steps, _PAINT_STEPS),
        pass_frames=0,
    )


def _edge_m(template: Template) -> float:
    """Median length of the face's edges, metres."""
    edges = mesh_edges(template.triangles)
    ends = template.vertices[edges[face_region(template)[edges].all(1)]]
    return float(np.median(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)))
