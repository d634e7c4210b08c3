"""What the surface of a head is pulled to while it is registered to a scan."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from mien.deform import vertex_normals
from mien_training.geometry.alignment import Alignment
from mien_training.head import Template
from mien_training.head.landmark_sets import INNER_LIP_PAIRS, LID_PAIRS
from mien_training.rig.scan.scan_landmarks import ScanLandmarks
from mien_training.rig.scan.scan_target import ScanPoints, ScanTarget
from mien_training.templates.contact_pairs import contact_pairs

__all__ = ["ContactPull", "LandmarkPull", "ScanPull", "SurfacePull"]

Float64Array = NDArray[np.float64]

_MM = 1000.0
_SOFT_MM = 3.0
"""What is farther off than this pulls with a constant force."""


def _robust(squared_mm: Tensor) -> Tensor:
    soft = _SOFT_MM**2
    return soft * ((1 + squared_mm / soft).sqrt() - 1) * 2


def _tensor(array: NDArray[np.generic]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))


class SurfacePull:
    """Vertices to the planes of the nearest places on the scan."""

    def __init__(
        self, template: Template, target: ScanTarget, placed: Alignment, attracted: Float64Array
    ) -> None:
        self.triangles, self.target, self.placed = template.triangles, target, placed
        self.chosen = np.flatnonzero(attracted > 0.05)
        self.share = _tensor(attracted / attracted.sum())[self.chosen]

    def match(self, vertices: NDArray[np.float32], reach_m: float, agree: float) -> None:
        """Look for the nearest places anew, for a head at (V, 3)."""
        normals = vertex_normals(vertices, self.triangles)[self.chosen].astype(np.float64)
        points = vertices[self.chosen].astype(np.float64)
        match = self.target.match(self.placed, points, normals, reach_m, agree)
        self.places, self.normals = _tensor(match.positions), _tensor(match.normals)
        self.weight = self.share * _tensor(match.valid)

    def loss(self, vertices: Tensor) -> Tensor:
        """Mean squared distance, mm^2."""
        gap = ((vertices[self.chosen] - self.places) * self.normals).sum(1) * _MM
        return (self.weight * gap.square()).sum()


class ScanPull:
    """The scan's points to the nearest places on the head: what is too small grows."""

    def __init__(self, points: ScanPoints) -> None:
        self.points = points

    def match(self, vertices: NDArray[np.float32], reach_m: float, agree: float) -> None:
        """Look for the nearest places anew, for a head at (V, 3)."""
        self.points.match(vertices, reach_m, agree)
        self.corners = self.points.corners
        self.shares = _tensor(self.points.shares)[..., None]
        self.places = _tensor(self.points.places)

    def loss(self, vertices: Tensor) -> Tensor:
        """Mean squared distance, mm^2, of points near; less of those far."""
        if not len(self.places):
            return vertices.new_zeros(())
        gap = ((vertices[self.corners] * self.shares).sum(1) - self.places) * _MM
        return _robust(gap.square().sum(1)).sum() / self.points.count


class LandmarkPull:
    """The template's places of the tracker's points to those on the scan."""

    def __init__(self, template: Template, found: ScanLandmarks, placed: Alignment) -> None:
        confidence = found.confidence * (template.landmarks.triangle >= 0)
        good = np.flatnonzero(confidence > 0.02)
        self.corners = template.triangles[template.landmarks.triangle[good]]
        self.shares = _tensor(template.landmarks.barycentric[good])[..., None]
        self.places = _tensor(placed.points(found.points[good]))
        self.weight = _tensor(confidence[good] / confidence[good].sum())

    def loss(self, vertices: Tensor) -> Tensor:
        """Mean squared distance, mm^2, of points near; less of those far."""
        gap = ((vertices[self.corners] * self.shares).sum(1) - self.places) * _MM
        return (self.weight * _robust(gap.square().sum(1))).sum()


class ContactPull:
    """Lips and lids that touch in the scan: the halves of the head nearly touch, too.

    What a scan shows of them ends at the crease; without this the halves part or cross there.
    """

    def __init__(
        self, template: Template, found: ScanLandmarks, placed: Alignment, shown: Float64Array
    ) -> None:
        """`shown`: (V, 3) what the scan's expressions add to the template."""
        rest = template.vertices + shown
        shut = {
            f"lids{side}": _are_shut(found, placed, points, _LIDS_APART_M)
            for side, points in LID_PAIRS.items()
        }
        shut["lips"] = _are_shut(found, placed, INNER_LIP_PAIRS, _LIPS_APART_M)
        pairs = [np.zeros((0, 2), np.int64)]
        for pair in contact_pairs(template):
            if shut.get(pair.name):
                first, second = np.flatnonzero(pair.first), np.flatnonzero(pair.second)
                for a, b in ((first, second), (second, first)):
                    apart, nearest = (np.asarray(n) for n in cKDTree(rest[b]).query(rest[a]))
                    touch = apart < _TOUCH_M
                    pairs.append(np.stack([a[touch], b[nearest[touch]]], 1))
        self.pairs = np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)

        self.apart = _LEFT_APART * _tensor(rest[self.pairs[:, 0]] - rest[self.pairs[:, 1]])

    def loss(self, vertices: Tensor) -> Tensor:
        """Squared excess, mm^2, of the way between what should touch.

        Summed over pairs and divided by the head's vertices: a pair weighs as much as a vertex,
        for the largest gradient of all sets the optimiser's step.
        """
        if not len(self.pairs):
            return vertices.new_zeros(())
        apart = vertices[self.pairs[:, 0]] - vertices[self.pairs[:, 1]]
        return ((apart - self.apart) * _MM).square().sum() / len(vertices)


_LIPS_APART_M, _LIDS_APART_M = 0.0015, 0.0025
_TOUCH_M = 0.002
"""So near lie the halves of a template's mouth or closed eye, which may leave a slit."""
_LEFT_APART = 0.25
"""Of that way, where the scan has none."""


def _are_shut(
    found: ScanLandmarks,
    placed: Alignment,
    points: tuple[tuple[int, int], ...],
    apart_m: float,
) -> bool:
    upper, lower = np.array(points).T
    there = placed.points(found.points)
    gaps = np.linalg.norm(there[upper] - there[lower], axis=1)
    return bool(np.median(gaps) < apart_m)  # absent points are NaN, and nothing is shut then
