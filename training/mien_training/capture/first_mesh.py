"""From images of calibrated cameras to a first mesh: located, then fitted by a linear model.

Look for skin in the whole images; read crops around it, locate the head; read crops of it with the
mean head as a hint, fit the linear model; read again with that fit as the hint, and fit again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras import Camera
from mien_training.capture.correspondence.correspondence_net import CorrespondenceNet
from mien_training.capture.correspondence.read_views import ReadViews, read_views
from mien_training.capture.localisation import (
    HeadPose,
    PoseConfig,
    crop_cameras,
    head_crops,
    locate_head,
)
from mien_training.capture.localisation.head_centre import head_centre, rig_up
from mien_training.capture.localisation.whole_views import whole_views
from mien_training.capture.morphable import FitConfig, LinearHeads, MorphableFit, fit_maps
from mien_training.head import Template

__all__ = ["FirstMesh", "FirstMeshConfig", "first_mesh"]


_NEAR_SURE_M = 0.01
"""Without hints all places are less sure."""
_NEAR_M = 0.015
_CLEAR = 0.6
"""Share of rays that agree on a pose from which on no other direction is tried as up."""


@dataclass(frozen=True)
class FirstMeshConfig:
    """How often images are read before a mesh is handed on."""

    side: int = 128
    """Of crops, pixels."""
    readings: int = 2
    """Of crops: the first with the mean head as the hint, each later one with the fit before."""
    rays_per_view: int = 600
    """Pixels of a view that a fit looks at."""
    fit: FitConfig = field(default_factory=FitConfig)
    """Of the linear model."""

    def __post_init__(self) -> None:
        if self.side < 32 or self.readings < 1 or self.rays_per_view < 30:
            raise InputError(
                f"FirstMeshConfig: side {self.side}, readings {self.readings}, rays_per_view "
                f"{self.rays_per_view}, expected 32, 1 and 30 or more"
            )


@dataclass(frozen=True, eq=False)
class FirstMesh:
    """Of one moment."""

    located: HeadPose
    """From wide images."""
    fits: tuple[MorphableFit, ...]
    """After each reading."""
    read: ReadViews
    """The last reading."""

    @property
    def fit(self) -> MorphableFit:
        """The last."""
        return self.fits[-1]


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
    if located is None:
        located = find_head(net, images, cameras, template, config)
    crops = head_crops(cameras, located.world_from_head, config.side, located.scale)
    known = placed_mean_head(template, located.world_from_mean)
    pose, fits = located.world_from_head, []
    for _ in range(config.readings):
        read = read_views(net, images, crops, template, known)
        fit = fit_maps(heads, template, read.rays(config.rays_per_view), pose, config.fit)
        fits.append(fit)
        known, pose = fit.vertices, fit.world_from_head
    return FirstMesh(located, tuple(fits), read)


def find_head(
    net: CorrespondenceNet,
    images: Sequence[NDArray[np.uint8]],
    cameras: Sequence[Camera],
    template: Template,
    config: FirstMeshConfig,
) -> HeadPose:
    """Where the head is, of which nothing is known. Raises InputError where fewer than two cameras
    see a head."""
    whole = read_views(net, images, whole_views(cameras, config.side), template)
    skin = torch.sigmoid(whole.maps.skin).numpy()
    centre = head_centre([crop.camera for crop in whole.crops], list(skin))
    best: HeadPose | None = None
    for up in rig_up(cameras):
        crops = crop_cameras(cameras, centre, config.side, up=up)
        near = read_views(net, images, crops, template)
        found = locate_head(near.rays(config.rays_per_view, _NEAR_SURE_M), PoseConfig(_NEAR_M))
        if best is None or found.inliers > best.inliers:
            best = found
        if not best.failure and best.inliers > _CLEAR:
            break
    assert best is not None
    return best


def placed_mean_head(
    template: Template, world_from_mean: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(V, 3) world, metres, of the template's mean head under an affine map (4, 4)."""
    turn, move = world_from_mean[:3, :3], world_from_mean[:3, 3]
    return np.asarray(template.vertices.astype(np.float64) @ turn.T + move, np.float32)
