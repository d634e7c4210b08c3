"""What corrected vertices are to be where only a scan is known: on its surface, the mesh in shape.

After Bolkart, Li and Black 2023 ("Instant Multi-View Head Capture through Learnable Registration",
section 3.3: distance of the scan to the mesh, edges of a registration), with three terms against
its known weakness that lids and lips slide: gaps between them count as edges, normals agree, and
the tracker's points of them lie on their lines of sight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.errors import InputError
from mien_training.capture.learning.scan_reading import FaceSight, ScanReading
from mien_training.capture.refinement.refinement_loss import gap_pairs
from mien_training.capture.refinement.surface_match import (
    SurfaceMatch,
    geman_mcclure,
    match_surface,
)
from mien_training.capture.skin_regions import skin_regions
from mien_training.geometry.laplacian import mesh_edges
from mien_training.head import MATERIALS, Template

__all__ = ["ScanLoss", "ScanTarget", "ScanTerms"]

_EDGES = {"face": 1.0, "lips": 4.0, "lids": 4.0, "ears": 2.0, "scalp": 1.0, "neck": 1.0}
"""Weights of a region's edges."""
_MM = 1e3
_SMOOTH_MM = 0.05
_SIGHT_MM = 3.0
"""Distance at which a tracker's point ends to pull: it errs by that much."""


@dataclass(frozen=True)
class ScanTerms:
    """Weights of the terms, millimetres, and gates of the scan's points."""

    points: float = 1.0
    """Of the distance of the scan's points to the mesh."""
    normals: float = 3.0
    """Of one minus the cosine between the scan's normals and the mesh's."""
    edges: float = 1.0
    """Of squared differences along edges to the registration, or, without one, to what the net
    that is tuned makes of the moment."""
    sight: float = 0.05
    """Of the distance of lids and lips from the tracker's lines of sight."""
    vertices: float = 0.05
    """Of the distance to the registration's vertices."""
    scale_m: float = 0.01
    """Distance at which points of the scan end to pull, metres."""
    reach_m: float = 0.01
    """Points farther off are left out: hair, or nothing of the head."""
    agree: float = 0.5
    """Least scalar product of normals."""

    def __post_init__(self) -> None:
        weights = (self.points, self.normals, self.edges, self.sight, self.vertices)
        if not (min(weights) >= 0 and max(weights) > 0):
            raise InputError(
                f"ScanTerms: points, normals, edges, sight, vertices {weights}, expected 0 or "
                "more, at least one above 0"
            )
        if not (self.scale_m > 0 and self.reach_m > 0 and -1 <= self.agree < 1):
            raise InputError(
                f"ScanTerms: scale_m {self.scale_m}, reach_m {self.reach_m}, agree {self.agree}, "
                "expected lengths above 0 and -1 to 1"
            )


