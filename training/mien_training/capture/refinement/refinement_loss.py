"""What corrected vertices are to be: where they are known to be, and lips and lids apart as far
as they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from mien_training.anatomy.lips import LipSeam
from mien_training.capture.skin_regions import skin_regions
from mien_training.geometry.laplacian import mesh_edges
from mien_training.head import Template
from mien_training.templates.contact_pairs import contact_pairs

__all__ = ["RefinementLoss"]

_WEIGHTS = {"face": 2.0, "lips": 4.0, "lids": 4.0, "ears": 1.5, "scalp": 0.5, "neck": 0.5}
_MM = 1e3
_SMOOTH_MM = 0.05
_EDGES, _GAPS, _DOUBT = 2.0, 1.0, 0.1
_SEAM_M = 0.004
_CLOSING = {"lidsLeft": "eyeBlinkLeft", "lidsRight": "eyeBlinkRight"}


@dataclass(frozen=True, eq=False)
class RefinementLoss:
    """Of K vertices of the template's skin."""

    weight: Tensor
    """(K,) of each vertex; mean 1."""
    edges: Tensor
    """(E, 2)"""
    gaps: Tensor
    """(G, 2) of upper and lower lips and lids that meet where they are closed."""
    of_gaps: float = _GAPS
    """Weight of the gaps; 0 leaves lips and lids to their vertices."""

    @classmethod
    def of(
        cls, template: Template, chosen: NDArray[np.int64], of_gaps: float = _GAPS
    ) -> RefinementLoss:
        """chosen (K,): vertices that are corrected."""
        weight = np.ones(len(template.vertices), np.float32)
        for name, members in skin_regions(template).items():
            weight[members] = _WEIGHTS[name]
        edges = mesh_edges(template.triangles)
        edges = np.searchsorted(chosen, edges[np.isin(edges, chosen).all(1)])
        gaps = gap_pairs(template)
        gaps = np.searchsorted(chosen, gaps[np.isin(gaps, chosen).all(1)])
        own = weight[chosen]
        return cls(
            torch.from_numpy(own / own.mean()), torch.from_numpy(edges.astype(np.int64)),
            torch.from_numpy(gaps.astype(np.int64)), of_gaps,
        )  # fmt: skip

    def to(self, device: torch.device) -> RefinementLoss:
        """The same on another device."""
        weight, edges, gaps = (t.to(device) for t in (self.weight, self.edges, self.gaps))
        return RefinementLoss(weight, edges, gaps, self.of_gaps)

    def __call__(self, found: Tensor, true: Tensor, spread: Tensor) -> Tensor:
        """Scalar, millimetres, of vertices (K, 3), the true ones, and expected distances (K,).

        Distances, differences along edges, gaps, and the likelihood of the distances that were
        expected (Laplace; distances themselves are kept apart, so that doubt excuses none).
        """
        off = _MM * (found - true)
        far = _lengths(off)
        loss = (self.weight * far).mean()
        loss = loss + _EDGES * _lengths(off[self.edges[:, 0]] - off[self.edges[:, 1]]).mean()
        if self.of_gaps and len(self.gaps):
            apart = off[self.gaps[:, 0]] - off[self.gaps[:, 1]]
            loss = loss + self.of_gaps * _lengths(apart).mean()
        b = _MM * spread / 3
        return loss + _DOUBT * (far.detach() / b + 3 * b.log()).mean()


def gap_pairs(template: Template) -> NDArray[np.int64]:
    """(G, 2) vertices of upper and lower lip and of upper and lower lids, nearest to each other
    where the template closes them; none where it tells them not apart."""
    found = []
    seam = LipSeam.of(template)
    if seam is not None:
        found.append(np.stack([seam.upper, seam.lower], 1))
    for pair in contact_pairs(template):
        closing = _CLOSING.get(pair.name)
        if closing not in template.shape_names:
            continue
        closed = template.vertices + template.shape_deltas[template.shape_names.index(closing)]
        above, below = np.flatnonzero(pair.first), np.flatnonzero(pair.second)
        apart, nearest = (np.asarray(x) for x in cKDTree(closed[above]).query(closed[below]))
        near = apart < _SEAM_M
        found.append(np.stack([above[nearest[near]], below[near]], 1))
    return np.concatenate(found) if found else np.zeros((0, 2), np.int64)


def _lengths(vectors: Tensor) -> Tensor:
    """(N,) lengths of (N, 3), smooth at zero, millimetres."""
    return (vectors.square().sum(-1) + _SMOOTH_MM**2).sqrt() - _SMOOTH_MM
