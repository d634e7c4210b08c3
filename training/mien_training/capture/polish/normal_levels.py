"""Gauss-Newton along the normals, from coarse to fine pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.sparse import csr_array
from torch import Tensor

from mien_training.capture.polish.consensus import Consensus, consensus
from mien_training.capture.polish.picture_levels import Crops, Level, PlaceColours
from mien_training.capture.polish.polish_config import PolishConfig
from mien_training.capture.polish.smooth_offset import SmoothOffset
from mien_training.capture.polish.surface_scatter import held_out_places, scatter_places
from mien_training.head import Template
from mien_training.rendering.appearance import harmonics
from mien_training.rendering.differentiable_head import vertex_normals
from mien_training.rendering.photo_consistency.places import Places, scattered_places

__all__ = ["SeenPlaces", "level_places", "refine_level", "unit_normals"]

Float64Array = NDArray[np.float64]

_STEP_PX = 1.5
"""Longest step, in pixels of the level."""


@dataclass(frozen=True, eq=False)
class SeenPlaces:
    """P places that two pictures or more show, on a mesh as it is held."""

    places: Places
    at: Tensor
    """(P, 3) world."""
    normal: Tensor
    """(P, 3) unit."""
    basis: Tensor
    """(P, 9) `harmonics` of the normals."""
    rows: csr_array
    """(P, K) how far each moves along its normal with the nodes' motion along theirs."""
    judge: NDArray[np.bool_]
    """(P,) held out."""

    def subset(self, chosen: NDArray[np.bool_]) -> SeenPlaces:
        """Those of (P,) alone."""
        rows = torch.from_numpy(chosen)
        return SeenPlaces(
            self.places.subset(rows), self.at[rows], self.normal[rows], self.basis[rows],
            self.rows[np.flatnonzero(chosen)], self.judge[chosen],
        )  # fmt: skip


def unit_normals(vertices: Float64Array, faces: Tensor) -> Tensor:
    """(V, 3) of vertices (V, 3)."""
    return F.normalize(vertex_normals(torch.from_numpy(vertices).float()[None], faces)[0], dim=-1)


def level_places(
    template: Template,
    start: Float64Array,
    vertices: Float64Array,
    compared: NDArray[np.bool_],
    crops: Crops,
    level: Level,
    shrink: int,
    prior: SmoothOffset,
    config: PolishConfig,
) -> SeenPlaces:
    """Places of the compared triangles (F,): always the same ones of `start`, seen on `vertices`
    (V, 3). Places too dark to tell anything are left out."""
    faces = torch.from_numpy(template.triangles).long()
    chosen = np.flatnonzero(compared)
    spacing = max(crops.pixel_m * shrink, config.spacing_m)
    index, share = scatter_places(start, template.triangles[chosen], spacing, shrink)
    triangle = torch.from_numpy(chosen)[index]
    held = torch.from_numpy(vertices).float()
    found = scattered_places(held, faces, triangle, share, crops.pictures, level.visible_size)
    vertex_normal = unit_normals(vertices, faces)
    normal = F.normalize(found.at(vertex_normal, faces), dim=-1)
    at = found.at(held, faces)
    brightness = level.shown(at).exp().mean(1)
    bright = (brightness * found.weight).sum(0) / found.weight.sum(0).clamp_min(1e-6)
    keep = (found.weight > 0).any(0) & (bright - 0.02 > config.darkest / 255)
    found, normal, at = found.subset(keep), normal[keep], at[keep]
    corner = faces[found.triangle]
    # A corner's normal is not quite the place's.
    along = found.share * (vertex_normal[corner] * normal[:, None]).sum(2)
    rows = prior.rows(corner.numpy(), along.double().numpy())
    rest = found.at(torch.from_numpy(template.vertices).float(), faces)
    judge = held_out_places(rest.numpy(), config.held_out)
    return SeenPlaces(found, at, normal, harmonics(normal), rows, judge)


def refine_level(
    seen: SeenPlaces,
    level: Level,
    normals: Float64Array,
    displacement: Float64Array,
    prior: SmoothOffset,
    step_m: float,
    config: PolishConfig,
) -> tuple[Float64Array, Consensus, PlaceColours]:
    """Displacement (K, 3) of the nodes after some steps along their normals (K, 3); what the
    pictures agreed on before the last of them, and what they showed."""
    offset = np.zeros(len(prior.nodes))
    found = None
    for _ in range(config.steps):
        along = torch.from_numpy(seen.rows @ offset).float()
        now = level.colours(seen.at + along[:, None] * seen.normal, seen.normal)
        found = consensus(now.colour, seen.places.weight, seen.basis, found)
        weight = found.weight / found.noise[:, None].square() * config.evidence
        total = found.weight.sum(0).clamp_min(1e-6)
        change = now.along - (found.weight[:, None] * now.along).sum(0) / total
        curvature = (weight[:, None] * change.square()).mean(1).sum(0)
        slope = (weight[:, None] * change * found.residual).mean(1).sum(0)
        moved = displacement + offset[:, None] * normals
        step = prior.normal_step(
            seen.rows, curvature.double().numpy(), slope.double().numpy(), normals, moved
        )
        offset = offset + step.clip(-_STEP_PX * step_m, _STEP_PX * step_m)
    assert found is not None
    return displacement + offset[:, None] * normals, found, now
