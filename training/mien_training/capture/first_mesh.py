"""From images of calibrated cameras to a first mesh: located, then fitted by a linear model.

The tracker's face points of all views locate the head; where fewer than two views show a face, skin
is looked for in the whole images, and crops around it are read. Then crops of the located head are
read, and a linear model is fitted to maps and face points. Maps err alike in all views; so the mesh
is then moved along its normals until the pictures themselves agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien.tracker.face_track import FaceTrack
from mien_training.cameras import Camera
from mien_training.capture.correspondence.correspondence_net import CorrespondenceNet
from mien_training.capture.correspondence.read_views import ReadViews, read_views
from mien_training.capture.localisation import (
    HeadPose,
    MapRays,
    PoseConfig,
    crop_cameras,
    head_crops,
    locate_head,
)
from mien_training.capture.localisation.face_rays import face_rays, joined_rays, tracked_faces
from mien_training.capture.localisation.head_centre import head_centre, rig_up
from mien_training.capture.localisation.whole_views import whole_views
from mien_training.capture.morphable import FitConfig, LinearHeads, MorphableFit, fit_maps
from mien_training.capture.polish import (
    QUICK_POLISH,
    HeadUnseenError,
    PolishConfig,
    Polished,
    polish_mesh,
)
from mien_training.capture.source_masks import mask_in_source
from mien_training.head import Template

__all__ = ["FirstMesh", "FirstMeshConfig", "first_mesh"]


_MANY = 4
"""Views with a face that are enough to locate it."""
_NEAR_SURE_M = 0.01
"""Of heads that are not located yet all places are less sure."""
_NEAR_M = 0.015
_CLEARLY = 0.15
"""By how many more rays agree on a pose where another direction than usual is up."""


@dataclass(frozen=True)
class FirstMeshConfig:
    """How images are read and fitted."""

    side: int = 128
    """Of crops, pixels."""
    rays_per_view: int = 600
    """Pixels of a view that a fit looks at."""
    face_weight: float = 1.0
    """Weight of the tracker's face points in fits, against 1 for a pixel that is sure; 0 leaves the
    tracker out."""
    fit: FitConfig = field(
        default_factory=lambda: FitConfig(effective_points=800, scale_m=0.006, steps=6)
    )
    """Of the linear model."""
    polish: PolishConfig | None = QUICK_POLISH
    """How the mesh is moved until the pictures agree; None: not at all."""

    def __post_init__(self) -> None:
        if self.side < 32 or self.rays_per_view < 30:
            raise InputError(
                f"FirstMeshConfig: side {self.side}, rays_per_view {self.rays_per_view}, expected "
                "32 and 30 or more"
            )
        if not 0 <= self.face_weight <= 1:
            raise InputError(f"FirstMeshConfig: face_weight {self.face_weight}, expected 0 to 1")


@dataclass(frozen=True, eq=False)
class FirstMesh:
    """Of one moment."""

    located: HeadPose
    """Before any fit."""
    fit: MorphableFit
    read: ReadViews
    rays: MapRays
    """What the fit was made of: pixels of maps, and the tracker's face points."""
    faces: tuple[FaceTrack | None, ...]
    """What the tracker found in each image."""
    face: MapRays
    """Its points as rays."""
    polished: Polished | None
    """The fitted mesh after the pictures have moved it; None where that is not asked for, or fewer
    than two cameras see enough of it."""

    @property
    def vertices(self) -> NDArray[np.float32]:
        """(V, 3) world, metres."""
        return self.fit.vertices if self.polished is None else self.polished.vertices


def first_mesh(
    net: CorrespondenceNet,
    images: Sequence[NDArray[np.uint8]],
    cameras: Sequence[Camera],
    template: Template,
    heads: LinearHeads,
    config: FirstMeshConfig | None = None,
    located: HeadPose | None = None,
) -> FirstMesh:
    """Images (H, W, 3 or 1), one of each camera; located: where the head is, if that is known.

    Raises InputError where fewer than two cameras see a head.
    """
    config = config or FirstMeshConfig()
    nobody: tuple[FaceTrack | None, ...] = (None,) * len(cameras)
    faces = tracked_faces(images) if config.face_weight else nobody
    face = face_rays(faces, cameras, template)
    if located is None and _seen_by(face) >= 2:
        located = _located_by_face(net, images, cameras, template, face, config)
    if located is None or located.failure:
        located = find_head(net, images, cameras, template, config)
    crops = head_crops(cameras, located.world_from_head, config.side, located.scale)
    read = read_views(net, images, crops)
    rays = read.rays(config.rays_per_view)
    if config.face_weight:
        rays = joined_rays(rays, face, config.face_weight)
    fit = fit_maps(heads, template, rays, located.world_from_head, config.fit)
    found = FirstMesh(located, fit, read, rays, faces, face, None)
    if config.polish is None:
        return found
    return polished_first(found, images, cameras, template, config.polish)


