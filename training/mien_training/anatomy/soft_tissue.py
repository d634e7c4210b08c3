"""The soft part of a head, skin and mouth, as one deformation graph; everything else is rigid."""

from __future__ import annotations

import numpy as np

from mien_training.geometry.deformation_graph import DeformationGraph, GraphTopology, Smoothing
from mien_training.geometry.laplacian import dilated
from mien_training.head import MATERIALS, Template
from mien_training.templates.contact_pairs import contact_pairs

__all__ = ["soft_tissue_graph", "soft_tissue_topology"]

_SOFT = ("skin", "mouth")
"""Eyeballs, teeth and tongue are rigid and follow."""


def soft_tissue_topology(
    template: Template, smoothing: Smoothing = "interior", spacing_m: float = 0.012
) -> GraphTopology:
    """Skin and mouth as nodes of one graph, cut where lips, lids and eyes lie against each other.

    No interior edge may be stretched by a shape of the template beyond its own length.
    """
    soft = np.isin(template.triangle_material, [MATERIALS.index(m) for m in _SOFT])
    pairs = contact_pairs(template) if smoothing == "interior" else ()
    return GraphTopology.build(
        template.vertices, template.triangles[soft], smoothing, spacing_m, pairs,
        template.shape_deltas,
    )  # fmt: skip


def soft_tissue_graph(
    template: Template,
    smoothing: Smoothing = "interior",
    lambda_: float = 19.0,
    spacing_m: float = 0.012,
    moving_m: float | None = None,
) -> DeformationGraph:
    """The map from differential coordinates of skin and mouth to displacements of all vertices.

    moving_m: only what some shape of the template moves farther than this, metres, and four rings
    around it; the rest stays where it is, and the smoothing knows.
    """
    topology = soft_tissue_topology(template, smoothing, spacing_m)
    if moving_m is None:
        return topology.graph(lambda_)
    member = np.zeros(len(template.vertices), bool)
    member[topology.vertices] = True
    moves = np.linalg.norm(template.shape_deltas, axis=2).max(0, initial=0.0) > moving_m
    soft = np.isin(template.triangle_material, [MATERIALS.index(m) for m in _SOFT])
    near = dilated(moves & member, template.triangles[soft], 4) & member
    return topology.graph(lambda_, topology.around(near))
