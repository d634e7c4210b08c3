"""From images of calibrated cameras to a first mesh: located, then fitted by a linear model.

Read wide images, locate the head; read crops of it with the mean head as a hint, fit the linear
model; read again with that fit as the hint, and fit again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mien.errors import InputError
from mien_training.cameras import Camera
from mien_training.capture.correspondence.correspondence_net import CorrespondenceNet
from mien_training.capture.correspondence.read_views import ReadViews, read_views
from mien_training.capture.localisation import HeadPose, PoseConfig, head_crops, locate_head
from mien_training.capture.localisation.whole_views import whole_views
from mien_training.capture.morphable import FitConfig, LinearHeads, MorphableFit, fit_maps
from mien_training.head import Template

__all__ = ["FirstMesh", "FirstMeshConfig", "first_mesh"]


_WIDE_SURE_M = 0.02
"""In wide images all places are unsure."""


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
        wide = read_views(net, images, whole_views(cameras, config.side), template)
        located = locate_head(wide.rays(config.rays_per_view, _WIDE_SURE_M), PoseConfig())
    crops = head_crops(cameras, located.world_from_head, config.side, located.scale)
    known = placed_mean_head(template, located.world_from_mean)
    pose, fits = located.world_from_head, []
    for _ in range(config.readings):
        read = read_views(net, images, crops, template, known)
        fit = fit_maps(heads, template, read.rays(config.rays_per_view), pose, config.fit)
        fits.append(fit)
        known, pose = fit.vertices, fit.world_from_head
    return FirstMesh(located, tuple(fits), read)


def placed_mean_head(
    template: Template, world_from_mean: NDArray[np.float64]
) -> NDArray[np.float32]:
    """(V, 3) world, metres, of the template's mean head under an affine map (4, 4)."""
    turn, move = world_from_mean[:3, :3], world_from_mean[:3, 3]
    return np.asarray(template.vertices.astype(np.float64) @ turn.T + move, np.float32)