@dataclass(frozen=True, eq=False)
class ScanTarget:
    """What one moment is to become, as tensors; head space, metres."""

    start: Tensor
    """(V, 3) the first mesh: what is not corrected stays there."""
    points: Tensor
    """(N, 3)"""
    normals: Tensor
    """(N, 3) unit, or zeros."""
    shape: Tensor
    """(K, 3) whose edges count."""
    known: Tensor | None
    """(K, 3) the registration."""
    sight: FaceSight

    @classmethod
    def of(
        cls, moment: ScanReading, chosen: Tensor, points: NDArray[np.integer] | None = None
    ) -> ScanTarget:
        """chosen (K,): vertices that are corrected; points: those of the scan that are used."""
        used = slice(None) if points is None else points
        reference = moment.reference
        known = None if reference is None else torch.from_numpy(reference)[chosen]
        return cls(
            torch.from_numpy(moment.reading.start), torch.from_numpy(moment.points[used]),
            torch.from_numpy(moment.normals[used]),
            torch.from_numpy(moment.places) if known is None else known, known,
            moment.sight,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class ScanLoss:
    """Of K vertices of a template's skin."""

    terms: ScanTerms
    chosen: Tensor
    """(K,)"""
    triangles: Tensor
    """(F, 3) of the template."""
    skin: NDArray[np.bool_]
    """(F,) which of them scans are matched to."""
    edges: Tensor
    """(E, 2) of the K vertices; those of the mesh, and across lips and lids."""
    weight: Tensor
    """(E,) mean 1."""

    @classmethod
    def of(cls, template: Template, chosen: Tensor, terms: ScanTerms) -> ScanLoss:
        """chosen (K,): vertices that are corrected."""
        index = chosen.numpy()
        own = np.ones(len(template.vertices))
        for name, members in skin_regions(template).items():
            own[members] = _EDGES[name]
        edges = np.concatenate([mesh_edges(template.triangles), gap_pairs(template)])
        edges = edges[np.isin(edges, index).all(1)]
        weight = own[edges].mean(1)
        return cls(
            terms, chosen, torch.from_numpy(template.triangles.astype(np.int64)),
            template.triangle_material == MATERIALS.index("skin"),
            torch.from_numpy(np.searchsorted(index, edges).astype(np.int64)),
            torch.from_numpy((weight / weight.mean()).astype(np.float32)),
        )  # fmt: skip

    def match(self, found: Tensor, target: ScanTarget) -> SurfaceMatch:
        """Of the scan's points to vertices (K, 3)."""
        terms, mesh = self.terms, self._mesh(found, target)
        return match_surface(
            mesh, self.triangles, self.skin, target.points, target.normals, terms.reach_m,
            terms.agree,
        )  # fmt: skip

    def __call__(
        self, found: Tensor, target: ScanTarget, match: SurfaceMatch | None = None
    ) -> Tensor:
        """Scalar, millimetres, of vertices (K, 3); match: where the scan's points belong, found
        anew if left out."""
        terms, mesh = self.terms, self._mesh(found, target)
        loss = found.new_zeros(())
        if (terms.points or terms.normals) and len(target.points):
            match = match or self.match(found, target)
            loss = loss + self._of_scan(mesh, target, match)
        if terms.edges:
            off = _MM * (found - target.shape.to(found))
            apart = (off[self.edges[:, 0]] - off[self.edges[:, 1]]).square().sum(1)
            loss = loss + terms.edges * (self.weight.to(found) * apart).mean()
        if terms.sight and len(target.sight.certainty):
            loss = loss + terms.sight * _off_sight(mesh, target.sight)
        if terms.vertices and target.known is not None:
            squared = (_MM * (found - target.known.to(found))).square().sum(1)
            loss = loss + terms.vertices * geman_mcclure(squared, 1e6, _SMOOTH_MM).mean()
        return loss

    def _mesh(self, found: Tensor, target: ScanTarget) -> Tensor:
        return target.start.to(found).index_copy(0, self.chosen, found)

    def _of_scan(self, mesh: Tensor, target: ScanTarget, match: SurfaceMatch) -> Tensor:
        terms = self.terms
        off = _MM * (match.places(mesh) - target.points.to(mesh))
        far = geman_mcclure(off.square().sum(1), _MM * terms.scale_m, _SMOOTH_MM)
        total = terms.points * far
        if terms.normals:
            way = target.normals.to(mesh)
            told = way.square().sum(1)
            bent = told - (match.normals(mesh, self.triangles) * way).sum(1)
            total = total + terms.normals * bent
        return (total * match.valid).sum() / len(target.points)


def _off_sight(mesh: Tensor, sight: FaceSight) -> Tensor:
    """Mean distance of the tracker's points on the mesh from their lines, millimetres."""
    origins, ways, shares, certainty = (
        torch.from_numpy(value).to(mesh)
        for value in (sight.origins, sight.directions, sight.shares, sight.certainty)
    )
    places = (mesh[torch.from_numpy(sight.corners)] * shares[..., None]).sum(1)
    off = _MM * (places - origins)
    across = off - (off * ways).sum(1, keepdim=True) * ways
    far = geman_mcclure(across.square().sum(1), _SIGHT_MM, _SMOOTH_MM)
    return (certainty * far).sum() / certainty.sum()