def polished_first(
    first: FirstMesh,
    images: Sequence[NDArray[np.uint8]],
    cameras: Sequence[Camera],
    template: Template,
    config: PolishConfig,
) -> FirstMesh:
    """With its fitted mesh moved until the pictures agree."""
    fitted = first.fit.vertices
    return replace(first, polished=polished_by(first, fitted, images, cameras, template, config))


def polished_by(
    first: FirstMesh,
    vertices: NDArray[np.float32],
    images: Sequence[NDArray[np.uint8]],
    cameras: Sequence[Camera],
    template: Template,
    config: PolishConfig,
) -> Polished | None:
    """A mesh (V, 3) moved until the pictures agree, where a first mesh of theirs knows what is
    skin; None where fewer than two cameras see enough of it. Raises InputError as `polish_mesh` for
    pictures that do not fit."""
    points = np.full((len(cameras), 478, 2), np.nan)
    for c, face in enumerate(first.faces):
        if face is not None:
            points[c] = face.landmarks[:, :2]
    masks = [
        mask_in_source(skin, crop)
        for skin, crop in zip(first.read.skin(), first.read.crops, strict=True)
    ]
    try:
        return polish_mesh(template, vertices, images, cameras, masks, points, config)
    except HeadUnseenError:
        return None


def _located_by_face(
    net: CorrespondenceNet,
    images: Sequence[NDArray[np.uint8]],
    cameras: Sequence[Camera],
    template: Template,
    face: MapRays,
    config: FirstMeshConfig,
) -> HeadPose:
    """By the tracker's face points; where few views have them, by the maps of all views, too: two
    views tell little of depth, and one of them may be wrong."""
    found = locate_head(face, PoseConfig())
    if _seen_by(face) >= min(_MANY, len(cameras)) or found.failure:
        return found
    crops = head_crops(cameras, found.world_from_head, config.side, found.scale)
    near = read_views(net, images, crops)
    rays = joined_rays(near.rays(config.rays_per_view, _NEAR_SURE_M), face, config.face_weight)
    return locate_head(rays, PoseConfig(_NEAR_M))


def _seen_by(rays: MapRays) -> int:
    """Cameras with enough rays to tell a pose."""
    return int((np.bincount(rays.camera, minlength=1) >= PoseConfig().least_rays).sum())


def find_head(
    net: CorrespondenceNet,
    images: Sequence[NDArray[np.uint8]],
    cameras: Sequence[Camera],
    template: Template,
    config: FirstMeshConfig,
) -> HeadPose:
    """Where the head is, by the maps alone. Raises InputError where fewer than two cameras see a
    head."""
    whole = read_views(net, images, whole_views(cameras, config.side))
    centre = head_centre([crop.camera for crop in whole.crops], list(whole.skin()))
    best: HeadPose | None = None
    for up in rig_up(cameras):
        crops = crop_cameras(cameras, centre, config.side, up=up)
        near = read_views(net, images, crops)
        found = locate_head(near.rays(config.rays_per_view, _NEAR_SURE_M), PoseConfig(_NEAR_M))
        # Cameras are seldom mounted on their side: other directions have to be clearly better.
        if best is None or found.inliers > best.inliers + _CLEARLY:
            best = found
        if not best.failure:
            break
    assert best is not None
    return best


def placed_mean_head(
    template: Template, world_from_mean: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(V, 3) world, metres, of the template's mean head under an affine map (4, 4)."""
    turn, move = world_from_mean[:3, :3], world_from_mean[:3, 3]
    return np.asarray(template.vertices.astype(np.float64) @ turn.T + move, np.float32)
