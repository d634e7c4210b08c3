"""Smooth displacements of the skin along its normals: their prior, and the equations to solve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_array, csr_array, diags_array, eye_array
from scipy.sparse.linalg import SuperLU, splu

from mien_training.geometry.laplacian import mesh_edges, uniform_laplacian
from mien_training.head import MATERIALS, Template
from mien_training.templates.regions import face_region

__all__ = ["SmoothOffset"]

Float64Array = NDArray[np.float64]
Int64Array = NDArray[np.int64]

_PROBES = 8


class SmoothOffset:
    """The prior 1/2 kappa |(I + lambda L) d|^2 of displacements d of the skin.

    These are the differential coordinates of Nicolet, Jacobson and Jakob 2021 ("Large Steps in
    Inverse Rendering of Geometry", section 3), here as the prior of Gauss-Newton steps.
    """

    def __init__(self, template: Template, spread_m: float, reach_m: float) -> None:
        """spread_m: root mean square of d before anything is seen; reach_m: how far it spreads."""
        skin = template.triangles[template.triangle_material == MATERIALS.index("skin")]
        self.nodes = np.unique(skin).astype(np.int64)
        """(K,) vertices of skin."""
        self.node = np.full(len(template.vertices), -1, np.int64)
        """(V,) index of each vertex among them, or -1."""
        self.node[self.nodes] = np.arange(len(self.nodes))
        edges = mesh_edges(template.triangles)
        ends = template.vertices[edges[face_region(template)[edges].all(1)]]
        edge = float(np.median(np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)))
        laplacian = uniform_laplacian(mesh_edges(self.node[skin]), len(self.nodes))
        rough = csc_array(eye_array(len(self.nodes)) + (reach_m / edge) ** 2 * laplacian)
        self._smooth = _factor(rough)
        probes = np.random.default_rng(0).standard_normal((len(self.nodes), _PROBES))
        rms = float(np.sqrt((self._smooth.solve(probes) ** 2).mean()))
        self._stiff: csr_array = csr_array((rms / spread_m) ** 2 * (rough.T @ rough))
        self._entries = self._stiff.tocoo()

    def smoothed(self, values: Float64Array) -> Float64Array:
        """(K, X) values at the nodes, each spread as far as displacements are; constants stay."""
        return np.asarray(self._smooth.solve(np.asarray(values, np.float64)))

    def normal_step(
        self,
        rows: csr_array,
        curvature: Float64Array,
        slope: Float64Array,
        normals: Float64Array,
        displacement: Float64Array,
    ) -> Float64Array:
        """(K,) metres along the normals (K, 3) that minimise prior and observations together.

        rows (P, K): how far each observed place moves with the nodes; curvature (P,) and slope
        (P,): second and first derivative of what it costs; displacement (K, 3) so far.
        """
        entries = self._entries
        along = (normals[entries.row] * normals[entries.col]).sum(1)
        stiff = coo_array((entries.data * along, entries.coords), shape=entries.shape)
        system = csr_array(stiff) + rows.T @ (diags_array(curvature) @ rows)
        pull = rows.T @ slope + (normals * (self._stiff @ displacement)).sum(1)
        return np.asarray(-_factor(csc_array(system)).solve(pull))

    def displacement(
        self, rows: csr_array, weight: Float64Array, wanted: Float64Array
    ) -> Float64Array:
        """(K, 3) of least prior and weighted (P,) squared distance of rows (P, K) @ d from
        wanted (P, 3), metres."""
        system = self._stiff + rows.T @ (diags_array(weight) @ rows)
        return np.asarray(_factor(csc_array(system)).solve(rows.T @ (weight[:, None] * wanted)))

    def rows(self, corners: Int64Array, share: Float64Array) -> csr_array:
        """(P, K) of places by the vertices (P, 3) around them; corners off the skin count not."""
        node = self.node[corners]
        there = node >= 0
        place = np.broadcast_to(np.arange(len(corners))[:, None], corners.shape)
        return csr_array(
            coo_array(
                (np.asarray(share, np.float64)[there], (place[there], node[there])),
                shape=(len(corners), len(self.nodes)),
            )
        )


def _factor(matrix: csc_array) -> SuperLU:
    # Symmetric mode: positive definite, so no pivoting is needed and less fills in.
    return splu(
        matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
    )
