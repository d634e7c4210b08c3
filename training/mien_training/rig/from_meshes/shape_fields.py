"""How a person's shapes may differ from the template's: smooth fields times the template's motion.

    change of shape k at place p = falloff_k(p) . sum_m basis_m(p) a_km

The basis is that of a Gaussian process with a squared exponential kernel, whitened at a few anchors
(Nystrom approximation; Rasmussen and Williams 2006, "Gaussian Processes for Machine Learning",
section 8.1), so that standard normal a give fields of spread 1 that neighbours share. `falloff` is
proportional to how far the template's shape moves (Li, Weise and Pauly 2010, "Example-Based Facial
Rigging", section 3: what the template does not move is to stay). Left and right are alike, but not
quite, as in `PersonalRig`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.channels import mirror_name
from mien_training.head import Template
from mien_training.rig.from_meshes.config import MeshFitConfig

__all__ = ["ShapeFields", "spread_evenly", "still_motion"]

Float64Array = NDArray[np.float64]

_MOVING_M = 5e-4
"""Anchors stand where some shape moves the skin further than this."""
_EVEN_M = 0.003
"""Without the template's motion every shape may change this far everywhere."""
_FLIP = np.array([-1.0, 1.0, 1.0])
_JITTER = 1e-5


class ShapeFields:
    """Coefficients a (K, M, 3), standard normal beforehand -> changes of K shapes, metres."""

    def __init__(self, template: Template, skin: NDArray[np.bool_], config: MeshFitConfig) -> None:
        """skin (V,): where anchors may stand."""
        names, places = template.shape_names, template.vertices.astype(np.float64)
        moved = np.linalg.norm(template.shape_deltas, axis=2).astype(np.float64)
        moving = skin & (moved.max(0, initial=0.0) > _MOVING_M)
        anchors = _mirrored_anchors(places[moving if moving.any() else skin], config.anchors)
        near = _kernel(anchors, anchors, config.field_m)
        values, vectors = np.linalg.eigh(near)
        root = vectors / np.sqrt(values.clip(0) + _JITTER * values.max())
        # Symmetric, so that mirrored places have mirrored coordinates.
        self.basis: Float64Array = _kernel(places, anchors, config.field_m) @ (root @ vectors.T)
        """(V, M)"""
        size = moved if config.template_motion else np.full_like(moved, _EVEN_M)
        self.falloff: Float64Array = np.where(template.regions["eyes"], 0.0, size)
        """(K, V) metres: the template's motion, none of the eyeballs, which turn and no more."""
        self._share = config.share
        half = len(anchors) // 2
        self._mirror_anchor = (np.arange(2 * half) + half) % (2 * half)
        self._mirror_shape = np.array(
            [names.index(mirror_name(n)) if mirror_name(n) in names else k
             for k, n in enumerate(names)]
        )  # fmt: skip
        self._common, self._own = (2 - config.one_sided) ** 0.5, config.one_sided**0.5

    @property
    def shape(self) -> tuple[int, int, int]:
        """(K, M, 3) of coefficients."""
        return (len(self.falloff), self.basis.shape[1], 3)

    def changes(
        self, coefficients: Float64Array, vertex: NDArray[np.intp] | slice = slice(None)
    ) -> Float64Array:
        """(K, V', 3) metres at some vertices; linear."""
        falloff = self._share * self.falloff[:, vertex, None]
        return np.asarray(falloff * np.matmul(self.basis[vertex], self._mixed(coefficients)))

    def adjoint(self, force: Float64Array, vertex: NDArray[np.intp]) -> Float64Array:
        """(K, M, 3) the transpose of `changes`, of (K, V', 3)."""
        falloff = self._share * self.falloff[:, vertex, None]
        return self._mixed(np.matmul(self.basis[vertex].T, falloff * force))

    def curvature(self, worth: Float64Array, vertex: NDArray[np.intp]) -> Float64Array:
        """(K, M, 1) about the diagonal of adjoint . diag(worth (K, V')) . changes."""
        share = (self._share * self.falloff[:, vertex]) ** 2
        return np.asarray(((share * worth) @ self.basis[vertex] ** 2)[..., None])

    def _mixed(self, coefficients: Float64Array) -> Float64Array:
        """Left from right and right from left; symmetric."""
        other = coefficients[self._mirror_shape][:, self._mirror_anchor] * _FLIP
        share = (self._common + self._own) / 2, (self._common - self._own) / 2
        return np.asarray(share[0] * coefficients + share[1] * other)


def spread_evenly(points: Float64Array, count: int) -> NDArray[np.intp]:
    """(N,) at most `count` of (P, 3) points, each as far from those before it as can be.

    (Gonzalez 1985, "Clustering to Minimize the Maximum Intercluster Distance".)
    """
    at = int(np.argmax(points[:, 2]))
    chosen: list[int] = []
    distance = np.full(len(points), np.inf)
    while len(chosen) < min(count, len(points)) and distance[at] > 0:
        chosen.append(at)
        distance = np.minimum(distance, np.square(points - points[at]).sum(1))
        at = int(distance.argmax())
    return np.array(chosen, np.intp)


def still_motion(template: Template) -> Float64Array:
    """(V,) how far the shapes move each vertex at most, metres."""
    far = np.linalg.norm(template.shape_deltas, axis=2).max(0, initial=0.0)
    return np.asarray(far, np.float64)


def _mirrored_anchors(points: Float64Array, count: int) -> Float64Array:
    """(2 H, 3): H places of the left side, and their mirror images."""
    folded = np.c_[np.abs(points[:, 0]), points[:, 1:]]
    left = folded[spread_evenly(folded, max(1, count // 2))]
    return np.concatenate([left, left * _FLIP])


def _kernel(a: Float64Array, b: Float64Array, length_m: float) -> Float64Array:
    square = np.square(a[:, None] - b).sum(2)
    return np.asarray(np.exp(-square / (2 * length_m**2)))
